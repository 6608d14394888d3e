//! What parent and child say to each other: a job as one line of JSON on the child's standard
//! input, events as lines of JSON on its standard output.
//!
//! The child's input stays open while the parent wants the run; when it closes, because the parent
//! was interrupted or is gone, the child finishes its step, saves and ends.

use std::path::PathBuf;

use dart_core::method::Method;
use dart_core::train::TrainSettings;
use serde::{Deserialize, Serialize};

use crate::experiment::tasks::TaskEntry;
use crate::store::folder::RunFiles;
use crate::store::hparams::HParams;

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Train, select on dev.
    Fit,
    /// Score test with the selected weights.
    Score,
    /// Score test with weights that were not selected.
    Oracle,
}

/// Which data a run sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The task's name.
    pub task: String,
    /// What the experiment says of the task, where it is more than its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_task: Option<TaskEntry>,
    /// Files of further tasks.
    pub catalogs: Vec<PathBuf>,
    /// The data folder.
    pub data_dir: PathBuf,
    /// Training examples a class.
    pub k: usize,
    /// Seed of the split and of the run.
    pub seed: u64,
    /// Whether a class with too few rows is an error.
    pub strict: bool,
    /// Limit of test rows.
    pub test_rows: Option<usize>,
    /// Seed of their drawing.
    pub test_seed: u64,
    /// What the data were when the run was planned.
    pub fingerprint: String,
}

/// One child's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What to do.
    pub stage: Stage,
    /// The run's files.
    pub files: RunFiles,
    /// The language model's folder.
    pub model: PathBuf,
    /// A hash of what the models' folders held when the run was planned; empty in runs of older
    /// versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_content: String,
    /// The sentence encoder's folder, for methods that show similar examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<PathBuf>,
    /// The data.
    pub data: Data,
    /// What is trained.
    pub method: Method,
    /// How.
    pub settings: TrainSettings,
    /// Seconds between saves of the state.
    pub save_seconds: u64,
    /// What identifies the run among others, for TensorBoard.
    #[serde(default)]
    pub hparams: HParams,
}

/// What a child tells while it works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Steps done.
    Step {
        /// How many.
        step: usize,
    },
    /// An evaluation on dev.
    Evaluation {
        /// Steps done.
        step: usize,
        /// The task's metric.
        dev: f64,
    },
    /// It stopped as it was told to; the state is saved.
    Stopped,
    /// It cannot do its job; trying again would not help.
    Error {
        /// Why.
        message: String,
    },
}
