//! A layer of ModernBERT.

use tch::{Device, Kind, Tensor};

use super::config::Settings;
use crate::error::Result;
use crate::lm::attention::{merge_heads, split_heads};
use crate::lm::config::{Activation, LmConfig};
use crate::lm::modules::{Linear, Mode, Norm, activate};
use crate::lm::packing::Packing;
use crate::lm::params::Parameter;
use crate::lm::rotary::Rotary;
use crate::lm::weights::Weights;

/// What a layer's queries see: the mask and the positions.
pub(super) struct View {
    /// `[batch, 1, 1 or n, seq]`
    pub mask: Tensor,
    pub keys: Rotary,
    pub queries: Option<Rotary>,
}

pub(super) struct Layer {
    /// The first layer has none: its input comes from the embeddings' LayerNorm.
    attention_norm: Option<Norm>,
    /// Queries, keys and values, `[3H, H]`.
    qkv: Linear,
    out: Linear,
    mlp_norm: Norm,
    /// What goes through the activation, and the gate: `[2I, H]`.
    up: Linear,
    down: Linear,
    heads: i64,
    activation: Activation,
    attention_dropout: f64,
    mlp_dropout: f64,
}

impl Layer {
    pub fn take(w: &mut Weights, c: &LmConfig, s: &Settings, at: &str, i: usize) -> Self {
        let (h, wide) = (c.hidden, c.intermediate);
        let (attention, mlp) = (s.attention_bias, s.mlp_bias);
        let named = |name: &str| format!("{at}{name}");
        let attention_norm =
            (i > 0).then(|| Norm::take_with(w, &named("attn_norm"), h, c.eps, s.norm_bias));
        Layer {
            attention_norm,
            qkv: Linear::take_with(w, &named("attn.Wqkv"), h, 3 * h, attention),
            out: Linear::take_with(w, &named("attn.Wo"), h, h, attention),
            mlp_norm: Norm::take_with(w, &named("mlp_norm"), h, c.eps, s.norm_bias),
            up: Linear::take_with(w, &named("mlp.Wi"), h, 2 * wide, mlp),
            down: Linear::take_with(w, &named("mlp.Wo"), wide, h, mlp),
            heads: c.heads,
            activation: c.activation,
            attention_dropout: c.attention_dropout,
            mlp_dropout: c.dropout,
        }
    }

    pub fn list(&self, at: &str, into: &mut Vec<Parameter>) {
        if let Some(norm) = &self.attention_norm {
            norm.list(&format!("{at}attn_norm"), into);
        }
        self.qkv.list(&format!("{at}attn.Wqkv"), into);
        self.out.list(&format!("{at}attn.Wo"), into);
        self.mlp_norm.list(&format!("{at}mlp_norm"), into);
        self.up.list(&format!("{at}mlp.Wi"), into);
        self.down.list(&format!("{at}mlp.Wo"), into);
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        if let Some(norm) = &mut self.attention_norm {
            norm.to(device, kind)?;
        }
        self.mlp_norm.to(device, kind)?;
        for linear in [&mut self.qkv, &mut self.out, &mut self.up, &mut self.down] {
            linear.to(device, kind)?;
        }
        Ok(())
    }

    /// Hidden states `[tokens, H]` from `x` `[tokens, H]`, or `[batch × r, H]` at the positions
    /// `read` `[batch, r]` alone.
    pub fn forward(
        &self,
        x: &Tensor,
        packing: &Packing,
        read: Option<&Tensor>,
        view: &View,
        mode: Mode,
    ) -> Result<Tensor> {
        let train = mode == Mode::Train;
        let h = x.size2()?.1;
        let normed = match &self.attention_norm {
            Some(norm) => norm.forward(x)?,
            None => x.shallow_clone(),
        };
        let (wanted, asking) = match read {
            None => (x.shallow_clone(), normed.shallow_clone()),
            Some(read) => (packing.gather(x, read)?, packing.gather(&normed, read)?),
        };
        let query = packing.unpack(&self.qkv.rows(0, h)?.forward(&asking)?, read)?;
        let other = packing.pad(&self.qkv.rows(h, 2 * h)?.forward(&normed)?)?; // [batch, seq, 2H]
        let part = |from| split_heads(&other.f_narrow(2, from, h)?, self.heads);
        let query = split_heads(&query, self.heads)?;
        let context = Tensor::f_scaled_dot_product_attention(
            &view.queries.as_ref().unwrap_or(&view.keys).turn(&query)?,
            &view.keys.turn(&part(0)?)?,
            &part(h)?,
            Some(&view.mask),
            if train { self.attention_dropout } else { 0.0 },
            false,
            None,
            false,
        )?; // [batch, heads, seq or r, H / heads]
        let context = merge_heads(&context, packing, read)?;
        let attended = self
            .out
            .forward(&context)?
            .f_dropout(self.attention_dropout, train)?;
        let x = attended.f_add(&wanted)?;
        let up = self.up.forward(&self.mlp_norm.forward(&x)?)?;
        let wide = up.size2()?.1 / 2;
        let gated = activate(&up.f_narrow(1, 0, wide)?, self.activation)?
            .f_mul(&up.f_narrow(1, wide, wide)?)?
            .f_dropout(self.mlp_dropout, train)?;
        Ok(self.down.forward(&gated)?.f_add(&x)?)
    }
}
