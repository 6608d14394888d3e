//! What a run reports.

use serde::{Deserialize, Serialize};

use crate::control::Control;

/// One optimizer step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Steps done, from 1.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// That of the vocabulary's rows and of the pseudo rows, where the settings give them one or a
    /// schedule of their own.
    pub embedding_learning_rate: Option<f64>,
    /// L_C, the batch's mean.
    pub class_loss: f64,
    /// L_F before λ, the batch's mean.
    pub fluency_loss: Option<f64>,
    /// Global gradient norm before clipping.
    pub gradient_norm: f64,
}

/// One evaluation on dev.
#[derive(Clone, Debug)]
pub struct EvalReport {
    /// Steps done.
    pub step: usize,
    /// The task's metric, in [−1, 1].
    pub dev: f64,
    /// [`Scores::loss`] on dev, which breaks ties.
    pub dev_loss: f64,
    /// Whether this is the one to keep so far.
    pub best: bool,
}

/// Receives progress; may stop a run between steps. `()` watches nothing.
pub trait Observer {
    /// Called after an evaluation: whether to save the state that a stopped run goes on from. The
    /// result does not depend on it.
    fn save_due(&mut self) -> bool {
        true
    }

    /// Called after every optimizer step.
    fn step(&mut self, _report: &StepReport) -> Control {
        Control::Continue
    }

    /// Called after every evaluation on dev.
    fn evaluation(&mut self, _report: &EvalReport) -> Control {
        Control::Continue
    }
}

impl Observer for () {}

// A share of 0 is not written, as in runs that show no demonstrations.
fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

/// What a finished fit reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOutcome {
    /// Best dev metric.
    pub dev: f64,
    /// [`Scores::loss`] on dev at the best step.
    pub dev_loss: f64,
    /// Step of the best evaluation (0 for methods without training).
    pub best_step: usize,
    /// Optimizer steps done.
    pub steps: usize,
    /// Share of the training and dev inputs that were cut to `max_length`; with demonstrations, to
    /// what these leave of it.
    pub truncated: f64,
    /// Share of the training examples that are cut where they are shown as demonstrations (to
    /// [`crate::method::Shown::tokens`] of text).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated_demonstrations: f64,
}

/// One scored example.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// [`dart_data::Example::row`].
    pub row: usize,
    /// The true class.
    pub gold: usize,
    /// The predicted class (ties: the first).
    pub predicted: usize,
    /// A probability per class, `[classes]`.
    pub probabilities: Vec<f64>,
}

/// Scores of a set of examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The task's metric.
    pub metric: f64,
    /// Macro F1, whatever the metric.
    pub macro_f1: f64,
    /// [`crate::metrics::directed_macro_f1`], for tasks whose classes have a direction.
    pub directed_f1: Option<f64>,
    /// [`crate::metrics::calibration_error`].
    pub calibration_error: f64,
    /// The mean over the examples of the cross-entropy over the classes: L_C, except that a method
    /// with `full_vocab` trains on the cross-entropy over all of V*, and is scored, and ties on dev
    /// are broken, by the classes alone.
    pub loss: f64,
    /// Share of the examples whose input was cut, as [`FitOutcome::truncated`] counts it.
    pub truncated: f64,
    /// One a row, in the order of the examples.
    pub predictions: Vec<Prediction>,
}
