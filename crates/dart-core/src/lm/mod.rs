//! Masked language models: configuration, weights, encoder and head.

mod config;
mod encoder;
mod layer;
mod names;
mod packing;
mod params;
pub mod weights;

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

pub use config::{Activation, Family, LmConfig};
pub use encoder::Shape;
pub use layer::Mode;
pub(crate) use params::indices;
pub use params::{Parameter, Role, restore, snapshot};

use crate::error::Result;
use encoder::Encoder;
use layer::{Linear, Norm, activate};
use weights::Weights;

/// A masked language model: word embeddings E, encoder, and the head's transform, with the decoder
/// tied to E.
///
/// Input embeddings go in and head states come out; which rows are looked up and decoded is the
/// caller's business, so that frozen rows never take part in a backward pass.
pub struct LanguageModel {
    /// Settings.
    pub config: LmConfig,
    /// E, `[V, D]`.
    pub embeddings: Tensor,
    /// The decoder's bias `[V]`.
    pub bias: Tensor,
    prefix: String,
    encoder: Encoder,
    head: Option<(Linear, Norm)>,
}

impl LanguageModel {
    /// Loads a masked language model from a folder in Hugging Face's layout, on the CPU in float32.
    ///
    /// # Errors
    /// Anything missing, misshaped or unexpected in config.json or the weights; a checkpoint
    /// without a masked-LM head.
    pub fn load(dir: &Path) -> Result<Self> {
        let config = LmConfig::read(dir)?;
        let mut weights = Weights::read_dir(dir)?;
        if !weights.contains(config.family.names().head_bias) {
            return Err(crate::CoreError::model(
                dir,
                "the checkpoint has no masked-LM head, so it cannot fill a [MASK]; give one saved \
                 as a masked language model",
            ));
        }
        let mut model = Self::take(&mut weights, config, true);
        weights.finish()?;
        model.to(Device::Cpu, Kind::Float)?;
        Ok(model)
    }

    /// Loads an encoder without a head (a sentence encoder, a base checkpoint); the head, if there
    /// is one, is ignored.
    ///
    /// # Errors
    /// As [`LanguageModel::load`].
    pub fn load_encoder(dir: &Path) -> Result<Self> {
        let config = LmConfig::read(dir)?;
        let mut weights = Weights::read_dir(dir)?;
        let names = config.family.names();
        weights.ignore("", &[names.head_dense, names.head_norm, names.head_bias]);
        let mut model = Self::take(&mut weights, config, false);
        weights.finish()?;
        model.to(Device::Cpu, Kind::Float)?;
        Ok(model)
    }

    fn take(weights: &mut Weights, config: LmConfig, with_head: bool) -> Self {
        let names = config.family.names();
        let full = format!("{}{}", names.prefix, names::WORDS);
        let prefix = if weights.contains(&full) {
            names.prefix
        } else {
            ""
        };
        weights.ignore(prefix, names.ignored);
        let embeddings = weights.take(
            &format!("{prefix}{}", names::WORDS),
            &[config.vocab, config.embedding],
        );
        let encoder = Encoder::take(weights, &config, prefix);
        let head = with_head.then(|| {
            let dense = Linear::take(weights, names.head_dense, config.hidden, config.embedding);
            (
                dense,
                Norm::take(weights, names.head_norm, config.embedding, config.eps),
            )
        });
        let bias = match with_head {
            true => weights.take(names.head_bias, &[config.vocab]),
            false => Tensor::zeros([config.vocab], (Kind::Float, Device::Cpu)),
        };
        LanguageModel {
            prefix: prefix.into(),
            embeddings,
            bias,
            encoder,
            head,
            config,
        }
    }

    /// Gives an encoder without a head one to start from: an identity (`scale` times the hidden
    /// states), LayerNorm of ones and zeros, decoder bias 0.
    ///
    /// # Errors
    /// libtorch's.
    pub fn start_head(&mut self, norm_weight: f64) -> Result<()> {
        let (h, d) = (self.config.hidden, self.config.embedding);
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
        let norm = Norm::take(&mut shell, "norm", d, self.config.eps);
        shell.finish()?;
        self.head = Some((dense, norm));
        self.prefix = self.config.family.names().prefix.into();
        Ok(())
    }

    /// Moves every weight.
    ///
    /// # Errors
    /// The device is not there or out of memory.
    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        layer::to(&mut self.embeddings, device, kind)?;
        layer::to(&mut self.bias, device, kind)?;
        self.encoder.to(device, kind)?;
        if let Some((dense, norm)) = &mut self.head {
            dense.to(device, kind)?;
            norm.to(device, kind)?;
        }
        Ok(())
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        self.embeddings.device()
    }

    /// Hidden states `[batch, r, H]` at `read` `[batch, r]` (`None`: all positions) from word
    /// embeddings `[batch, seq, D]`.
    ///
    /// # Errors
    /// libtorch's (shapes, memory), or an input longer than the position embeddings.
    pub fn encode(
        &self,
        words: &Tensor,
        shape: &Shape,
        read: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        self.encoder.forward(words, shape, read, mode)
    }

    /// The head's transform of hidden states: `[.., H] → [.., D]`, ready for the decoder.
    ///
    /// # Errors
    /// libtorch's, or a model without a head.
    pub fn transform(&self, hidden: &Tensor) -> Result<Tensor> {
        let Some((dense, norm)) = &self.head else {
            return Err(crate::CoreError::Setting(
                "this model has no masked-LM head".into(),
            ));
        };
        norm.forward(&activate(
            &dense.forward(hidden)?,
            self.config.head_activation,
        )?)
    }

    /// Logits `[n, rows]` of head states `[n, D]` over decoder rows `[rows, D]` with biases
    /// `[rows]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn decode(head: &Tensor, rows: &Tensor, bias: &Tensor) -> Result<Tensor> {
        Ok(head.f_linear(rows, Some(bias))?)
    }

    /// Encoder weights in a fixed order, without E.
    pub fn encoder_parameters(&self) -> Vec<Parameter> {
        let mut list = Vec::new();
        self.encoder.list(&self.prefix, &mut list);
        list
    }

    /// Encoder and head weights in a fixed order, without E and the decoder's bias.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = self.encoder_parameters();
        if let Some((dense, norm)) = &self.head {
            let names = self.config.family.names();
            dense.list(names.head_dense, &mut list);
            norm.list(names.head_norm, &mut list);
        }
        list
    }

    /// E and the decoder's bias as parameters.
    pub fn vocabulary_parameters(&self) -> Vec<Parameter> {
        let words = format!("{}{}", self.prefix, names::WORDS);
        let bias = self.config.family.names().head_bias;
        vec![
            Parameter::new(words, self.embeddings.shallow_clone(), Role::Embedding),
            Parameter::new(bias, self.bias.shallow_clone(), Role::Bias),
        ]
    }
}
