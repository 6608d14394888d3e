//! What parent and child say to each other: a job as one line of JSON on the child's standard
//! input, events as lines of JSON on its standard output.
//!
//! The child's input stays open while the parent wants the run; when it closes, because the parent
//! was interrupted or is gone, the child finishes its step, saves and ends.

use std::path::PathBuf;

use dart_core::method::Method;
use dart_core::train::TrainSettings;
use dart_data::Shots;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    #[serde(serialize_with = "write_k", deserialize_with = "read_k")]
    pub k: Shots,
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

/// K as jobs and run ids tell it: a number, 0 where all examples are asked for.
pub fn as_number(k: Shots) -> usize {
    k.number().unwrap_or(0)
}

fn write_k<S: Serializer>(k: &Shots, to: S) -> Result<S::Ok, S::Error> {
    as_number(*k).serialize(to)
}

fn read_k<'de, D: Deserializer<'de>>(from: D) -> Result<Shots, D::Error> {
    let k = usize::deserialize(from)?;
    Ok(Shots::new(k).unwrap_or(Shots::Full))
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
    /// A hash of what the models' folders held when the run was planned; empty without a model.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Run folders and run ids hold K as a number.
    #[test]
    fn all_examples_are_0() {
        for (k, number) in [(Shots::Full, 0), (Shots::default(), 16)] {
            let json = format!(
                r#"{{"task":"movies","catalogs":[],"data_dir":"data","k":{number},"seed":13,"#
            ) + r#""strict":false,"test_rows":null,"test_seed":0,"fingerprint":""}"#;
            let data: Data = serde_json::from_str(&json).unwrap();
            assert_eq!((data.k, as_number(k)), (k, number));
            assert_eq!(serde_json::to_string(&data).unwrap(), json);
        }
    }
}
