//! The number format of a run's computation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Kind;

/// The number format of a run's computation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// float32 throughout.
    #[default]
    Float32,
    /// The layers in bfloat16; weights, gradients, optimizer, LayerNorms, logits and losses in
    /// float32. Fast on GPUs and on processors with avx512_bf16 or amx, slow on others.
    BFloat16,
    /// float64 throughout, to check others by.
    Float64,
}

impl Precision {
    /// The format in which weights are kept and losses computed.
    pub fn weights(self) -> Kind {
        match self {
            Precision::Float32 | Precision::BFloat16 => Kind::Float,
            Precision::Float64 => Kind::Double,
        }
    }
}
