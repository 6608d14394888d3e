//! The steps of masked-token training, and the state that a stopped one goes on from.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::blocks::{Blocks, log_frequencies};
use super::model::MaskedModel;
use super::settings::{HeldOut, PretrainReport, PretrainSettings};
use crate::adamw::{AdamW, Betas, linear_schedule};
use crate::control::Control;
use crate::device::set_threads;
use crate::error::{CoreError, Result};
use crate::lm::weights::{Weights, write};
use crate::lm::{LanguageModel, Parameter, Role, indices, restore};
use crate::rng::{Rng, key};
use crate::tokenizer::Special;

/// A model in masked-token training.
pub struct Pretraining {
    model: MaskedModel,
    settings: PretrainSettings,
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
        model: LanguageModel,
        special: Special,
        settings: &PretrainSettings,
        blocks: &Blocks,
    ) -> Result<Self> {
        set_threads(settings.threads)?;
        let content = content(&model, blocks)?;
        let bias = log_frequencies(&blocks.train, model.config.vocab)?;
        let model = MaskedModel::start(model, special, settings.head_scale, bias)?;
        let parameters = model.parameters();
        let decay = |p: &Parameter| match p.role {
            Role::Matrix => settings.weight_decay,
            _ => 0.0,
        };
        let slots: Vec<_> = parameters
            .iter()
            .map(|p| (p.clone(), decay(p), 0))
            .collect();
        let betas = Betas {
            first: settings.beta1,
            second: settings.beta2,
            eps: settings.eps,
        };
        let optimizer = AdamW::new(&slots, betas)?;
        Ok(Pretraining {
            model,
            settings: settings.clone(),
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
        let masked = self.model.hide(&batch, rate, &mut rng)?;
        self.optimizer.zero_gradients();
        let loss = self.model.logits(&masked)?.f_cross_entropy_loss::<Tensor>(
            &masked.targets,
            None,
            tch::Reduction::Mean,
            -100,
            0.0,
        )?;
        loss.f_backward()?;
        let learning_rate = s.learning_rate * linear_schedule(self.step + 1, s.steps + 1, s.warmup);
        let gradient_norm = self.optimizer.step(&[learning_rate], s.clip)?;
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

    /// Scores held-out blocks with one fixed draw of hidden words.
    ///
    /// # Errors
    /// libtorch's.
    pub fn score(&self, blocks: &[Vec<i64>]) -> Result<HeldOut> {
        self.model.score(blocks, self.settings.seed)
    }

    /// The trained weights under their Hugging Face names, in float16, `[MASK]`'s row in its place.
    ///
    /// # Errors
    /// libtorch's.
    pub fn export(&self) -> Result<BTreeMap<String, Tensor>> {
        self.model.export()
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
        restore(&self.parameters, &values)?;
        self.optimizer.restore(&moments, self.step as u64)
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
