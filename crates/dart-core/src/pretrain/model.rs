//! A language model that predicts hidden words, `[MASK]`'s row being apart from the vocabulary.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::blocks::{Masked, hide};
use super::settings::{HeldOut, PretrainSettings};
use crate::device::set_threads;
use crate::error::Result;
use crate::lm::{LanguageModel, Mode, Parameter, Role, Shape, indices};
use crate::pseudo::lookup;
use crate::rng::Rng;
use crate::tokenizer::Special;

/// Share of tokens to predict when scoring held-out blocks.
const HELD_OUT_RATE: f64 = 0.15;

pub(super) struct MaskedModel {
    model: LanguageModel,
    special: Special,
    /// `[MASK]`'s row, `[1, D]`.
    mask_row: Tensor,
}

/// Scores a trained model on held-out blocks, as [`super::Pretraining::score`] does.
///
/// # Errors
/// libtorch's, or threads that it cannot compute with.
pub fn score(
    model: LanguageModel,
    special: Special,
    settings: &PretrainSettings,
    blocks: &[Vec<i64>],
) -> Result<HeldOut> {
    set_threads(settings.threads)?;
    let mask_row = model.embeddings.f_narrow(0, special.mask, 1)?;
    let model = MaskedModel {
        model,
        special,
        mask_row,
    };
    model.score(blocks, settings.seed)
}

impl MaskedModel {
    /// An encoder with a head to start from, this decoder bias `[V]`, and the mean of the ordinary
    /// rows as `[MASK]`'s.
    pub fn start(
        mut model: LanguageModel,
        special: Special,
        head_scale: f64,
        bias: Tensor,
    ) -> Result<Self> {
        model.start_head(head_scale)?;
        model.bias = bias;
        let vocab = model.config.vocab;
        // Rows below 1000 are [unused] and single characters.
        let first = if vocab > 2000 { 1000 } else { 0 };
        let mask_row = model
            .embeddings
            .f_narrow(0, first, vocab - first)?
            .f_mean_dim(Some([0i64].as_slice()), true, Kind::Float)?;
        Ok(MaskedModel {
            model,
            special,
            mask_row,
        })
    }

    /// What is trained, in a fixed order.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = self.model.parameters();
        let (bias, row) = (
            self.model.bias.shallow_clone(),
            self.mask_row.shallow_clone(),
        );
        list.push(Parameter::new("bias", bias, Role::Bias));
        list.push(Parameter::new("mask_row", row, Role::Pseudo));
        list
    }

    /// Hides `rate` of the tokens of each block.
    pub fn hide(&self, blocks: &[&Vec<i64>], rate: f64, rng: &mut Rng) -> Result<Masked> {
        hide(blocks, rate, self.special, self.model.config.vocab, rng)
    }

    /// Logits `[batch × count, V]` at the tokens to predict.
    pub fn logits(&self, masked: &Masked) -> Result<Tensor> {
        let words = lookup(&self.model.embeddings, &self.mask_row, &masked.ids)?;
        let (batch, seq) = masked.ids.size2()?;
        let keep = Tensor::f_ones([batch, seq], (Kind::Float, Device::Cpu))?;
        let shape = Shape {
            keep,
            segments: None,
        };
        let hidden = self
            .model
            .encode(&words, &shape, Some(&masked.read), Mode::Evaluate)?;
        let head = self
            .model
            .transform(&hidden)?
            .f_view([-1, self.model.config.embedding])?;
        LanguageModel::decode(&head, &self.model.embeddings, &self.model.bias)
    }

    /// Scores held-out blocks with one fixed draw of hidden words.
    ///
    /// # Errors
    /// libtorch's.
    pub fn score(&self, blocks: &[Vec<i64>], seed: u64) -> Result<HeldOut> {
        let _no_grad = tch::no_grad_guard();
        let (mut loss, mut top1, mut top5, mut count) = (0.0, 0.0, 0.0, 0.0);
        for (i, chunk) in blocks.chunks(16).enumerate() {
            let chunk: Vec<&Vec<i64>> = chunk.iter().collect();
            let mut rng = Rng::new(seed, "held-out mask", &[i as u64]);
            let masked = self.hide(&chunk, HELD_OUT_RATE, &mut rng)?;
            let logits = self.logits(&masked)?;
            let reduction = tch::Reduction::Sum;
            loss += logits
                .f_cross_entropy_loss::<Tensor>(&masked.targets, None, reduction, -100, 0.0)?
                .f_double_value(&[])?;
            let best = logits.f_topk(5, -1, true, true)?.1;
            let hit = best
                .f_eq_tensor(&masked.targets.f_unsqueeze(1)?)?
                .f_to_kind(Kind::Double)?;
            top5 += hit.f_sum(Kind::Double)?.f_double_value(&[])?;
            top1 += hit
                .f_narrow(1, 0, 1)?
                .f_sum(Kind::Double)?
                .f_double_value(&[])?;
            count += masked.targets.size()[0] as f64;
        }
        Ok(HeldOut {
            loss: loss / count,
            top1: top1 / count,
            top5: top5 / count,
        })
    }

    /// The trained weights under their Hugging Face names, in float16, `[MASK]`'s row in its place.
    ///
    /// # Errors
    /// libtorch's.
    pub fn export(&self) -> Result<BTreeMap<String, Tensor>> {
        let _no_grad = tch::no_grad_guard();
        let mask = indices(&[self.special.mask], Device::Cpu)?;
        let mut embeddings = self.model.embeddings.f_detach_copy()?;
        let _ = embeddings.f_index_copy_(0, &mask, &self.mask_row)?;
        let mut tensors = BTreeMap::new();
        for parameter in self
            .model
            .parameters()
            .into_iter()
            .chain(self.model.vocabulary_parameters())
        {
            let value = match parameter.name.ends_with("word_embeddings.weight") {
                true => embeddings.shallow_clone(),
                false => parameter.tensor,
            };
            tensors.insert(parameter.name, value.f_to_kind(Kind::Half)?);
        }
        Ok(tensors)
    }
}
