//! A post-LayerNorm layer, as BERT and its relatives have it.

use tch::{Device, Kind, Tensor};

use super::attention::{merge_heads, split_heads};
use super::config::{Activation, LmConfig};
use super::modules::{Linear, Mode, Norm, activate};
use super::packing::Packing;
use super::params::Parameter;
use super::weights::Weights;
use crate::error::Result;

/// One layer: self-attention and feed-forward, each with residual and LayerNorm.
pub(super) struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    pub(super) attention_out: Linear,
    pub(super) attention_norm: Norm,
    up: Linear,
    pub(super) down: Linear,
    pub(super) out_norm: Norm,
    heads: i64,
    activation: Activation,
    dropout: Dropout,
}

/// Names of a layer's modules, without `.weight` and `.bias`.
pub(super) struct LayerNames {
    pub query: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    pub attention_out: &'static str,
    pub attention_norm: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub out_norm: &'static str,
}

/// The rates of a layer's dropouts, each where the family's model in transformers has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropout {
    /// On the attention weights.
    pub attention: f64,
    /// On what attention gives.
    pub attended: f64,
    /// On what feed-forward gives.
    pub fed: f64,
}

impl Layer {
    /// Takes the layer's tensors, whose names start with `at`.
    pub fn take(
        weights: &mut Weights,
        c: &LmConfig,
        names: &LayerNames,
        dropout: Dropout,
        at: &str,
    ) -> Self {
        let (h, i) = (c.hidden, c.intermediate);
        Layer {
            query: Linear::take(weights, &format!("{at}{}", names.query), h, h),
            key: Linear::take(weights, &format!("{at}{}", names.key), h, h),
            value: Linear::take(weights, &format!("{at}{}", names.value), h, h),
            attention_out: Linear::take(weights, &format!("{at}{}", names.attention_out), h, h),
            attention_norm: Norm::take(weights, &format!("{at}{}", names.attention_norm), h, c.eps),
            up: Linear::take(weights, &format!("{at}{}", names.up), h, i),
            down: Linear::take(weights, &format!("{at}{}", names.down), i, h),
            out_norm: Norm::take(weights, &format!("{at}{}", names.out_norm), h, c.eps),
            heads: c.heads,
            activation: c.activation,
            dropout,
        }
    }

    pub fn list(&self, names: &LayerNames, at: &str, into: &mut Vec<Parameter>) {
        self.query.list(&format!("{at}{}", names.query), into);
        self.key.list(&format!("{at}{}", names.key), into);
        self.value.list(&format!("{at}{}", names.value), into);
        self.attention_out
            .list(&format!("{at}{}", names.attention_out), into);
        self.attention_norm
            .list(&format!("{at}{}", names.attention_norm), into);
        self.up.list(&format!("{at}{}", names.up), into);
        self.down.list(&format!("{at}{}", names.down), into);
        self.out_norm.list(&format!("{at}{}", names.out_norm), into);
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        for linear in [
            &mut self.query,
            &mut self.key,
            &mut self.value,
            &mut self.attention_out,
            &mut self.up,
            &mut self.down,
        ] {
            linear.to(device, kind)?;
        }
        self.attention_norm.to(device, kind)?;
        self.out_norm.to(device, kind)
    }

    /// Hidden states `[tokens, H]` from `x` `[tokens, H]`, or `[batch × r, H]` at the positions
    /// `read` `[batch, r]` alone. `bias` `[batch, 1 or heads, 1 or n, seq]`, where n are the
    /// queries, is added to the attention scores.
    pub fn forward(
        &self,
        x: &Tensor,
        packing: &Packing,
        read: Option<&Tensor>,
        bias: &Tensor,
        mode: Mode,
    ) -> Result<Tensor> {
        let train = mode == Mode::Train;
        let dropout = if train { self.dropout.attention } else { 0.0 };
        let (wanted, query) = match read {
            None => (x.shallow_clone(), packing.pad(&self.query.forward(x)?)?),
            Some(read) => {
                let wanted = packing.gather(x, read)?;
                let (batch, r) = read.size2()?;
                let query = self.query.forward(&wanted)?.f_view([batch, r, -1])?;
                (wanted, query)
            }
        };
        let context = Tensor::f_scaled_dot_product_attention(
            &split_heads(&query, self.heads)?,
            &split_heads(&packing.pad(&self.key.forward(x)?)?, self.heads)?,
            &split_heads(&packing.pad(&self.value.forward(x)?)?, self.heads)?,
            Some(bias),
            dropout,
            false,
            None,
            false,
        )?; // [batch, heads, seq or r, H / heads]
        let context = merge_heads(&context, packing, read)?;
        let attended = self
            .attention_out
            .forward(&context)?
            .f_dropout(self.dropout.attended, train)?;
        let x = self.attention_norm.forward(&attended.f_add(&wanted)?)?;
        let fed = self
            .down
            .forward(&activate(&self.up.forward(&x)?, self.activation)?)?;
        self.out_norm
            .forward(&fed.f_dropout(self.dropout.fed, train)?.f_add(&x)?)
    }
}
