//! DeBERTa (He et al., 2021) and its versions 2 and 3: attention between contents and relative
//! positions, in layers with LayerNorms behind attention and feed-forward.

mod attention;
mod config;
mod layer;
mod relative;

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::backbone::{Backbone, Blueprint, Parsed, Shape};
use crate::lm::config::LmConfig;
use crate::lm::head::{HeadBiases, HeadNames, Layout};
use crate::lm::masks;
use crate::lm::modules::{Linear, Mode, Norm, to};
use crate::lm::params::{Parameter, Role};
use crate::lm::stack::{Pass, Stack, Stacked};
use crate::lm::weights::Weights;
use attention::View;
use config::Settings;
use layer::{Convolution, Layer};
use relative::{Near, RelativeEmbeddings};

/// Version 1.
pub(super) fn first(text: &str) -> Parsed {
    parse(text, false)
}

/// Versions 2 and 3.
pub(super) fn second(text: &str) -> Parsed {
    parse(text, true)
}

fn parse(text: &str, second: bool) -> Parsed {
    let (config, settings) = Settings::parse(text, second)?;
    Ok((config, Box::new(settings)))
}

const WORDS: &str = "embeddings.word_embeddings.weight";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const TOKEN_TYPES: &str = "embeddings.token_type_embeddings.weight";
const PROJECT: &str = "embeddings.embed_proj";
const EMBEDDING_NORM: &str = "embeddings.LayerNorm";
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
        let relative = self.relative.as_ref();
        let relative = relative.map(|r| RelativeEmbeddings::take(w, c, r, prefix));
        Box::new(Stacked::new(Deberta {
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
        }))
    }
}

struct Deberta {
    positions: Option<Tensor>,
    token_types: Option<Tensor>,
    project: Option<Linear>,
    norm: Norm,
    /// `None`: no relative positions.
    relative: Option<RelativeEmbeddings>,
    conv: Option<Convolution>,
    layers: Vec<Layer>,
    config: LmConfig,
}

/// What the layers see.
struct Seen {
    /// Added to the scores, `[batch, 1, 1, seq]`.
    mask: Tensor,
    near: Option<Near>,
}

impl Stack for Deberta {
    type View = Seen;

    fn depth(&self) -> usize {
        self.layers.len()
    }

    fn embed(&self, words: &Tensor, shape: &Shape, pass: &Pass) -> Result<Tensor> {
        let seq = words.size3()?.1;
        self.config.check_length(seq)?;
        let mut x = words.shallow_clone();
        if let Some(positions) = &self.positions {
            x = x.f_add(&positions.f_narrow(0, 0, seq)?)?;
        }
        if let Some(types) = &self.token_types {
            x = x.f_add(&shape.segment_rows(types)?)?;
        }
        let mut x = pass.packing.pack(&x)?;
        if let Some(project) = &self.project {
            x = project.forward(&x)?;
        }
        let x = self.norm.forward(&x)?;
        Ok(x.f_dropout(self.config.dropout, pass.mode == Mode::Train)?)
    }

    fn view(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<Seen> {
        let relative = self.relative.as_ref();
        Ok(Seen {
            mask: masks::pads(&shape.keep, kind)?,
            near: relative
                .map(|relative| relative.near(shape, pass, kind))
                .transpose()?,
        })
    }

    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, seen: &Seen) -> Result<Tensor> {
        let read = pass.read.as_ref().filter(|_| i + 1 == self.depth());
        // The convolution stands beside the first layer at all positions.
        let conv = self.conv.as_ref().filter(|_| i == 0);
        let here = read.filter(|_| conv.is_none());
        let distances = match (&self.relative, &seen.near) {
            (Some(relative), Some(near)) => Some(relative.distances(near, here.is_some())?),
            _ => None,
        };
        let view = View {
            packing: &pass.packing,
            read: here,
            distances: distances.as_ref(),
            mask: &seen.mask,
            mode: pass.mode,
        };
        let states = self.layers[i].forward(x, &view)?;
        let Some(conv) = conv else {
            return Ok(states);
        };
        let states = conv.forward(x, &states, &pass.packing, pass.mode)?;
        match read {
            Some(read) => pass.packing.gather(&states, read),
            None => Ok(states),
        }
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let named = |name: &str| format!("{prefix}{name}");
        for (name, tensor) in [
            (POSITIONS, self.positions.as_ref()),
            (TOKEN_TYPES, self.token_types.as_ref()),
        ] {
            if let Some(tensor) = tensor {
                let tensor = tensor.shallow_clone();
                into.push(Parameter::new(named(name), tensor, Role::Embedding));
            }
        }
        if let Some(relative) = &self.relative {
            relative.list_embeddings(prefix, into);
        }
        if let Some(project) = &self.project {
            project.list(&named(PROJECT), into);
        }
        self.norm.list(&named(EMBEDDING_NORM), into);
        if let Some(relative) = &self.relative {
            relative.list_norm(prefix, into);
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
        if let Some(relative) = &mut self.relative {
            relative.to(device, kind)?;
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
