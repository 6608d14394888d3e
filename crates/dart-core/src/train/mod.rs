//! One run: fit a method on the k-shot training examples with selection on dev, and score examples
//! with the weights that were best on dev.

mod fit;
pub(crate) mod predict;
mod rates;
pub(crate) mod report;
pub(crate) mod scoring;
pub(crate) mod spec;
mod state;
mod ties;
mod timing;
mod trainer;

pub use crate::control::Control;
pub use crate::settings::{Count, DecayedEmbeddings, Precision, Schedule, Ties, TrainSettings};
pub use fit::{fit, load_best, score};
pub use report::{EvalReport, FitOutcome, Observer, Prediction, Scores, StepReport};
pub use spec::{RunSpec, Source};
pub use timing::{Timing, time};
