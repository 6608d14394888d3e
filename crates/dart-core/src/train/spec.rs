//! What a run is told.

use std::path::Path;

use dart_data::{Example, Task};

use crate::method::Method;
use crate::settings::TrainSettings;

/// Everything that identifies a run but its data.
#[derive(Clone, Copy, Debug)]
pub struct RunSpec<'a> {
    /// Folder of the language model in Hugging Face's layout.
    pub model: &'a Path,
    /// What is trained and how texts are classified.
    pub method: &'a Method,
    /// How it is optimised.
    pub settings: &'a TrainSettings,
    /// Classes, manual template, label words and metric.
    pub task: &'a Task,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// Where demonstrations come from, for methods that show some.
    pub demonstrations: Option<Source<'a>>,
}

/// What demonstrations are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The run's training examples.
    pub train: &'a [Example],
    /// Folder of the sentence encoder that finds similar ones.
    pub encoder: &'a Path,
}
