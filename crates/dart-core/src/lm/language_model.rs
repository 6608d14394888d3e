//! A language model: vocabulary, backbone and head of a checkpoint.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Blueprint, Shape};
use super::config::LmConfig;
use super::families;
use super::head::{Head, HeadBiases, Layout};
use super::modules::{self, Mode};
use super::params::{Parameter, Role};
use super::weights::Weights;
use crate::error::{CoreError, Result};

/// A language model: word embeddings E, a backbone, and what stands before the decoder, which is
/// tied to E.
///
/// Input embeddings go in and head states come out; which rows are looked up and decoded is the
/// caller's business, so that frozen rows never take part in a backward pass.
pub struct LanguageModel {
    /// Settings.
    pub config: LmConfig,
    /// E, `[V, D]`.
    pub embeddings: Tensor,
    /// The decoder's bias `[V]`; zeros where the model has none.
    pub bias: Tensor,
    prefix: &'static str,
    layout: Layout,
    backbone: Box<dyn Backbone>,
    head: Head,
}

impl LanguageModel {
    /// Loads a masked language model from a folder in Hugging Face's layout, on the CPU in float32.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use dart_core::lm::LanguageModel;
    ///
    /// let model = LanguageModel::load(Path::new("../../models/minilm-mlm"))?;
    /// assert_eq!(model.embeddings.size(), [30522, 384]); // [V, D]
    /// # Ok::<(), dart_core::CoreError>(())
    /// ```
    ///
    /// # Errors
    /// Anything missing, misshaped or unexpected in config.json or the weights; a checkpoint
    /// without a masked-LM head.
    pub fn load(dir: &Path) -> Result<Self> {
        let (config, blueprint) = families::read(dir)?;
        let mut weights = Weights::read_dir(dir)?;
        let layout = blueprint.layout(&weights);
        if layout
            .head
            .as_ref()
            .is_some_and(|head| !weights.contains(&head.sign))
        {
            return Err(CoreError::model(
                dir,
                "the checkpoint has no masked-LM head, so it cannot fill a [MASK]; give one saved \
                 as a masked language model",
            ));
        }
        let mut model = Self::take(&mut weights, config, &*blueprint, layout, true);
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
        let (config, blueprint) = families::read(dir)?;
        let mut weights = Weights::read_dir(dir)?;
        let layout = blueprint.layout(&weights);
        if let Some(head) = &layout.head {
            weights.ignore("", &[head.dense, head.norm, head.bias]);
        }
        let mut model = Self::take(&mut weights, config, &*blueprint, layout, false);
        weights.finish()?;
        model.to(Device::Cpu, Kind::Float)?;
        Ok(model)
    }

    fn take(
        weights: &mut Weights,
        config: LmConfig,
        blueprint: &dyn Blueprint,
        layout: Layout,
        with_head: bool,
    ) -> Self {
        let full = format!("{}{}", layout.prefix, layout.words);
        let prefix = match weights.contains(&full) {
            true => layout.prefix,
            false => "",
        };
        weights.ignore(prefix, &layout.ignored);
        let embeddings = weights.take(
            &format!("{prefix}{}", layout.words),
            &[config.vocab, config.embedding],
        );
        let backbone = blueprint.backbone(weights, &config, prefix);
        // A vocabulary that no memory has is refused for the shape of its embeddings.
        let options = (Kind::Float, Device::Cpu);
        let zeros = || Tensor::f_zeros([config.vocab], options).unwrap_or_default();
        let (head, bias) = match &layout.head {
            None => (Head::Direct, zeros()),
            Some(_) if !with_head => (Head::Absent, zeros()),
            Some(names) => {
                let head = Head::take(weights, &config, names);
                let bias = match names.biases.decoder {
                    true => weights.take(names.bias, &[config.vocab]),
                    false => zeros(),
                };
                (head, bias)
            }
        };
        LanguageModel {
            config,
            embeddings,
            bias,
            prefix,
            layout,
            backbone,
            head,
        }
    }

    /// Gives an encoder without a head one to start from: an identity (`scale` times the hidden
    /// states), LayerNorm of ones and zeros, decoder bias 0.
    ///
    /// # Errors
    /// A family whose head has no place for it, or libtorch's.
    pub fn start_head(&mut self, norm_weight: f64) -> Result<()> {
        let head = self.layout.head.as_ref();
        if !head.is_some_and(|head| head.biases == HeadBiases::ALL) {
            return Err(CoreError::Unsupported(format!(
                "a new head can be started for BERT and its relatives, not for {}",
                self.config.family
            )));
        }
        self.head = Head::start(&self.config, norm_weight)?;
        self.prefix = self.layout.prefix;
        Ok(())
    }

    /// Moves every weight.
    ///
    /// # Errors
    /// The device is not there or out of memory.
    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        modules::to(&mut self.embeddings, device, kind)?;
        modules::to(&mut self.bias, device, kind)?;
        self.backbone.to(device, kind)?;
        self.head.to(device, kind)
    }

    /// Computes the layers in another number format than the weights are kept in; LayerNorms, the
    /// head and the decoder keep that of the weights.
    pub fn compute_in(&mut self, kind: Kind) {
        self.backbone.compute_in(kind);
    }

    /// From now on a training pass keeps only each layer's input and computes the layer again in
    /// its backward pass. Losses then go backward by [`LanguageModel::backward`].
    pub fn recompute(&mut self) {
        self.backbone.recompute();
    }

    /// Adds the gradients of `loss` to what the weights hold.
    ///
    /// # Errors
    /// libtorch's.
    pub fn backward(&self, loss: &Tensor) -> Result<()> {
        loss.f_backward()?;
        self.backbone.backward()
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
        self.backbone.forward(words, shape, read, mode)
    }

    /// The head's transform of hidden states: `[.., H] → [.., D]`, ready for the decoder; causal
    /// models have none, and the states stay as they are.
    ///
    /// # Errors
    /// libtorch's, or a model without a head.
    pub fn transform(&self, hidden: &Tensor) -> Result<Tensor> {
        self.head.forward(hidden)
    }

    /// Logits `[n, rows]` of head states `[n, D]` over decoder rows `[rows, D]` with biases
    /// `[rows]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn decode(head: &Tensor, rows: &Tensor, bias: &Tensor) -> Result<Tensor> {
        Ok(head.f_linear(rows, Some(bias))?)
    }

    /// Whether the decoder has a bias; where it has none, [`LanguageModel::bias`] stays 0 and a
    /// checkpoint has no place for one.
    pub fn has_decoder_bias(&self) -> bool {
        self.layout
            .head
            .as_ref()
            .is_some_and(|head| head.biases.decoder)
    }

    /// Backbone weights in a fixed order, without E.
    pub fn encoder_parameters(&self) -> Vec<Parameter> {
        let mut list = Vec::new();
        self.backbone.list(self.prefix, &mut list);
        list
    }

    /// Backbone and head weights in a fixed order, without E and the decoder's bias.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = self.encoder_parameters();
        self.head.list(self.layout.head.as_ref(), &mut list);
        list
    }

    /// E, and the decoder's bias where it has one, as parameters.
    pub fn vocabulary_parameters(&self) -> Vec<Parameter> {
        let words = format!("{}{}", self.prefix, self.layout.words);
        let embeddings = self.embeddings.shallow_clone();
        let mut list = vec![Parameter::new(words, embeddings, Role::Vocabulary)];
        if let Some(head) = self.layout.head.as_ref().filter(|head| head.biases.decoder) {
            let bias = self.bias.shallow_clone();
            list.push(Parameter::new(head.bias, bias, Role::Bias));
        }
        list
    }
}
