//! Their transformer: input embeddings in, hidden states out.

use tch::{Device, Kind, Tensor};

use super::config::Relative;
use super::names::{ALBERT, BERT, DISTILBERT, ELECTRA, ROBERTA};
use super::names::{EMBEDDING_NORM, Names, POSITIONS, TOKEN_TYPES, WORDS};
use crate::error::Result;
use crate::lm::backbone::{Backbone, Blueprint, Shape};
use crate::lm::config::LmConfig;
use crate::lm::head::{HeadBiases, HeadNames, Layout};
use crate::lm::masks;
use crate::lm::modules::{Linear, Mode, Norm, to};
use crate::lm::params::{Parameter, Role};
use crate::lm::post_norm::{Dropout, Layer};
use crate::lm::stack::{Pass, Stack, Stacked};
use crate::lm::weights::Weights;

/// Everything between the word embeddings and the hidden states.
struct Bert {
    positions: Tensor,
    token_types: Option<Tensor>,
    norm: Norm,
    project: Option<Linear>,
    layers: Vec<Layer>,
    config: LmConfig,
    names: &'static Names,
}

impl Relative {
    pub(super) fn names(self) -> &'static Names {
        match self {
            Relative::Bert => &BERT,
            Relative::Roberta => &ROBERTA,
            Relative::DistilBert => &DISTILBERT,
            Relative::Electra => &ELECTRA,
            Relative::Albert => &ALBERT,
        }
    }

    /// DistilBERT drops nothing of what attention gives, ALBERT nothing of what feed-forward gives.
    pub(super) fn dropout(self, c: &LmConfig) -> Dropout {
        let unless = |relative: Relative| if self == relative { 0.0 } else { c.dropout };
        Dropout {
            attention: c.attention_dropout,
            attended: unless(Relative::DistilBert),
            fed: unless(Relative::Albert),
        }
    }

    /// Takes the tensors whose names start with `prefix`.
    fn take(self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Bert {
        let names = self.names();
        let one_layer = self == Relative::Albert;
        let token_types = (c.token_types > 0).then(|| {
            weights.take(
                &format!("{prefix}{TOKEN_TYPES}"),
                &[c.token_types, c.embedding],
            )
        });
        let projects = !names.project.is_empty() && (c.embedding != c.hidden || one_layer);
        let project = projects.then(|| {
            let name = format!("{prefix}{}", names.project);
            Linear::take(weights, &name, c.embedding, c.hidden)
        });
        let stored = if one_layer { 1 } else { c.layers };
        let mut layer = |i: usize| {
            let at = layer_prefix(prefix, names.layer, i);
            Layer::take(weights, c, &names.parts, self.dropout(c), &at)
        };
        let layers = (0..stored).map(&mut layer).collect();
        let norm = format!("{prefix}{EMBEDDING_NORM}");
        Bert {
            positions: weights.take(&format!("{prefix}{POSITIONS}"), &[c.positions, c.embedding]),
            token_types,
            norm: Norm::take(weights, &norm, c.embedding, c.eps),
            project,
            layers,
            config: c.clone(),
            names,
        }
    }
}

impl Blueprint for Relative {
    fn layout(&self, _: &Weights) -> Layout {
        let names = self.names();
        Layout {
            prefix: names.prefix,
            words: WORDS,
            head: Some(HeadNames {
                dense: names.head_dense,
                norm: names.head_norm,
                bias: names.head_bias,
                sign: names.head_bias.into(),
                biases: HeadBiases::ALL,
            }),
            ignored: names.ignored.iter().map(|&name| name.into()).collect(),
        }
    }

    fn backbone(&self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        Box::new(Stacked::new(self.take(weights, c, prefix)))
    }
}

impl Stack for Bert {
    /// Added to the attention scores, `[batch, 1, 1, seq]`.
    type View = Tensor;

    fn depth(&self) -> usize {
        self.config.layers
    }

    fn embed(&self, words: &Tensor, shape: &Shape, pass: &Pass) -> Result<Tensor> {
        let seq = words.size3()?.1;
        self.config.check_length(seq)?;
        let mut x = words.f_add(&self.positions.f_narrow(
            0,
            self.config.position_offset,
            seq,
        )?)?;
        if let Some(types) = &self.token_types {
            x = x.f_add(&shape.segment_rows(types)?)?;
        }
        let x = self
            .norm
            .forward(&pass.packing.pack(&x)?)?
            .f_dropout(self.config.dropout, pass.mode == Mode::Train)?;
        match &self.project {
            Some(project) => project.forward(&x),
            None => Ok(x),
        }
    }

    fn view(&self, shape: &Shape, _: &Pass, kind: Kind) -> Result<Tensor> {
        masks::pads(&shape.keep, kind)
    }

    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, bias: &Tensor) -> Result<Tensor> {
        let layer = &self.layers[i % self.layers.len()];
        let read = pass.read.as_ref().filter(|_| i + 1 == self.depth());
        layer.forward(x, &pass.packing, read, bias, pass.mode)
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let names = self.names;
        let positions = self.positions.shallow_clone();
        into.push(Parameter::new(
            format!("{prefix}{POSITIONS}"),
            positions,
            Role::Embedding,
        ));
        if let Some(types) = &self.token_types {
            let name = format!("{prefix}{TOKEN_TYPES}");
            into.push(Parameter::new(name, types.shallow_clone(), Role::Embedding));
        }
        self.norm.list(&format!("{prefix}{EMBEDDING_NORM}"), into);
        if let Some(project) = &self.project {
            project.list(&format!("{prefix}{}", names.project), into);
        }
        for (i, layer) in self.layers.iter().enumerate() {
            layer.list(&names.parts, &layer_prefix(prefix, names.layer, i), into);
        }
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.positions, device, kind)?;
        if let Some(types) = &mut self.token_types {
            to(types, device, kind)?;
        }
        self.norm.to(device, kind)?;
        if let Some(project) = &mut self.project {
            project.to(device, kind)?;
        }
        self.layers
            .iter_mut()
            .try_for_each(|layer| layer.to(device, kind))
    }
}

fn layer_prefix(prefix: &str, layer: &str, i: usize) -> String {
    format!("{prefix}{}", layer.replace("{}", &i.to_string()))
}
