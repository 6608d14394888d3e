//! What the plan needs to know of the data: how much there is, and what is odd about it.

use anyhow::{Result, bail};
use dart_data::{Example, Shots, SplitRequest, Task, Warning};

use crate::experiment::definition::Experiment;
use crate::terminal::failure::Usage;

/// What of a split a plan needs.
pub struct Split {
    /// Fingerprint of its rows.
    pub fingerprint: String,
    /// Training examples.
    pub train: usize,
    /// Their texts' lengths in bytes, the longest first.
    pub train_bytes: Vec<usize>,
    /// Dev examples.
    pub dev: usize,
    /// Test examples.
    pub test: usize,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

impl Split {
    /// Loads and counts it.
    ///
    /// # Errors
    /// Data that cannot be read or leave nothing to train or to choose on; several K for a split that
    /// is given.
    pub fn load(experiment: &Experiment, task: &Task, k: Shots, seed: u64) -> Result<Self> {
        if task.split_is_given() && experiment.ks.len() > 1 {
            let ks: Vec<String> = experiment.ks.iter().map(Shots::to_string).collect();
            return Err(Usage(format!(
                "task {}: its train and dev are taken as they are, whatever K, and `k` lists {}; \
                 give it one K, in an experiment of its own, or leave `dev` out so that K a class are \
                 sampled",
                task.name,
                ks.join(", ")
            ))
            .into());
        }
        let request = SplitRequest {
            strict: experiment.keys.strict(),
            ..SplitRequest::new(&experiment.data_dir, k, seed)
        };
        let splits = dart_data::load(task, &request)?;
        if splits.train.is_empty() || splits.dev.is_empty() {
            bail!(
                "{}: {}: K={k} seed {seed} gives {} training and {} dev examples; a smaller `k` leaves \
                 some for both, `dart-exp data check {}` counts the rows",
                task.name,
                splits.files[0].display(),
                splits.train.len(),
                splits.dev.len(),
                task.name
            );
        }
        let bytes = |e: &Example| e.text_a.len() + e.text_b.as_ref().map_or(0, String::len);
        let mut train_bytes: Vec<usize> = splits.train.iter().map(bytes).collect();
        train_bytes.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Split {
            fingerprint: splits.fingerprint,
            train: splits.train.len(),
            train_bytes,
            dev: splits.dev.len(),
            test: splits.test.len(),
            warnings: splits.warnings.iter().map(|w| told(task, w)).collect(),
        })
    }
}

/// What is odd, with the file's name where it is one's own; where it lies is no matter of the table.
fn told(task: &Task, warning: &Warning) -> String {
    match warning.file.file_name() {
        Some(file) if task.is_own() => format!("{}: {}", file.to_string_lossy(), warning.message),
        _ => warning.message.clone(),
    }
}

/// A warning with the task and K that it is about.
pub fn of_split(task: &Task, k: Shots, message: &str) -> String {
    match task.split_is_given() {
        true => format!("{}: {message}", task.title),
        false => format!("{}, K={k}: {message}", task.title),
    }
}

/// Names the seeds that a warning is about, unless it is about all.
pub fn with_seeds(warnings: Vec<(String, Vec<u64>)>, all: usize) -> Vec<String> {
    let named = |(text, seeds): (String, Vec<u64>)| {
        let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
        match list.len() {
            count if count == all => text,
            1 => format!("{text} (seed {})", list[0]),
            _ => format!("{text} (seeds {})", list.join(", ")),
        }
    };
    warnings.into_iter().map(named).collect()
}
