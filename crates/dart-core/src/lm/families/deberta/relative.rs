//! The embeddings of distances, and where queries find those of keys.

use tch::{Device, Kind, Tensor};

use super::attention::Distances;
use super::config::Relative;
use crate::error::Result;
use crate::lm::backbone::Shape;
use crate::lm::config::LmConfig;
use crate::lm::masks;
use crate::lm::modules::{Norm, in_kind, to};
use crate::lm::params::{Parameter, Role, indices};
use crate::lm::stack::Pass;
use crate::lm::weights::Weights;

const EMBEDDINGS: &str = "encoder.rel_embeddings.weight";
const NORM: &str = "encoder.LayerNorm";

pub(super) struct RelativeEmbeddings {
    settings: Relative,
    /// `[2 · span, H]`
    embeddings: Tensor,
    norm: Option<Norm>,
}

/// The distances in a batch.
pub(super) struct Near {
    /// The rows that its lengths use: the first, and their number.
    from: i64,
    count: i64,
    /// `[count, H]`, where all layers share them.
    shared: Option<Tensor>,
    /// Where all queries find their rows, `[1, 1, seq, seq]`.
    everywhere: Tensor,
    /// Where those at the positions that are read do, `[batch, 1, r, seq]`.
    read: Option<Tensor>,
    /// The number format of the layers.
    kind: Kind,
}

impl RelativeEmbeddings {
    pub fn take(w: &mut Weights, c: &LmConfig, settings: &Relative, prefix: &str) -> Self {
        let norm = format!("{prefix}{NORM}");
        RelativeEmbeddings {
            embeddings: w.take(
                &format!("{prefix}{EMBEDDINGS}"),
                &[2 * settings.span, c.hidden],
            ),
            norm: settings.norm.then(|| Norm::take(w, &norm, c.hidden, c.eps)),
            settings: settings.clone(),
        }
    }

    /// The distances of a batch.
    pub fn near(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<Near> {
        let (seq, device) = (shape.keep.size2()?.1, shape.keep.device());
        let mut rows = self.settings.rows(seq);
        let from = rows.first().copied().unwrap_or(0);
        let count = rows.last().map_or(0, |last| last + 1 - from);
        rows.iter_mut().for_each(|row| *row -= from);
        let rows = indices(&rows, device)?;
        let found = |read: Option<&Tensor>| -> Result<Tensor> {
            let queries = masks::query_positions(read, seq, device)?;
            let apart = masks::distances(&queries, seq)?.f_add_scalar(seq - 1)?;
            let rows = rows.f_index_select(0, &apart.f_reshape([-1])?)?;
            Ok(rows.f_view(apart.size().as_slice())?.f_unsqueeze(1)?)
        };
        let read = pass.read.as_ref();
        let mut near = Near {
            from,
            count,
            shared: None,
            everywhere: found(None)?,
            read: read.map(|read| found(Some(read))).transpose()?,
            kind,
        };
        if !pass.recomputed {
            near.shared = Some(self.rows(&near)?);
        }
        Ok(near)
    }

    /// What a layer's queries find, at all positions or at those that are `read`.
    pub fn distances(&self, near: &Near, read: bool) -> Result<Distances> {
        let rows = near.read.as_ref().filter(|_| read);
        Ok(Distances {
            embeddings: match &near.shared {
                Some(shared) => shared.shallow_clone(),
                None => self.rows(near)?,
            },
            rows: rows.unwrap_or(&near.everywhere).shallow_clone(),
        })
    }

    /// `[count, H]`
    fn rows(&self, near: &Near) -> Result<Tensor> {
        let rows = self.embeddings.f_narrow(0, near.from, near.count)?;
        match &self.norm {
            Some(norm) => in_kind(&norm.forward(&rows)?, near.kind),
            None => in_kind(&rows, near.kind),
        }
    }

    pub fn list_embeddings(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let tensor = self.embeddings.shallow_clone();
        let name = format!("{prefix}{EMBEDDINGS}");
        into.push(Parameter::new(name, tensor, Role::Embedding));
    }

    pub fn list_norm(&self, prefix: &str, into: &mut Vec<Parameter>) {
        if let Some(norm) = &self.norm {
            norm.list(&format!("{prefix}{NORM}"), into);
        }
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.embeddings, device, kind)?;
        match &mut self.norm {
            Some(norm) => norm.to(device, kind),
            None => Ok(()),
        }
    }
}
