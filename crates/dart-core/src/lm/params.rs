//! An ordered list of named weights: what is trained, saved and exported, always in one order.

use tch::{Device, Tensor};

use crate::error::Result;

/// What a weight is, as weight decay and `train: bitfit` see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A matrix of a linear layer.
    Matrix,
    /// A bias of a linear layer or of the decoder.
    Bias,
    /// LayerNorm's weight or bias.
    Norm,
    /// Position or segment embeddings.
    Embedding,
    /// The vocabulary's rows, E.
    Vocabulary,
    /// Pseudo rows and their decoder biases.
    Pseudo,
}

/// A named weight. Clones share storage.
#[derive(Debug)]
pub struct Parameter {
    /// Its name in a Hugging Face checkpoint.
    pub name: String,
    /// Its value.
    pub tensor: Tensor,
    /// What it is.
    pub role: Role,
}

impl Parameter {
    /// A parameter of this name.
    pub fn new(name: impl Into<String>, tensor: Tensor, role: Role) -> Self {
        Parameter {
            name: name.into(),
            tensor,
            role,
        }
    }

    /// Whether it is a bias vector, LayerNorms' (BitFit, Ben Zaken et al., 2022) and an LSTM's
    /// included.
    pub fn is_bias(&self) -> bool {
        self.name.ends_with(".bias") || self.name.ends_with("_bias") || self.name.contains(".bias_")
    }
}

impl Clone for Parameter {
    fn clone(&self) -> Self {
        Parameter {
            name: self.name.clone(),
            tensor: self.tensor.shallow_clone(),
            role: self.role,
        }
    }
}

/// Copies of the values, detached, on the CPU.
pub fn snapshot(parameters: &[Parameter]) -> Result<Vec<Tensor>> {
    parameters
        .iter()
        .map(|p| Ok(p.tensor.f_detach_copy()?.f_to_device(Device::Cpu)?))
        .collect()
}

/// Writes `values` (in the order of `parameters`) back in place.
pub fn restore(parameters: &[Parameter], values: &[Tensor]) -> Result<()> {
    let _no_grad = tch::no_grad_guard();
    for (parameter, value) in parameters.iter().zip(values) {
        parameter.tensor.shallow_clone().f_copy_(value)?;
    }
    Ok(())
}

/// The `[n]` int64 tensor of `values` on `device`.
pub(crate) fn indices(values: &[i64], device: Device) -> Result<Tensor> {
    Ok(Tensor::f_from_slice(values)?.f_to_device(device)?)
}
