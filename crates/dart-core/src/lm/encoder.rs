//! The post-LayerNorm transformer that BERT, RoBERTa, XLM-R, DistilBERT, ELECTRA and ALBERT are
//! settings of: input embeddings in, hidden states out.

use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Blueprint, Shape};
use super::config::{Family, LmConfig};
use super::head::{HeadBiases, HeadNames, Layout};
use super::layer::{Layer, Linear, Mode, Norm, to};
use super::masks;
use super::names::{EMBEDDING_NORM, Names, POSITIONS, TOKEN_TYPES, WORDS};
use super::params::{Parameter, Role};
use super::stack::{Pass, Stack, Stacked};
use super::weights::Weights;
use crate::error::Result;

/// Everything between the word embeddings and the hidden states.
pub(super) struct Encoder {
    positions: Tensor,
    token_types: Option<Tensor>,
    norm: Norm,
    project: Option<Linear>,
    layers: Vec<Layer>,
    config: LmConfig,
    names: &'static Names,
}

impl Encoder {
    /// Takes the encoder's tensors, whose names start with `prefix`.
    pub fn take(
        weights: &mut Weights,
        config: &LmConfig,
        names: &'static Names,
        prefix: &str,
    ) -> Self {
        let c = config;
        let token_types = (c.token_types > 0).then(|| {
            weights.take(
                &format!("{prefix}{TOKEN_TYPES}"),
                &[c.token_types, c.embedding],
            )
        });
        let project = (!names.project.is_empty()
            && (c.embedding != c.hidden || c.family == Family::Albert))
            .then(|| {
                let name = format!("{prefix}{}", names.project);
                Linear::take(weights, &name, c.embedding, c.hidden)
            });
        let stored = if c.family == Family::Albert {
            1
        } else {
            c.layers
        };
        Encoder {
            positions: weights.take(&format!("{prefix}{POSITIONS}"), &[c.positions, c.embedding]),
            token_types,
            norm: Norm::take(
                weights,
                &format!("{prefix}{EMBEDDING_NORM}"),
                c.embedding,
                c.eps,
            ),
            project,
            layers: (0..stored)
                .map(|i| Layer::take(weights, c, names, &layer_prefix(prefix, names.layer, i)))
                .collect(),
            config: c.clone(),
            names,
        }
    }
}

impl Blueprint for &'static Names {
    fn layout(&self, _: &Weights) -> Layout {
        Layout {
            prefix: self.prefix,
            words: WORDS,
            head: Some(HeadNames {
                dense: self.head_dense,
                norm: self.head_norm,
                bias: self.head_bias,
                sign: self.head_bias.into(),
                biases: HeadBiases::ALL,
            }),
            ignored: self.ignored.iter().map(|&name| name.into()).collect(),
        }
    }

    fn backbone(&self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        Box::new(Stacked::new(Encoder::take(weights, c, self, prefix)))
    }
}

impl Stack for Encoder {
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
            layer.list(names, &layer_prefix(prefix, names.layer, i), into);
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
