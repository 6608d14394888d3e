//! A run's two halves: training with selection on dev, and scoring with the weights that were best
//! there.

use std::path::Path;

use dart_data::Example;

use super::predict::predict;
use super::report::{FitOutcome, Observer, Scores};
use super::scoring::scores;
use super::spec::RunSpec;
use super::state::FitState;
use super::trainer::Trainer;
use crate::build::{Built, build, build_on};
use crate::device::DeviceChoice;
use crate::error::{CoreError, Result};
use crate::method::Method;
use crate::prompt::truncated_share;

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
        return Err(CoreError::Input(
            "there is no training or no dev example".into(),
        ));
    }
    let outcome = match spec.method {
        Method::Majority => fit_majority(spec, train, dev, &state)?,
        _ => {
            let built = build(spec)?;
            Trainer::new(spec, &built, train, dev, &state)?.run(observer)?
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
        return Err(CoreError::state(state_dir, message));
    }
    if let Method::Majority = spec.method {
        let shares = state.load_shares(spec.task.labels.len())?;
        let rows: Vec<Vec<f64>> = examples.iter().map(|_| shares.clone()).collect();
        return Ok(scores(spec, examples, rows, 0.0));
    }
    let built = build(spec)?;
    state.load_best(&built.classifier.parameters())?;
    let encoded = built.encode(examples)?;
    let rows = predict(&built, &encoded)?;
    Ok(scores(spec, examples, rows, truncated_share(&encoded)))
}

/// The classifier with the best weights that [`fit`] left in `state_dir`, on `device`, which need
/// not be the one that it was trained on.
///
/// # Errors
/// No finished fit there, a method without a model, or a model that does not work.
pub fn load_best(spec: &RunSpec, state_dir: &Path, device: DeviceChoice) -> Result<Built> {
    spec.settings.check()?;
    let state = FitState::new(spec, state_dir)?;
    if state.outcome()?.is_none() {
        let message = "there is no finished fit here to load";
        return Err(CoreError::state(state_dir, message));
    }
    let built = build_on(spec, device)?;
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
