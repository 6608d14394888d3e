//! What the layers of all families are made of: linear maps, LayerNorm, non-linearities.

use tch::{Device, Kind, Tensor};

use super::config::Activation;
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
