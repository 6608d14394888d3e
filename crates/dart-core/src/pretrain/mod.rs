//! Masked-token training of an encoder: how the default language model is made.
//!
//! Every row of the vocabulary stays frozen but `[MASK]`'s, which a sentence encoder never trained.

mod blocks;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

pub use blocks::Blocks;
use blocks::{Masked, hide, log_frequencies};
pub use settings::{HeldOut, PretrainReport, PretrainSettings};

use crate::adamw::{AdamW, Betas, linear_schedule};
use crate::control::Control;
use crate::device::set_threads;
use crate::error::{CoreError, Result};
use crate::lm::weights::{Weights, write};
use crate::lm::{LanguageModel, Mode, Parameter, Role, Shape, indices};
use crate::pseudo::lookup;
use crate::rng::{Rng, key};
use crate::tokenizer::Special;

/// Share of tokens to predict when scoring held-out blocks.
const HELD_OUT_RATE: f64 = 0.15;

/// A model in masked-token training.
pub struct Pretraining {
    model: LanguageModel,
    special: Special,
    settings: PretrainSettings,
    mask_row: Tensor,
    optimizer: AdamW,
    parameters: Vec<Parameter>,
    step: usize,
    /// [`content`] of the base model and the blocks.
    content: u64,
}

impl Pretraining {
    /// Prepares an encoder: a head to start from, the decoder's bias as the log frequencies of the
    /// training text's tokens, `[MASK]`'s row as the mean of the ordinary rows.
    ///
    /// # Errors
    /// libtorch's, blocks with ids that the model does not have, or threads that libtorch cannot
    /// compute with.
    pub fn new(
        mut model: LanguageModel,
        special: Special,
        settings: &PretrainSettings,
        blocks: &Blocks,
    ) -> Result<Self> {
        set_threads(settings.threads)?;
        let content = content(&model, blocks)?;
        model.start_head(settings.head_scale)?;
        let vocab = model.config.vocab;
        model.bias = log_frequencies(&blocks.train, vocab)?;
        // Rows below 1000 are [unused] and single characters.
        let first = if vocab > 2000 { 1000 } else { 0 };
        let mask_row = model
            .embeddings
            .f_narrow(0, first, vocab - first)?
            .f_mean_dim(Some([0i64].as_slice()), true, Kind::Float)?;
        let mut parameters = model.parameters();
        parameters.push(Parameter::new(
            "bias",
            model.bias.shallow_clone(),
            Role::Bias,
        ));
        parameters.push(Parameter::new(
            "mask_row",
            mask_row.shallow_clone(),
            Role::Pseudo,
        ));
        let decay = |p: &Parameter| match p.role {
            Role::Matrix => settings.weight_decay,
            _ => 0.0,
        };
        let slots: Vec<_> = parameters
            .iter()
            .map(|p| (p.clone(), decay(p), 1.0))
            .collect();
        let betas = Betas {
            first: settings.beta1,
            second: settings.beta2,
            eps: settings.eps,
        };
        let optimizer = AdamW::new(&slots, betas)?;
        Ok(Pretraining {
            model,
            special,
            settings: settings.clone(),
            mask_row,
            optimizer,
            parameters,
            step: 0,
            content,
        })
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Goes on from the state that [`Pretraining::run`] saved at `path`, where there is one.
    ///
    /// # Errors
    /// A file that is damaged or the state of other settings, text or base model.
    pub fn resume(&mut self, path: &Path) -> Result<()> {
        if path.exists() {
            self.restore(path)
        } else {
            Ok(())
        }
    }

    /// A trained model, for scoring.
    ///
    /// # Errors
    /// libtorch's, or threads that it cannot compute with.
    pub fn finished(
        model: LanguageModel,
        special: Special,
        settings: &PretrainSettings,
    ) -> Result<Self> {
        set_threads(settings.threads)?;
        let mask_row = model.embeddings.f_narrow(0, special.mask, 1)?;
        Ok(Pretraining {
            model,
            special,
            settings: settings.clone(),
            mask_row,
            optimizer: AdamW::new(&[], Betas::default())?,
            parameters: Vec::new(),
            step: settings.steps,
            content: 0,
        })
    }

    /// Trains to the last step and saves to `state` every `save_every` steps.
    ///
    /// # Errors
    /// A failing save, a diverging loss, or
    /// [`CoreError::Interrupted`] when `observe` says stop.
    pub fn run(
        &mut self,
        blocks: &Blocks,
        state: &Path,
        observe: &mut dyn FnMut(&PretrainReport) -> Control,
    ) -> Result<HeldOut> {
        if blocks.train.is_empty() || blocks.held_out.is_empty() {
            return Err(CoreError::Input(
                "the corpus has too little text for one block a file".into(),
            ));
        }
        let mut last = None;
        while self.step < self.settings.steps {
            let report = self.train_step(&blocks.train)?;
            let mut control = observe(&report);
            let done = self.step == self.settings.steps;
            if done || self.step.is_multiple_of(self.settings.eval_every) {
                let scores = self.score(&blocks.held_out)?;
                last = Some(scores);
                let tokens = self.step * self.settings.batch * self.settings.block;
                let report = PretrainReport::HeldOut {
                    step: self.step,
                    tokens,
                    scores,
                };
                if observe(&report) == Control::Stop {
                    control = Control::Stop;
                }
            }
            let stop = control == Control::Stop && !done;
            if done || stop || self.step.is_multiple_of(self.settings.save_every) {
                self.save(state)?;
            }
            if stop {
                return Err(CoreError::Interrupted);
            }
        }
        match last {
            Some(scores) => Ok(scores),
            None => self.score(&blocks.held_out),
        }
    }

    fn train_step(&mut self, blocks: &[Vec<i64>]) -> Result<PretrainReport> {
        let s = &self.settings;
        let at = self.step as u64;
        let batch = self.batch(blocks);
        let share = self.step as f64 / s.steps.max(1) as f64;
        let rate = s.mask_rate + (s.mask_rate_end - s.mask_rate) * share;
        let mut rng = Rng::new(s.seed, "mask", &[at]);
        let masked = hide(
            &batch,
            rate,
            self.special,
            self.model.config.vocab,
            &mut rng,
        )?;
        self.optimizer.zero_gradients();
        let loss = self.logits(&masked)?.f_cross_entropy_loss::<Tensor>(
            &masked.targets,
            None,
            tch::Reduction::Mean,
            -100,
            0.0,
        )?;
        loss.f_backward()?;
        let learning_rate = s.learning_rate * linear_schedule(self.step + 1, s.steps + 1, s.warmup);
        let gradient_norm = self.optimizer.step(learning_rate, s.clip)?;
        self.step += 1;
        Ok(PretrainReport::Step {
            step: self.step,
            loss: loss.f_double_value(&[])?,
            learning_rate,
            gradient_norm,
        })
    }

    /// The blocks of the current step: each epoch is a shuffle of its own.
    fn batch<'a>(&self, blocks: &'a [Vec<i64>]) -> Vec<&'a Vec<i64>> {
        let (n, size) = (blocks.len(), self.settings.batch);
        let mut epoch = usize::MAX;
        let mut order: Vec<usize> = Vec::new();
        (self.step * size..(self.step + 1) * size)
            .map(|i| {
                if i / n != epoch {
                    epoch = i / n;
                    order = (0..n).collect();
                    Rng::new(self.settings.seed, "order", &[epoch as u64]).shuffle(&mut order);
                }
                &blocks[order[i % n]]
            })
            .collect()
    }

    /// Logits `[batch × count, V]` at the tokens to predict.
    fn logits(&self, masked: &Masked) -> Result<Tensor> {
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
    pub fn score(&self, blocks: &[Vec<i64>]) -> Result<HeldOut> {
        let _no_grad = tch::no_grad_guard();
        let (mut loss, mut top1, mut top5, mut count) = (0.0, 0.0, 0.0, 0.0);
        for (i, chunk) in blocks.chunks(16).enumerate() {
            let chunk: Vec<&Vec<i64>> = chunk.iter().collect();
            let mut rng = Rng::new(self.settings.seed, "held-out mask", &[i as u64]);
            let vocab = self.model.config.vocab;
            let masked = hide(&chunk, HELD_OUT_RATE, self.special, vocab, &mut rng)?;
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

    fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = BTreeMap::new();
        for (i, parameter) in self.parameters.iter().enumerate() {
            tensors.insert(format!("parameter.{i}"), parameter.tensor.shallow_clone());
        }
        for (i, moment) in self.optimizer.state().into_iter().enumerate() {
            tensors.insert(format!("moment.{i}"), moment);
        }
        let counters = [self.step as i64, self.settings.identity(self.content)];
        tensors.insert("counters".into(), indices(&counters, Device::Cpu)?);
        write(path, &tensors)
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        let mut weights = Weights::read_file(path)?;
        let shapes: Vec<Vec<i64>> = self.parameters.iter().map(|p| p.tensor.size()).collect();
        let values: Vec<Tensor> = (0..shapes.len())
            .map(|i| weights.take(&format!("parameter.{i}"), &shapes[i]))
            .collect();
        let moments: Vec<Tensor> = (0..2 * shapes.len())
            .map(|i| weights.take(&format!("moment.{i}"), &shapes[i / 2]))
            .collect();
        let counters = Vec::<i64>::try_from(&weights.take("counters", &[2]))?;
        weights.finish()?;
        if counters[1] != self.settings.identity(self.content) {
            let message = "is the state of other settings, of other text or of another base model; \
                           remove it to start anew";
            return Err(CoreError::state(path, message));
        }
        self.step = counters[0] as usize;
        crate::lm::restore(&self.parameters, &values)?;
        self.optimizer.restore(&moments, self.step as u64)
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

/// Key of the text and of the base's vocabulary, which stays as it is and stands in no state.
fn content(model: &LanguageModel, blocks: &Blocks) -> Result<u64> {
    let rows = model.embeddings.f_flatten(0, -1)?.f_to_kind(Kind::Float)?;
    let rows = Vec::<f32>::try_from(&rows)?;
    let bits: Vec<u64> = rows.iter().map(|value| value.to_bits().into()).collect();
    let ids = |sum: u64, block: &Vec<i64>| {
        let ids: Vec<u64> = block.iter().map(|&id| id as u64).collect();
        key(sum, "block", &ids)
    };
    let train = blocks.train.iter().fold(key(0, "rows", &bits), ids);
    Ok(blocks
        .held_out
        .iter()
        .fold(key(train, "held out", &[]), ids))
}
