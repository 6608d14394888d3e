//! What stands between the hidden states and the decoder, and where a checkpoint keeps it.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::config::{Activation, LmConfig};
use super::modules::{Linear, Norm, activate};
use super::params::Parameter;
use super::weights::Weights;
use crate::error::{CoreError, Result};

/// Where a family keeps its vocabulary and its head.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// What stands before the backbone's names in a checkpoint with a head.
    pub prefix: &'static str,
    /// E, after the prefix.
    pub words: &'static str,
    /// `None`: the decoder reads the hidden states as they are, and has no bias.
    pub head: Option<HeadNames>,
    /// Tensors that repeat tied ones or serve other heads, after the prefix: read past without a
    /// word. Each stands for all names that start with it.
    pub ignored: Vec<String>,
}

/// Names of the head's modules.
#[derive(Clone, Debug)]
pub(super) struct HeadNames {
    pub dense: &'static str,
    pub norm: &'static str,
    /// The decoder's bias `[V]`.
    pub bias: &'static str,
    /// A tensor that only a checkpoint with the head has.
    pub sign: String,
    pub biases: HeadBiases,
}

/// Which parts of the head have biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeadBiases {
    pub dense: bool,
    pub norm: bool,
    pub decoder: bool,
}

impl HeadBiases {
    /// All, as all families but ModernBERT have it.
    pub const ALL: HeadBiases = HeadBiases {
        dense: true,
        norm: true,
        decoder: true,
    };
}

/// Maps hidden states `[.., H]` to what the decoder reads, `[.., D]`.
pub(super) enum Head {
    /// The checkpoint has none.
    Absent,
    /// Nothing stands between.
    Direct,
    /// Dense, activation, LayerNorm.
    Transform {
        dense: Linear,
        norm: Norm,
        activation: Activation,
    },
}

impl Head {
    pub fn take(w: &mut Weights, c: &LmConfig, names: &HeadNames) -> Self {
        let (biases, d) = (names.biases, c.embedding);
        Head::Transform {
            dense: Linear::take_with(w, names.dense, c.hidden, d, biases.dense),
            norm: Norm::take_with(w, names.norm, d, c.eps, biases.norm),
            activation: c.head_activation,
        }
    }

    /// An identity, and LayerNorm of `norm_weight` and zeros.
    pub fn start(config: &LmConfig, norm_weight: f64) -> Result<Self> {
        let (h, d) = (config.hidden, config.embedding);
        let float = (Kind::Float, Device::Cpu);
        let mut shell = Weights::from_tensors(BTreeMap::from([
            ("dense.weight".to_string(), Tensor::f_eye_m(d, h, float)?),
            ("dense.bias".to_string(), Tensor::f_zeros([d], float)?),
            (
                "norm.weight".to_string(),
                Tensor::f_full([d], norm_weight, float)?,
            ),
            ("norm.bias".to_string(), Tensor::f_zeros([d], float)?),
        ]));
        let dense = Linear::take(&mut shell, "dense", h, d);
        let norm = Norm::take(&mut shell, "norm", d, config.eps);
        shell.finish()?;
        Ok(Head::Transform {
            dense,
            norm,
            activation: config.head_activation,
        })
    }

    pub fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        match self {
            Head::Absent => Err(CoreError::Unsupported(
                "this model has no masked-LM head".into(),
            )),
            Head::Direct => Ok(hidden.shallow_clone()),
            Head::Transform {
                dense,
                norm,
                activation,
            } => norm.forward(&activate(&dense.forward(hidden)?, *activation)?),
        }
    }

    pub fn list(&self, names: Option<&HeadNames>, into: &mut Vec<Parameter>) {
        if let (Head::Transform { dense, norm, .. }, Some(names)) = (self, names) {
            dense.list(names.dense, into);
            norm.list(names.norm, into);
        }
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        match self {
            Head::Absent | Head::Direct => Ok(()),
            Head::Transform { dense, norm, .. } => {
                dense.to(device, kind)?;
                norm.to(device, kind)
            }
        }
    }
}
