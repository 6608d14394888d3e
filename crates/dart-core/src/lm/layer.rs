//! The pieces of a post-LayerNorm transformer: linear maps, LayerNorm, one layer.

use tch::{Device, Kind, Tensor};

use super::config::{Activation, Family, LmConfig};
use super::names::Names;
use super::packing::Packing;
use super::params::{Parameter, Role};
use super::weights::Weights;
use crate::error::Result;

/// A linear map, `[.., in] → [.., out]`.
pub(super) struct Linear {
    /// `[out, in]`
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

impl Linear {
    pub fn take(weights: &mut Weights, name: &str, input: i64, output: i64) -> Self {
        Self::take_with(weights, name, input, output, true)
    }

    /// With or without a bias.
    pub fn take_with(
        weights: &mut Weights,
        name: &str,
        input: i64,
        output: i64,
        bias: bool,
    ) -> Self {
        Linear {
            weight: weights.take(&format!("{name}.weight"), &[output, input]),
            bias: bias.then(|| weights.take(&format!("{name}.bias"), &[output])),
        }
    }

    /// Computes in the number format of `x`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let kind = x.kind();
        let weight = in_kind(&self.weight, kind)?;
        let bias = self.bias.as_ref().map(|bias| in_kind(bias, kind));
        Ok(x.f_linear(&weight, bias.transpose()?.as_ref())?)
    }

    pub fn shallow_clone(&self) -> Linear {
        Linear {
            weight: self.weight.shallow_clone(),
            bias: self.bias.as_ref().map(Tensor::shallow_clone),
        }
    }

    /// The part that computes outputs `from .. from + count`; it shares storage.
    pub fn rows(&self, from: i64, count: i64) -> Result<Linear> {
        let narrow = |t: &Tensor| t.f_narrow(0, from, count);
        Ok(Linear {
            weight: narrow(&self.weight)?,
            bias: self.bias.as_ref().map(narrow).transpose()?,
        })
    }

    pub fn list(&self, name: &str, into: &mut Vec<Parameter>) {
        let weight = self.weight.shallow_clone();
        into.push(Parameter::new(
            format!("{name}.weight"),
            weight,
            Role::Matrix,
        ));
        if let Some(bias) = &self.bias {
            let bias = bias.shallow_clone();
            into.push(Parameter::new(format!("{name}.bias"), bias, Role::Bias));
        }
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.weight, device, kind)?;
        self.bias
            .as_mut()
            .map_or(Ok(()), |bias| to(bias, device, kind))
    }
}

/// LayerNorm over the last dimension.
pub(super) struct Norm {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    eps: f64,
}

impl Norm {
    pub fn take(weights: &mut Weights, name: &str, size: i64, eps: f64) -> Self {
        Self::take_with(weights, name, size, eps, true)
    }

    /// With or without a bias.
    pub fn take_with(weights: &mut Weights, name: &str, size: i64, eps: f64, bias: bool) -> Self {
        Norm {
            weight: weights.take(&format!("{name}.weight"), &[size]),
            bias: bias.then(|| weights.take(&format!("{name}.bias"), &[size])),
            eps,
        }
    }

    /// Computes in the number format of its weights, and gives that of `x`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let shape = self.weight.size();
        let (weight, bias) = (Some(&self.weight), self.bias.as_ref());
        let normed =
            in_kind(x, self.weight.kind())?.f_layer_norm(shape, weight, bias, self.eps, true)?;
        in_kind(&normed, x.kind())
    }

    pub fn list(&self, name: &str, into: &mut Vec<Parameter>) {
        let weight = self.weight.shallow_clone();
        into.push(Parameter::new(format!("{name}.weight"), weight, Role::Norm));
        if let Some(bias) = &self.bias {
            let bias = bias.shallow_clone();
            into.push(Parameter::new(format!("{name}.bias"), bias, Role::Norm));
        }
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.weight, device, kind)?;
        self.bias
            .as_mut()
            .map_or(Ok(()), |bias| to(bias, device, kind))
    }
}

pub(super) fn to(tensor: &mut Tensor, device: Device, kind: Kind) -> Result<()> {
    *tensor = tensor.f_to_device(device)?.f_to_kind(kind)?;
    Ok(())
}

/// `x` in this number format; `x` itself where it is in it already.
pub(super) fn in_kind(x: &Tensor, kind: Kind) -> Result<Tensor> {
    match x.kind() == kind {
        true => Ok(x.shallow_clone()),
        false => Ok(x.f_to_kind(kind)?),
    }
}

/// Applies an activation.
pub(super) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    Ok(match activation {
        Activation::Gelu => x.f_gelu("none")?,
        Activation::GeluTanh => x.f_gelu("tanh")?,
        Activation::Relu => x.f_relu()?,
        Activation::Tanh => x.f_tanh()?,
    })
}

/// Dropout of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout as config.json says, drawn from libtorch's generator.
    Train,
    /// No dropout.
    Evaluate,
}

/// One layer: self-attention and feed-forward, each with residual and LayerNorm.
pub(super) struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_out: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    out_norm: Norm,
    heads: i64,
    activation: Activation,
    dropout: Dropout,
}

/// The rates of a layer's dropouts, each where the family's model in transformers has one.
struct Dropout {
    /// On the attention weights.
    attention: f64,
    /// On what attention gives: not in DistilBERT.
    attended: f64,
    /// On what feed-forward gives: not in ALBERT.
    fed: f64,
}

impl Dropout {
    fn of(c: &LmConfig) -> Self {
        let unless = |family: Family| if c.family == family { 0.0 } else { c.dropout };
        Dropout {
            attention: c.attention_dropout,
            attended: unless(Family::DistilBert),
            fed: unless(Family::Albert),
        }
    }
}

impl Layer {
    pub fn take(weights: &mut Weights, c: &LmConfig, names: &Names, at: &str) -> Self {
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
            dropout: Dropout::of(c),
        }
    }

    pub fn list(&self, names: &Names, at: &str, into: &mut Vec<Parameter>) {
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
    /// `read` `[batch, r]` alone. `bias` `[batch, 1, 1, seq]` is added to the attention scores.
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

/// `[batch, seq, H] → [batch, heads, seq, H / heads]`
pub(super) fn split_heads(x: &Tensor, heads: i64) -> Result<Tensor> {
    let (batch, seq, hidden) = x.size3()?;
    Ok(x.f_view([batch, seq, heads, hidden / heads])?
        .f_transpose(1, 2)?)
}

/// `[batch, heads, n, H / heads]` → `[tokens, H]`, or `[batch × r, H]` where n are the positions
/// `read`.
pub(super) fn merge_heads(
    context: &Tensor,
    packing: &Packing,
    read: Option<&Tensor>,
) -> Result<Tensor> {
    let context = context.f_transpose(1, 2)?.f_flatten(2, 3)?;
    match read {
        None => packing.pack(&context),
        Some(_) => Ok(context.f_flatten(0, 1)?),
    }
}

#[cfg(test)]
mod tests;
