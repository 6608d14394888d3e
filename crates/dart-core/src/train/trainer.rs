//! The training loop: optimizer steps, evaluations on dev, early stopping, and a state to go on from.

use dart_data::Example;

use super::predict::predict;
use super::rates::{Group, decay, rates};
use super::report::{EvalReport, FitOutcome, Observer, StepReport};
use super::scoring::scores;
use super::spec::RunSpec;
use super::state::{Best, FitState};
use super::ties::judge;
use crate::adamw::{AdamW, Betas};
use crate::build::Built;
use crate::classifier::MicroStep;
use crate::control::Control;
use crate::error::{CoreError, Result};
use crate::lm::{Parameter, Role, snapshot};
use crate::prompt::{Encoded, truncated_share};
use crate::rng::Rng;
use crate::settings::Count;

/// A training run in progress.
pub(super) struct Trainer<'a> {
    spec: &'a RunSpec<'a>,
    built: &'a Built,
    state: &'a FitState,
    train: Vec<Encoded>,
    dev_examples: &'a [Example],
    pub dev: Vec<Encoded>,
    parameters: Vec<Parameter>,
    optimizer: AdamW,
    step: usize,
    best: Option<Best>,
    since_best: usize,
    /// Steps of the first stage, in which patience does not count.
    held: usize,
}

impl<'a> Trainer<'a> {
    /// Encodes the examples and groups the parameters for the optimizer.
    pub fn new(
        spec: &'a RunSpec,
        built: &'a Built,
        train: &[Example],
        dev: &'a [Example],
        state: &'a FitState,
    ) -> Result<Self> {
        let parameters = built.classifier.parameters();
        let settings = spec.settings;
        let slots: Vec<_> = parameters
            .iter()
            .map(|p| {
                (
                    p.clone(),
                    decay(p, settings),
                    Group::of(p, settings) as usize,
                )
            })
            .collect();
        let mut optimizer = AdamW::new(&slots, Betas::default())?;
        let held = (settings.prompt_first * settings.steps as f64).round() as usize;
        if settings.prompt_first > 0.0 {
            let rest: Vec<bool> = parameters.iter().map(|p| p.role != Role::Pseudo).collect();
            if rest.iter().all(|held| *held) {
                let message = "prompt_first needs pseudo tokens to train first";
                return Err(CoreError::Setting(message.into()));
            }
            optimizer.hold(held as u64, &rest)?;
        }
        let train = built.encode(train)?;
        built.classifier.prepare(&train)?;
        Ok(Trainer {
            spec,
            built,
            state,
            train,
            dev_examples: dev,
            dev: built.encode(dev)?,
            optimizer,
            parameters,
            step: 0,
            best: None,
            since_best: 0,
            held,
        })
    }

    /// Trains to the end, from the saved state where there is one.
    pub fn run(mut self, observer: &mut dyn Observer) -> Result<FitOutcome> {
        if !self.built.classifier.has_steps() {
            let report = self.evaluate()?;
            let _ = observer.evaluation(&report);
            return self.finish();
        }
        let settings = self.spec.settings;
        if let Some(saved) = self.state.restore(&self.parameters, &mut self.optimizer)? {
            (self.step, self.since_best, self.best) = (saved.step, saved.since_best, saved.best);
        }
        while self.step < settings.steps && !self.out_of_patience() {
            let report = self.train_step()?;
            let mut stop = observer.step(&report) == Control::Stop;
            let last = self.step == settings.steps;
            if last || self.counted().is_multiple_of(settings.eval_every) {
                let report = self.evaluate()?;
                stop |= observer.evaluation(&report) == Control::Stop;
                if !stop && !last && observer.save_due() {
                    self.save()?;
                }
            }
            if stop && !last {
                self.save()?;
                return Err(CoreError::Interrupted);
            }
        }
        self.finish()
    }

    /// Steps done, or their micro-batches, as `eval_every` counts.
    fn counted(&self) -> usize {
        let settings = self.spec.settings;
        match settings.count {
            Count::Steps => self.step,
            Count::MicroBatches => self.step * settings.accumulation,
        }
    }

    fn out_of_patience(&self) -> bool {
        self.spec
            .settings
            .patience
            .is_some_and(|patience| self.since_best >= patience)
    }

    /// One optimizer step.
    pub fn train_step(&mut self) -> Result<StepReport> {
        let s = self.spec.settings;
        self.optimizer.zero_gradients();
        let (mut class_loss, mut fluency_loss) = (0.0, None);
        let share = 1.0 / s.accumulation as f64;
        for micro in 0..s.accumulation {
            let examples = self.micro_batch(micro);
            let at = MicroStep {
                seed: self.spec.seed,
                step: self.step as u64,
                micro: micro as u64,
            };
            let losses = self.built.classifier.backward(&examples, at, share)?;
            class_loss += losses.class * share;
            if let Some(fluency) = losses.fluency {
                *fluency_loss.get_or_insert(0.0) += fluency * share;
            }
        }
        let rates = rates(s, self.step);
        let gradient_norm = self.optimizer.step(&rates, s.clip)?;
        let two = s.embedding_learning_rate.is_some() || s.embedding_schedule.is_some();
        self.step += 1;
        Ok(StepReport {
            step: self.step,
            steps: s.steps,
            learning_rate: rates[Group::Model as usize],
            embedding_learning_rate: two.then_some(rates[Group::Embeddings as usize]),
            class_loss,
            fluency_loss,
            gradient_norm,
        })
    }

    /// Examples stand in one endless line, each epoch a shuffle of its own; a micro-batch is the
    /// next `batch` of them.
    fn micro_batch(&self, micro: usize) -> Vec<&Encoded> {
        let (n, size) = (self.train.len(), self.spec.settings.batch);
        let first = (self.step * self.spec.settings.accumulation + micro) * size;
        let mut epoch = usize::MAX;
        let mut order: Vec<usize> = Vec::new();
        (first..first + size)
            .map(|i| {
                if i / n != epoch {
                    epoch = i / n;
                    order = (0..n).collect();
                    Rng::new(self.spec.seed, "order", &[epoch as u64]).shuffle(&mut order);
                }
                &self.train[order[i % n]]
            })
            .collect()
    }

    /// Scores dev; a better metric becomes the best, and so may an equal one, as `ties` says.
    fn evaluate(&mut self) -> Result<EvalReport> {
        self.built.classifier.refit()?;
        let rows = predict(self.built, &self.dev)?;
        let scores = scores(
            self.spec,
            self.dev_examples,
            rows,
            truncated_share(&self.dev),
        );
        let before = self.best.as_ref().map(|best| (best.dev, best.dev_loss));
        let judged = judge(self.spec.settings.ties, before, scores.metric, scores.loss);
        if judged.kept {
            self.best = Some(Best {
                dev: scores.metric,
                dev_loss: scores.loss,
                step: self.step,
                weights: snapshot(&self.parameters)?,
            });
        }
        self.since_best = match judged.better || self.step <= self.held {
            true => 0,
            false => self.since_best + 1,
        };
        Ok(EvalReport {
            step: self.step,
            dev: scores.metric,
            dev_loss: scores.loss,
            best: judged.kept,
        })
    }

    fn save(&self) -> Result<()> {
        let best = self.best.as_ref();
        self.state.save(
            &self.parameters,
            &self.optimizer,
            self.step,
            self.since_best,
            best,
        )
    }

    fn finish(self) -> Result<FitOutcome> {
        let Some(best) = self.best else {
            return Err(CoreError::Setting("steps must be at least 1".into()));
        };
        self.state.save_best(&self.parameters, &best.weights)?;
        Ok(FitOutcome {
            dev: best.dev,
            dev_loss: best.dev_loss,
            best_step: best.step,
            steps: self.step,
            truncated: truncated_share(self.train.iter().chain(&self.dev)),
            truncated_demonstrations: self.built.cut_demonstrations,
        })
    }
}
