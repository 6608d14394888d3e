//! The post-LayerNorm transformer that BERT, RoBERTa, XLM-R, DistilBERT, ELECTRA and ALBERT are
//! settings of: input embeddings in, hidden states out.

use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Blueprint, Shape};
use super::config::{Family, LmConfig};
use super::head::{HeadBiases, HeadNames, Layout};
use super::layer::{Layer, Linear, Mode, Norm, in_kind, to};
use super::masks;
use super::names::{EMBEDDING_NORM, Names, POSITIONS, TOKEN_TYPES, WORDS};
use super::packing::Packing;
use super::params::{Parameter, Role};
use super::recompute::Tape;
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
    /// The number format of the layers; `None`: that of the weights.
    compute: Option<Kind>,
    /// Where layers are computed again in the backward pass.
    tape: Option<Tape<Context>>,
}

/// What the layers need beside their input.
struct Context {
    packing: Packing,
    /// Added to the attention scores.
    bias: Tensor,
    read: Option<Tensor>,
    mode: Mode,
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
            compute: None,
            tape: None,
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
        Box::new(Encoder::take(weights, c, self, prefix))
    }
}

impl Backbone for Encoder {
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

    fn compute_in(&mut self, kind: Kind) -> Result<()> {
        self.compute = Some(kind);
        Ok(())
    }

    fn recompute(&mut self) -> Result<()> {
        self.tape = Some(Tape::new());
        Ok(())
    }

    fn backward(&self) -> Result<()> {
        match &self.tape {
            Some(tape) => tape.backward(|i, x, context| self.layer(i, x, context)),
            None => Ok(()),
        }
    }

    /// The last layer computes queries and feed-forward only at the positions `read`.
    fn forward(
        &self,
        words: &Tensor,
        shape: &Shape,
        read: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        let packing = Packing::new(&shape.keep)?;
        let x = self.embed(words, shape, &packing, mode)?;
        let outer = x.kind();
        let x = in_kind(&x, self.compute.unwrap_or(outer))?;
        let context = Context {
            packing: packing.share(),
            bias: masks::pads(&shape.keep, x.kind())?,
            read: read.map(Tensor::shallow_clone),
            mode,
        };
        let layers = self.config.layers;
        let run = |i: usize, x: &Tensor, context: &Context| self.layer(i, x, context);
        let x = match &self.tape {
            Some(tape) if mode == Mode::Train => tape.forward(x, layers, context, run)?,
            _ => (0..layers).try_fold(x, |x, i| run(i, &x, &context))?,
        };
        packing.unpack(&in_kind(&x, outer)?, read)
    }
}

impl Encoder {
    /// Layer `i`; the last one computes the positions that are read alone.
    fn layer(&self, i: usize, x: &Tensor, context: &Context) -> Result<Tensor> {
        let layer = &self.layers[i % self.layers.len()];
        let read = context.read.as_ref();
        let read = read.filter(|_| i + 1 == self.config.layers);
        layer.forward(x, &context.packing, read, &context.bias, context.mode)
    }

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
            .forward(&packing.pack(&x)?)?
            .f_dropout(self.config.dropout, mode == Mode::Train)?;
        match &self.project {
            Some(project) => project.forward(&x),
            None => Ok(x),
        }
    }
}

fn layer_prefix(prefix: &str, layer: &str, i: usize) -> String {
    format!("{prefix}{}", layer.replace("{}", &i.to_string()))
}
