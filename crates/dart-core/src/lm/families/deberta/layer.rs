//! A layer of DeBERTa, and the convolution beside the first one.

use tch::{Device, Kind, Tensor};

use super::attention::{Attention, View};
use super::config::{Conv, Settings};
use crate::error::Result;
use crate::lm::config::{Activation, LmConfig};
use crate::lm::modules::{Linear, Mode, Norm, activate, in_kind, to};
use crate::lm::packing::Packing;
use crate::lm::params::{Parameter, Role};
use crate::lm::weights::Weights;

/// Self-attention and feed-forward, each with residual and LayerNorm.
pub(super) struct Layer {
    attention: Attention,
    attention_out: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    out_norm: Norm,
    activation: Activation,
    dropout: f64,
}

const SELF: &str = "attention.self.";
const LINEAR: [&str; 3] = [
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
];
const NORMS: [&str; 2] = ["attention.output.LayerNorm", "output.LayerNorm"];

impl Layer {
    pub fn take(w: &mut Weights, c: &LmConfig, s: &Settings, at: &str) -> Self {
        let (h, wide) = (c.hidden, c.intermediate);
        let named = |name: &str| format!("{at}{name}");
        Layer {
            attention: Attention::take(w, c, s, &named(SELF)),
            attention_out: Linear::take(w, &named(LINEAR[0]), h, h),
            attention_norm: Norm::take(w, &named(NORMS[0]), h, c.eps),
            up: Linear::take(w, &named(LINEAR[1]), h, wide),
            down: Linear::take(w, &named(LINEAR[2]), wide, h),
            out_norm: Norm::take(w, &named(NORMS[1]), h, c.eps),
            activation: c.activation,
            dropout: c.dropout,
        }
    }

    pub fn list(&self, at: &str, into: &mut Vec<Parameter>) {
        self.attention.list(&format!("{at}{SELF}"), into);
        let linear = [&self.attention_out, &self.up, &self.down];
        for (name, map) in LINEAR.iter().zip(linear) {
            map.list(&format!("{at}{name}"), into);
        }
        for (name, norm) in NORMS.iter().zip([&self.attention_norm, &self.out_norm]) {
            norm.list(&format!("{at}{name}"), into);
        }
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        self.attention.to(device, kind)?;
        for map in [&mut self.attention_out, &mut self.up, &mut self.down] {
            map.to(device, kind)?;
        }
        self.attention_norm.to(device, kind)?;
        self.out_norm.to(device, kind)
    }

    /// Hidden states `[tokens, H]` from `x` `[tokens, H]`, or `[batch × r, H]` at the positions that
    /// `view` reads alone.
    pub fn forward(&self, x: &Tensor, view: &View) -> Result<Tensor> {
        let train = view.mode == Mode::Train;
        let asking = match view.read {
            None => x.shallow_clone(),
            Some(read) => view.packing.gather(x, read)?,
        };
        let found = self.attention.forward(x, &asking, view)?;
        let attended = self.attention_out.forward(&found)?;
        let attended = attended.f_dropout(self.dropout, train)?.f_add(&asking)?;
        let x = self.attention_norm.forward(&attended)?;
        let up = activate(&self.up.forward(&x)?, self.activation)?;
        let fed = self.down.forward(&up)?.f_dropout(self.dropout, train)?;
        self.out_norm.forward(&fed.f_add(&x)?)
    }
}

/// What neighbouring embeddings add to the first layer's states.
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
    norm: Norm,
    settings: Conv,
    dropout: f64,
}

impl Convolution {
    pub fn take(w: &mut Weights, c: &LmConfig, settings: &Conv, at: &str) -> Self {
        let shape = [c.hidden, c.hidden / settings.groups, settings.kernel];
        Convolution {
            weight: w.take(&format!("{at}conv.weight"), &shape),
            bias: w.take(&format!("{at}conv.bias"), &[c.hidden]),
            norm: Norm::take(w, &format!("{at}LayerNorm"), c.hidden, c.eps),
            settings: settings.clone(),
            dropout: c.dropout,
        }
    }

    pub fn list(&self, at: &str, into: &mut Vec<Parameter>) {
        let (weight, bias) = (self.weight.shallow_clone(), self.bias.shallow_clone());
        into.push(Parameter::new(
            format!("{at}conv.weight"),
            weight,
            Role::Matrix,
        ));
        into.push(Parameter::new(format!("{at}conv.bias"), bias, Role::Bias));
        self.norm.list(&format!("{at}LayerNorm"), into);
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.weight, device, kind)?;
        to(&mut self.bias, device, kind)?;
        self.norm.to(device, kind)
    }

    /// `[tokens, H]` from the embeddings and the first layer's states, both `[tokens, H]`.
    pub fn forward(
        &self,
        embedded: &Tensor,
        states: &Tensor,
        packing: &Packing,
        mode: Mode,
    ) -> Result<Tensor> {
        let channels = packing.pad(embedded)?.f_transpose(1, 2)?; // [batch, H, seq]
        let out = channels.f_conv1d(
            &in_kind(&self.weight, channels.kind())?,
            Some(&in_kind(&self.bias, channels.kind())?),
            1,
            (self.settings.kernel - 1) / 2,
            1,
            self.settings.groups,
        )?;
        let out = packing
            .pack(&out.f_transpose(1, 2)?)?
            .f_dropout(self.dropout, mode == Mode::Train)?;
        let out = activate(&out, self.settings.activation)?;
        self.norm.forward(&states.f_add(&out)?)
    }
}
