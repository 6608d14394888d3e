//! MPNet (Song et al., 2020): RoBERTa's layers with one relative-position bias for all of them.

mod bias;
mod config;

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::backbone::{Backbone, Blueprint, Parsed, Shape};
use crate::lm::config::LmConfig;
use crate::lm::head::{HeadBiases, HeadNames, Layout};
use crate::lm::masks;
use crate::lm::modules::{Mode, Norm, to};
use crate::lm::params::{Parameter, Role};
use crate::lm::post_norm::{Dropout, Layer, LayerNames};
use crate::lm::stack::{Pass, Stack, Stacked};
use crate::lm::weights::Weights;
use bias::RelativeBias;

pub(super) fn parse(text: &str) -> Parsed {
    Ok((config::parse(text)?, Box::new(Mpnet)))
}

const WORDS: &str = "embeddings.word_embeddings.weight";
const POSITIONS: &str = "embeddings.position_embeddings.weight";
const EMBEDDING_NORM: &str = "embeddings.LayerNorm";
const HEAD_BIAS: &str = "lm_head.bias";

static LAYER: LayerNames = LayerNames {
    query: "attention.attn.q",
    key: "attention.attn.k",
    value: "attention.attn.v",
    attention_out: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    out_norm: "output.LayerNorm",
};

fn layer_prefix(prefix: &str, i: usize) -> String {
    format!("{prefix}encoder.layer.{i}.")
}

struct Mpnet;

impl Blueprint for Mpnet {
    fn layout(&self, _: &Weights) -> Layout {
        let ignored = ["embeddings.position_ids", "pooler.", "lm_head.decoder."];
        Layout {
            prefix: "mpnet.",
            words: WORDS,
            head: Some(HeadNames {
                dense: "lm_head.dense",
                norm: "lm_head.layer_norm",
                bias: HEAD_BIAS,
                sign: HEAD_BIAS.into(),
                biases: HeadBiases::ALL,
            }),
            ignored: ignored.map(String::from).into(),
        }
    }

    fn backbone(&self, w: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        let dropout = Dropout {
            attention: c.attention_dropout,
            attended: c.dropout,
            fed: c.dropout,
        };
        let norm = format!("{prefix}{EMBEDDING_NORM}");
        Box::new(Stacked::new(Encoder {
            positions: w.take(&format!("{prefix}{POSITIONS}"), &[c.positions, c.embedding]),
            norm: Norm::take(w, &norm, c.hidden, c.eps),
            bias: RelativeBias::take(w, c, prefix),
            layers: (0..c.layers)
                .map(|i| Layer::take(w, c, &LAYER, dropout, &layer_prefix(prefix, i)))
                .collect(),
            config: c.clone(),
        }))
    }
}

/// Everything between the word embeddings and the hidden states.
struct Encoder {
    positions: Tensor,
    norm: Norm,
    bias: RelativeBias,
    layers: Vec<Layer>,
    config: LmConfig,
}

/// What the layers see.
struct Seen {
    /// Hides pads, `[batch, 1, 1, seq]`.
    mask: Tensor,
    /// Added to the scores of layers that compute all positions, `[batch, heads, seq, seq]`; `None`:
    /// each layer computes it, so that it gets there in each layer's own backward pass.
    scores: Option<Tensor>,
}

impl Encoder {
    /// What is added to the scores of all queries, `[batch, heads, seq, seq]`, or of those at the
    /// positions `read` `[batch, r]`, `[batch, heads, r, seq]`.
    fn scores(&self, mask: &Tensor, read: Option<&Tensor>) -> Result<Tensor> {
        let bias = self.bias.forward(mask.size4()?.3, mask.kind())?;
        let bias = match read {
            None => bias.f_unsqueeze(0)?,
            Some(read) => {
                let (batch, r) = read.size2()?;
                let rows = bias.f_index_select(1, &read.f_reshape([-1])?)?;
                rows.f_view([self.config.heads, batch, r, -1])?
                    .f_transpose(0, 1)?
                    .f_contiguous()?
            }
        };
        Ok(bias.f_add(mask)?)
    }
}

impl Stack for Encoder {
    type View = Seen;

    fn depth(&self) -> usize {
        self.layers.len()
    }

    fn embed(&self, words: &Tensor, _: &Shape, pass: &Pass) -> Result<Tensor> {
        let seq = words.size3()?.1;
        self.config.check_length(seq)?;
        let from = self.config.position_offset;
        let x = words.f_add(&self.positions.f_narrow(0, from, seq)?)?;
        let x = self.norm.forward(&pass.packing.pack(&x)?)?;
        Ok(x.f_dropout(self.config.dropout, pass.mode == Mode::Train)?)
    }

    fn view(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<Seen> {
        let mask = masks::pads(&shape.keep, kind)?;
        // Where positions are read, the one layer has a share of its own.
        let shared = !pass.recomputed && (pass.read.is_none() || self.depth() > 1);
        let scores = shared.then(|| self.scores(&mask, None)).transpose()?;
        Ok(Seen { mask, scores })
    }

    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, seen: &Seen) -> Result<Tensor> {
        let read = pass.read.as_ref().filter(|_| i + 1 == self.depth());
        let scores = match (&seen.scores, read) {
            (Some(scores), None) => scores.shallow_clone(),
            _ => self.scores(&seen.mask, read)?,
        };
        self.layers[i].forward(x, &pass.packing, read, &scores, pass.mode)
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let positions = self.positions.shallow_clone();
        let name = format!("{prefix}{POSITIONS}");
        into.push(Parameter::new(name, positions, Role::Embedding));
        self.norm.list(&format!("{prefix}{EMBEDDING_NORM}"), into);
        self.bias.list(prefix, into);
        for (i, layer) in self.layers.iter().enumerate() {
            layer.list(&LAYER, &layer_prefix(prefix, i), into);
        }
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.positions, device, kind)?;
        self.norm.to(device, kind)?;
        self.bias.to(device, kind)?;
        self.layers
            .iter_mut()
            .try_for_each(|layer| layer.to(device, kind))
    }
}
