//! One run: fit a method on the k-shot training examples with selection on dev, and score examples
//! with the weights that were best on dev.

mod contexts;
mod scoring;
mod settings;
mod state;
mod timing;

use std::path::Path;

use dart_data::Example;

use crate::adamw::{AdamW, Betas, linear_schedule};
use crate::build::{Built, build};
use crate::classifier::Place;
use crate::device::DeviceChoice;
use crate::error::{CoreError, Result};
use crate::lm::{Parameter, Role, snapshot};
use crate::method::Method;
use crate::prompt::Encoded;
use crate::rng::Rng;
use scoring::scores;
pub(crate) use scoring::{cut_share, predict};
pub(crate) use settings::set_threads;
pub use settings::{
    Control, EvalReport, FitOutcome, Observer, Precision, Prediction, RunSpec, Scores, Source,
    StepReport, TrainSettings,
};
use state::{Best, FitState};
pub use timing::{Timing, time};

/// Examples a batch when only predicting, cut by length so that little is padded.
pub(crate) const PREDICT_BATCH: usize = 32;

/// Trains on `train`, selects on `dev`, and leaves the best weights and the resumable state in
/// `state_dir` (which exists); a fit that finds its own state there goes on from it to the same
/// bits.
///
/// # Errors
/// The model or a setting does not work, the state cannot be written, training diverges, or
/// [`CoreError::Interrupted`] when the observer says stop.
pub fn fit(
    spec: &RunSpec,
    train: &[Example],
    dev: &[Example],
    state_dir: &Path,
    observer: &mut dyn Observer,
) -> Result<FitOutcome> {
    spec.settings.check()?;
    let state = FitState::new(spec, state_dir)?;
    if let Some(outcome) = state.outcome()? {
        return Ok(outcome);
    }
    if train.is_empty() || dev.is_empty() {
        return Err(CoreError::Setting(
            "there is no training or no dev example".into(),
        ));
    }
    let outcome = match spec.method {
        Method::Majority => fit_majority(spec, train, dev, &state)?,
        _ => {
            let built = build(spec)?;
            Fit::new(spec, &built, train, dev, &state)?.run(observer)?
        }
    };
    state.finish(&outcome)?;
    Ok(outcome)
}

/// Scores `examples` with the best weights that [`fit`] left in `state_dir`.
///
/// # Errors
/// No finished fit there, or the model does not work.
pub fn score(spec: &RunSpec, examples: &[Example], state_dir: &Path) -> Result<Scores> {
    spec.settings.check()?;
    let state = FitState::new(spec, state_dir)?;
    if state.outcome()?.is_none() {
        let message = "there is no finished fit here to score with";
        return Err(CoreError::model(state_dir, message));
    }
    if let Method::Majority = spec.method {
        let shares = state.load_shares(spec.task.labels.len())?;
        let rows: Vec<Vec<f64>> = examples.iter().map(|_| shares.clone()).collect();
        return Ok(scores(spec, examples, rows, 0.0));
    }
    let built = best(spec, &state)?;
    let encoded = built.encode(examples)?;
    let rows = predict(&built, &encoded)?;
    Ok(scores(spec, examples, rows, cut_share(&encoded)))
}

/// The classifier with the best weights that [`fit`] left in `state_dir`, on `device` (as in
/// [`TrainSettings::device`]), which need not be the one that it was trained on.
///
/// # Errors
/// No finished fit there, a method without a model, or a model that does not work.
pub fn load_best(spec: &RunSpec, state_dir: &Path, device: DeviceChoice) -> Result<Built> {
    spec.settings.check()?;
    let state = FitState::new(spec, state_dir)?;
    if state.outcome()?.is_none() {
        let message = "there is no finished fit here to load";
        return Err(CoreError::model(state_dir, message));
    }
    let settings = TrainSettings {
        device,
        ..spec.settings.clone()
    };
    let here = RunSpec {
        settings: &settings,
        ..*spec
    };
    best(&here, &state)
}

fn best(spec: &RunSpec, state: &FitState) -> Result<Built> {
    let built = build(spec)?;
    state.load_best(&built.classifier.parameters())?;
    Ok(built)
}

/// Predicts each class with its share of the training examples.
fn fit_majority(
    spec: &RunSpec,
    train: &[Example],
    dev: &[Example],
    state: &FitState,
) -> Result<FitOutcome> {
    let mut shares = vec![0.0; spec.task.labels.len()];
    train
        .iter()
        .for_each(|e| shares[e.label] += 1.0 / train.len() as f64);
    state.save_shares(&shares)?;
    let rows = dev.iter().map(|_| shares.clone()).collect();
    let scores = scores(spec, dev, rows, 0.0);
    Ok(FitOutcome {
        dev: scores.metric,
        dev_loss: scores.loss,
        best_step: 0,
        steps: 0,
        truncated: 0.0,
        truncated_demonstrations: 0.0,
    })
}

/// A training run in progress.
struct Fit<'a> {
    spec: &'a RunSpec<'a>,
    built: &'a Built,
    state: &'a FitState,
    train: Vec<Encoded>,
    dev_examples: &'a [Example],
    dev: Vec<Encoded>,
    parameters: Vec<Parameter>,
    optimizer: AdamW,
    step: usize,
    best: Option<Best>,
    since_best: usize,
    /// Steps of the first stage, in which patience does not count.
    held: usize,
}

impl<'a> Fit<'a> {
    fn new(
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
                let decay = match p.role {
                    Role::Matrix => settings.weight_decay,
                    Role::Embedding | Role::Pseudo if settings.decay_embeddings && !p.is_bias() => {
                        settings.weight_decay
                    }
                    _ => 0.0,
                };
                let rate = match (p.role, settings.pseudo_learning_rate) {
                    (Role::Pseudo, Some(rate)) => rate / settings.learning_rate,
                    _ => 1.0,
                };
                (p.clone(), decay, rate)
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
        Ok(Fit {
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

    fn run(mut self, observer: &mut dyn Observer) -> Result<FitOutcome> {
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
            if last || self.step.is_multiple_of(settings.eval_every) {
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

    fn out_of_patience(&self) -> bool {
        self.spec
            .settings
            .patience
            .is_some_and(|patience| self.since_best >= patience)
    }

    fn train_step(&mut self) -> Result<StepReport> {
        let s = self.spec.settings;
        self.optimizer.zero_gradients();
        let (mut class_loss, mut fluency_loss) = (0.0, None);
        let share = 1.0 / s.accumulation as f64;
        for micro in 0..s.accumulation {
            let examples = self.micro_batch(micro);
            let place = Place {
                seed: self.spec.seed,
                step: self.step as u64,
                micro: micro as u64,
            };
            let losses = self.built.classifier.backward(&examples, place, share)?;
            class_loss += losses.class * share;
            if let Some(fluency) = losses.fluency {
                *fluency_loss.get_or_insert(0.0) += fluency * share;
            }
        }
        let learning_rate = s.learning_rate * linear_schedule(self.step, s.steps, s.warmup);
        let gradient_norm = self.optimizer.step(learning_rate, s.clip)?;
        self.step += 1;
        Ok(StepReport {
            step: self.step,
            steps: s.steps,
            learning_rate,
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

    /// Scores dev; a better metric, or the same with a lower [`Scores::loss`], becomes the best.
    fn evaluate(&mut self) -> Result<EvalReport> {
        self.built.classifier.refit()?;
        let rows = predict(self.built, &self.dev)?;
        let scores = scores(self.spec, self.dev_examples, rows, cut_share(&self.dev));
        let better = self.best.as_ref().is_none_or(|best| {
            scores.metric > best.dev || (scores.metric == best.dev && scores.loss < best.dev_loss)
        });
        if better {
            self.best = Some(Best {
                dev: scores.metric,
                dev_loss: scores.loss,
                step: self.step,
                weights: snapshot(&self.parameters)?,
            });
        }
        self.since_best = match better || self.step <= self.held {
            true => 0,
            false => self.since_best + 1,
        };
        Ok(EvalReport {
            step: self.step,
            dev: scores.metric,
            dev_loss: scores.loss,
            best: better,
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
            truncated: cut_share(self.train.iter().chain(&self.dev)),
            truncated_demonstrations: self.built.cut_demonstrations,
        })
    }
}
