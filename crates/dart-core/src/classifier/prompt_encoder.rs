//! P-Tuning's prompt encoder (Liu et al., 2021): the template's rows are computed from as many free
//! vectors, so that neighbours are not independent of each other.

use tch::{Device, Kind, Tensor};

use crate::error::{CoreError, Result};
use crate::lm::{Parameter, Role};
use crate::method::PromptEncoderKind;
use crate::rng::Rng;

/// Layers of the LSTM.
const LAYERS: i64 = 2;

/// Free vectors `[m, D]` in, template rows `[m, D]` out: a bidirectional LSTM of two layers of size
/// D / 2 each way (or nothing), then linear, ReLU, linear.
pub struct PromptEncoder {
    size: i64,
    /// In libtorch's order: layer by layer, forward and backward, each weight_ih, weight_hh,
    /// bias_ih, bias_hh. Empty for an MLP alone.
    lstm: Vec<(String, Tensor)>,
    /// weight and bias of the first map, then of the second.
    mlp: Vec<(String, Tensor)>,
}

impl PromptEncoder {
    /// With PyTorch's initial values: uniform within 1/√(the layer's size).
    ///
    /// # Errors
    /// An LSTM over an odd embedding size, or libtorch's.
    pub fn new(
        kind: PromptEncoderKind,
        size: i64,
        seed: u64,
        options: (Kind, Device),
    ) -> Result<Self> {
        let uniform = |name: &str, shape: &[i64], fan: i64| -> Result<(String, Tensor)> {
            let bound = 1.0 / (fan as f64).sqrt();
            let mut rng = Rng::new(seed, name, &[]);
            let count: i64 = shape.iter().product();
            let draws: Vec<f64> = (0..count)
                .map(|_| bound * (2.0 * rng.uniform() - 1.0))
                .collect();
            let tensor = Tensor::f_from_slice(&draws)?.f_view(shape)?;
            let tensor = tensor.f_to_kind(options.0)?.f_to_device(options.1)?;
            Ok((name.to_owned(), tensor))
        };
        let mut lstm = Vec::new();
        if kind == PromptEncoderKind::Lstm {
            if size % 2 != 0 {
                return Err(CoreError::Setting(format!(
                    "prompt_encoder: lstm halves the embedding size, which is {size}; use mlp"
                )));
            }
            let half = size / 2;
            for layer in 0..LAYERS {
                for way in ["", "_reverse"] {
                    for (part, shape) in [
                        ("weight_ih", &[4 * half, size][..]),
                        ("weight_hh", &[4 * half, half]),
                        ("bias_ih", &[4 * half]),
                        ("bias_hh", &[4 * half]),
                    ] {
                        let name = format!("prompt_encoder.lstm.{part}_l{layer}{way}");
                        lstm.push(uniform(&name, shape, half)?);
                    }
                }
            }
        }
        let mut mlp = Vec::new();
        for layer in [0, 2] {
            for (part, shape) in [("weight", &[size, size][..]), ("bias", &[size])] {
                let name = format!("prompt_encoder.mlp.{layer}.{part}");
                mlp.push(uniform(&name, shape, size)?);
            }
        }
        Ok(PromptEncoder { size, lstm, mlp })
    }

    /// Rows `[m, D]` from free vectors `[m, D]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn forward(&self, free: &Tensor) -> Result<Tensor> {
        let mut x = free.shallow_clone();
        if !self.lstm.is_empty() {
            let state =
                Tensor::f_zeros([2 * LAYERS, 1, self.size / 2], (free.kind(), free.device()))?;
            let weights: Vec<&Tensor> = self.lstm.iter().map(|(_, tensor)| tensor).collect();
            // cuDNN has a backward pass in its training mode only. Without dropout both modes give
            // the same values.
            let train = free.device().is_cuda();
            let (out, _, _) = x.f_unsqueeze(0)?.f_lstm(
                &[&state, &state],
                &weights,
                true,
                LAYERS,
                0.0,
                train,
                true,
                true,
            )?; // [1, m, D]
            x = out.f_squeeze_dim(0)?;
        }
        let [w0, b0, w2, b2] = [0, 1, 2, 3].map(|i| &self.mlp[i].1);
        let x = x.f_linear(w0, Some(b0))?.f_relu()?;
        Ok(x.f_linear(w2, Some(b2))?)
    }

    /// P `[m + n, D]` as inputs and outputs see it: `pseudo` with the rows of its first `m`, which are
    /// the free vectors, in their places.
    ///
    /// # Errors
    /// libtorch's.
    pub fn rows(&self, pseudo: &Tensor, m: i64) -> Result<Tensor> {
        let template = self.forward(&pseudo.f_narrow(0, 0, m)?)?;
        let labels = pseudo.f_narrow(0, m, pseudo.size()[0] - m)?;
        Ok(Tensor::f_cat(&[template, labels], 0)?)
    }

    /// Its weights, in a fixed order.
    pub fn parameters(&self) -> Vec<Parameter> {
        let all = self.lstm.iter().chain(&self.mlp);
        all.map(|(name, tensor)| {
            Parameter::new(name.as_str(), tensor.shallow_clone(), Role::Pseudo)
        })
        .collect()
    }
}
