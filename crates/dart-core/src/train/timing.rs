//! How fast training and evaluation are: the real steps and predictions under a clock.

use std::path::Path;
use std::time::Instant;

use dart_data::Example;
use serde::Serialize;

use super::predict::predict;
use super::scoring::scores;
use super::spec::RunSpec;
use super::state::FitState;
use super::trainer::Trainer;
use crate::build::build;
use crate::error::{CoreError, Result};

/// Measured speed of a method on this machine.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timing {
    /// Steps that were timed.
    pub steps: usize,
    /// Mean wall-clock seconds of an optimizer step.
    pub seconds_per_step: f64,
    /// Training examples a second.
    pub examples_per_second: f64,
    /// Predicted examples a second.
    pub eval_examples_per_second: f64,
    /// L_C on the scored examples before training, by which two programs show that they do the
    /// same.
    pub start_loss: f64,
}

/// Times the last `steps − untimed` of `spec.settings.steps` steps, and the prediction of `test`.
/// Texts are encoded before the clock starts; nothing is saved.
///
/// # Errors
/// As [`super::fit`], or `untimed` leaves nothing to time.
pub fn time(spec: &RunSpec, train: &[Example], test: &[Example], untimed: usize) -> Result<Timing> {
    let settings = spec.settings;
    let Some(steps) = settings.steps.checked_sub(untimed).filter(|&n| n > 0) else {
        let message = format!("of {} steps, {untimed} are not timed", settings.steps);
        return Err(CoreError::Setting(message));
    };
    if train.is_empty() || test.is_empty() {
        return Err(CoreError::Input(
            "there is no training or no test example".into(),
        ));
    }
    let built = build(spec)?;
    let state = FitState::new(spec, Path::new(""))?;
    let mut trainer = Trainer::new(spec, &built, train, test, &state)?;
    let clock = Instant::now();
    let rows = predict(&built, &trainer.dev)?;
    let evaluation = clock.elapsed().as_secs_f64();
    for _ in 0..untimed {
        trainer.train_step()?;
    }
    let clock = Instant::now();
    for _ in 0..steps {
        trainer.train_step()?;
    }
    let seconds_per_step = clock.elapsed().as_secs_f64() / steps as f64;
    Ok(Timing {
        steps,
        seconds_per_step,
        examples_per_second: (settings.batch * settings.accumulation) as f64 / seconds_per_step,
        eval_examples_per_second: test.len() as f64 / evaluation,
        start_loss: scores(spec, test, rows, 0.0).loss,
    })
}
