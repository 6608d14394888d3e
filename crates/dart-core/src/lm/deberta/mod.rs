//! DeBERTa (He et al., 2021) and its versions 2 and 3: attention between contents and relative
//! positions, in layers with LayerNorms behind attention and feed-forward.

mod attention;
mod config;
mod layer;

use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Blueprint, Shape};
use super::config::{LmConfig, Parsed};
use super::head::{HeadBiases, HeadNames, Layout};
use super::layer::{Linear, Mode, Norm, to};
use super::masks;
use super::packing::Packing;
use super::params::{Parameter, Role, indices};
use super::weights::Weights;
use crate::error::Result;
use attention::{Distances, View};
use config::{Relative, Settings};
use layer::{Convolution, Layer};

/// Reads `config.json`. `second`: version 2 or 3.
pub(super) fn parse(text: &str, second: bool) -> Parsed {
    let (config, settings) = Settings::parse(text, second)?;
    Ok((config, Box::new(settings)))
}

const WORDS: &str = "embeddings.word_embeddings.weight";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TOKEN_TYPES: &str = "embeddings.token_type_embeddings.weight";
const PROJECT: &str = "embeddings.embed_proj";
const EMBEDDING_NORM: &str = "embeddings.LayerNorm";
const RELATIVE: &str = "encoder.rel_embeddings.weight";
const RELATIVE_NORM: &str = "encoder.LayerNorm";
const CONV: &str = "encoder.conv.";

/// The head as transformers' `legacy` models have it, and as the published checkpoints have it.
const OLDER: [&str; 3] = [
    "cls.predictions.transform.dense",
    "cls.predictions.transform.LayerNorm",
    "cls.predictions.bias",
];
const NEWER: [&str; 3] = [
    "lm_predictions.lm_head.dense",
    "lm_predictions.lm_head.LayerNorm",
    "lm_predictions.lm_head.bias",
];

impl Blueprint for Settings {
    fn layout(&self, weights: &Weights) -> Layout {
        let older = match (weights.contains(OLDER[2]), weights.contains(NEWER[2])) {
            (true, true) => self.legacy,
            (older, newer) => older || !newer,
        };
        let ([dense, norm, bias], other) = match older {
            true => (OLDER, "lm_predictions."),
            false => (NEWER, "cls."),
        };
        let mut ignored = vec![
            "embeddings.position_ids",
            "pooler.",
            "mask_predictions.",
            other,
        ];
        ignored.push("cls.predictions.decoder.");
        if !self.absolute {
            ignored.push(POSITIONS);
        }
        Layout {
            prefix: "deberta.",
            words: WORDS,
            head: Some(HeadNames {
                dense,
                norm,
                bias,
                sign: bias.into(),
                biases: HeadBiases::ALL,
            }),
            ignored: ignored.into_iter().map(String::from).collect(),
        }
    }

    fn backbone(&self, w: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        let named = |name: &str| format!("{prefix}{name}");
        let (d, h) = (c.embedding, c.hidden);
        let relative = self.relative.as_ref().map(|relative| {
            let embeddings = w.take(&named(RELATIVE), &[2 * relative.span, h]);
            let norm = relative
                .norm
                .then(|| Norm::take(w, &named(RELATIVE_NORM), h, c.eps));
            (relative.clone(), embeddings, norm)
        });
        Box::new(Deberta {
            positions: self
                .absolute
                .then(|| w.take(&named(POSITIONS), &[c.positions, d])),
            token_types: (c.token_types > 0)
                .then(|| w.take(&named(TOKEN_TYPES), &[c.token_types, d])),
            project: (d != h).then(|| Linear::take_with(w, &named(PROJECT), d, h, false)),
            norm: Norm::take(w, &named(EMBEDDING_NORM), h, c.eps),
            relative,
            conv: self
                .conv
                .as_ref()
                .map(|conv| Convolution::take(w, c, conv, &named(CONV))),
            layers: (0..c.layers)
                .map(|i| Layer::take(w, c, self, &named(&format!("encoder.layer.{i}."))))
                .collect(),
            config: c.clone(),
        })
    }
}

struct Deberta {
    positions: Option<Tensor>,
    token_types: Option<Tensor>,
    project: Option<Linear>,
    norm: Norm,
    /// The relative embeddings `[2 · span, H]` and their LayerNorm.
    relative: Option<(Relative, Tensor, Option<Norm>)>,
    conv: Option<Convolution>,
    layers: Vec<Layer>,
    config: LmConfig,
}

impl Deberta {
    /// Embeddings `[tokens, H]`.
    fn embed(
        &self,
        words: &Tensor,
        shape: &Shape,
        packing: &Packing,
        mode: Mode,
    ) -> Result<Tensor> {
        let seq = words.size3()?.1;
        self.config.check_length(seq)?;
        let mut x = words.shallow_clone();
        if let Some(positions) = &self.positions {
            x = x.f_add(&positions.f_narrow(0, 0, seq)?)?;
        }
        if let Some(types) = &self.token_types {
            x = x.f_add(&shape.segment_rows(types)?)?;
        }
        let mut x = packing.pack(&x)?;
        if let Some(project) = &self.project {
            x = project.forward(&x)?;
        }
        let x = self.norm.forward(&x)?;
        Ok(x.f_dropout(self.config.dropout, mode == Mode::Train)?)
    }

    /// The relative embeddings that inputs of `seq` tokens use.
    fn near(&self, seq: i64) -> Result<Option<(Vec<i64>, Tensor)>> {
        let Some((relative, embeddings, norm)) = &self.relative else {
            return Ok(None);
        };
        let mut rows = relative.rows(seq);
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return Ok(None);
        };
        rows.iter_mut().for_each(|row| *row -= first);
        let near = embeddings.f_narrow(0, first, last + 1 - first)?;
        let near = match norm {
            Some(norm) => norm.forward(&near)?,
            None => near,
        };
        Ok(Some((rows, near)))
    }
}

impl Backbone for Deberta {
    fn forward(
        &self,
        words: &Tensor,
        shape: &Shape,
        read: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        let (seq, device) = (words.size3()?.1, words.device());
        let packing = Packing::new(&shape.keep)?;
        let embedded = self.embed(words, shape, &packing, mode)?;
        let mask = masks::pads(&shape.keep, embedded.kind())?;
        let near = self.near(seq)?;
        let distances = |read: Option<&Tensor>| -> Result<Option<Distances>> {
            let Some((rows, embeddings)) = &near else {
                return Ok(None);
            };
            let queries = masks::query_positions(read, seq, device)?;
            let apart = masks::distances(&queries, seq)?.f_add_scalar(seq - 1)?;
            let rows = indices(rows, device)?.f_index_select(0, &apart.f_reshape([-1])?)?;
            Ok(Some(Distances {
                embeddings: embeddings.shallow_clone(),
                rows: rows.f_view(apart.size().as_slice())?.f_unsqueeze(1)?,
            }))
        };
        let everywhere = distances(None)?;
        let last = self.layers.len().saturating_sub(1);
        let mut x = embedded.shallow_clone();
        for (i, layer) in self.layers.iter().enumerate() {
            // The convolution stands beside the first layer at all positions.
            let conv = self.conv.as_ref().filter(|_| i == 0);
            let here = read.filter(|_| i == last && conv.is_none());
            let own = match here {
                Some(read) => distances(Some(read))?,
                None => None,
            };
            let view = View {
                packing: &packing,
                read: here,
                distances: own.as_ref().or(everywhere.as_ref()),
                mask: &mask,
                mode,
            };
            x = layer.forward(&x, &view)?;
            if let Some(conv) = conv {
                x = conv.forward(&embedded, &x, &packing, mode)?;
            }
            if let (Some(read), None, true) = (read, here, i == last) {
                x = packing.gather(&x, read)?;
            }
        }
        packing.unpack(&x, read)
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let named = |name: &str| format!("{prefix}{name}");
        let relative = self.relative.as_ref().map(|(_, embeddings, _)| embeddings);
        for (name, tensor) in [
            (POSITIONS, self.positions.as_ref()),
            (TOKEN_TYPES, self.token_types.as_ref()),
            (RELATIVE, relative),
        ] {
            if let Some(tensor) = tensor {
                let tensor = tensor.shallow_clone();
                into.push(Parameter::new(named(name), tensor, Role::Embedding));
            }
        }
        if let Some(project) = &self.project {
            project.list(&named(PROJECT), into);
        }
        self.norm.list(&named(EMBEDDING_NORM), into);
        if let Some((_, _, Some(norm))) = &self.relative {
            norm.list(&named(RELATIVE_NORM), into);
        }
        if let Some(conv) = &self.conv {
            conv.list(&named(CONV), into);
        }
        for (i, layer) in self.layers.iter().enumerate() {
            layer.list(&named(&format!("encoder.layer.{i}.")), into);
        }
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        let embeddings = [&mut self.positions, &mut self.token_types];
        embeddings
            .into_iter()
            .flatten()
            .try_for_each(|tensor| to(tensor, device, kind))?;
        if let Some((_, embeddings, norm)) = &mut self.relative {
            to(embeddings, device, kind)?;
            if let Some(norm) = norm {
                norm.to(device, kind)?;
            }
        }
        if let Some(project) = &mut self.project {
            project.to(device, kind)?;
        }
        if let Some(conv) = &mut self.conv {
            conv.to(device, kind)?;
        }
        self.norm.to(device, kind)?;
        self.layers
            .iter_mut()
            .try_for_each(|layer| layer.to(device, kind))
    }
}
