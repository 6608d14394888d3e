//! ModernBERT (Warner et al., 2024): LayerNorms before attention and feed-forward, rotary
//! positions, gated feed-forward; attention is global in every n-th layer and looks at a window in
//! the others.

mod config;
mod layer;

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::backbone::{Backbone, Blueprint, Parsed, Shape};
use crate::lm::config::LmConfig;
use crate::lm::head::{HeadNames, Layout};
use crate::lm::masks;
use crate::lm::modules::{Mode, Norm};
use crate::lm::params::Parameter;
use crate::lm::rotary::Rotary;
use crate::lm::stack::{Pass, Stack, Stacked};
use crate::lm::weights::Weights;
use config::Settings;
use layer::{Layer, View};

/// Reads `config.json`.
pub(super) fn parse(text: &str) -> Parsed {
    let (config, settings) = Settings::parse(text)?;
    Ok((config, Box::new(settings)))
}

impl Blueprint for Settings {
    fn layout(&self, _: &Weights) -> Layout {
        Layout {
            prefix: "model.",
            words: "embeddings.tok_embeddings.weight",
            head: Some(HeadNames {
                dense: "head.dense",
                norm: "head.norm",
                bias: "decoder.bias",
                sign: "head.dense.weight".into(),
                biases: self.head_biases,
            }),
            ignored: vec!["decoder.weight".into()],
        }
    }

    fn backbone(&self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        let norm = |weights: &mut Weights, name: &str| {
            let name = format!("{prefix}{name}");
            Norm::take_with(weights, &name, c.hidden, c.eps, self.norm_bias)
        };
        Box::new(Stacked::new(ModernBert {
            norm: norm(weights, NORM),
            layers: (0..c.layers)
                .map(|i| Layer::take(weights, c, self, &format!("{prefix}layers.{i}."), i))
                .collect(),
            final_norm: norm(weights, FINAL_NORM),
            config: c.clone(),
            settings: self.clone(),
        }))
    }
}

const NORM: &str = "embeddings.norm";
const FINAL_NORM: &str = "final_norm";

struct ModernBert {
    norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
    config: LmConfig,
    settings: Settings,
}

/// What the layers' queries see.
struct Views {
    global: View,
    local: View,
    /// At the positions that are read, in the last layer.
    last: Option<View>,
}

impl ModernBert {
    /// What the queries at `read` (`None`: everywhere) see, in a global or a local layer.
    fn seen(&self, global: bool, shape: &Shape, read: Option<&Tensor>, kind: Kind) -> Result<View> {
        let (keep, s) = (&shape.keep, &self.settings);
        let (seq, device) = (keep.size2()?.1, keep.device());
        let (mask, theta) = match global {
            true => (masks::pads(keep, kind)?, s.global_theta),
            false => {
                let queries = masks::query_positions(read, seq, device)?;
                let mask = masks::window(keep, &queries, s.window, kind)?;
                (mask, s.local_theta)
            }
        };
        let d = self.config.hidden / self.config.heads;
        let keys = Rotary::new(seq, d, theta, kind, device)?;
        let queries = read.map(|read| keys.at(read)).transpose()?;
        Ok(View {
            mask,
            keys,
            queries,
        })
    }

    fn is_global(&self, i: usize) -> bool {
        i.is_multiple_of(self.settings.global_every)
    }
}

impl Stack for ModernBert {
    type View = Views;

    fn depth(&self) -> usize {
        self.layers.len()
    }

    fn embed(&self, words: &Tensor, _: &Shape, pass: &Pass) -> Result<Tensor> {
        self.config.check_length(words.size3()?.1)?;
        Ok(self
            .norm
            .forward(&pass.packing.pack(words)?)?
            .f_dropout(self.settings.embedding_dropout, pass.mode == Mode::Train)?)
    }

    fn view(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<Views> {
        let last = self.is_global(self.depth().saturating_sub(1));
        let read = pass.read.as_ref();
        Ok(Views {
            global: self.seen(true, shape, None, kind)?,
            local: self.seen(false, shape, None, kind)?,
            last: read
                .map(|read| self.seen(last, shape, Some(read), kind))
                .transpose()?,
        })
    }

    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, views: &Views) -> Result<Tensor> {
        let read = pass.read.as_ref().filter(|_| i + 1 == self.depth());
        let view = match &views.last {
            Some(last) if read.is_some() => last,
            _ if self.is_global(i) => &views.global,
            _ => &views.local,
        };
        self.layers[i].forward(x, &pass.packing, read, view, pass.mode)
    }

    fn finish(&self, x: Tensor) -> Result<Tensor> {
        self.final_norm.forward(&x)
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        self.norm.list(&format!("{prefix}{NORM}"), into);
        for (i, layer) in self.layers.iter().enumerate() {
            layer.list(&format!("{prefix}layers.{i}."), into);
        }
        self.final_norm.list(&format!("{prefix}{FINAL_NORM}"), into);
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        self.norm.to(device, kind)?;
        self.final_norm.to(device, kind)?;
        self.layers
            .iter_mut()
            .try_for_each(|layer| layer.to(device, kind))
    }
}
