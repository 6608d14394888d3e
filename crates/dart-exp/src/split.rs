//! What the plan needs to know of the data: how much there is, and what is odd about it.

use anyhow::{Result, bail};
use dart_data::{Example, SplitRequest, Task};

use crate::experiment::Experiment;
use crate::spelled::shots;

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
    pub fn load(experiment: &Experiment, task: &Task, k: usize, seed: u64) -> Result<Self> {
        let request = SplitRequest {
            strict: experiment.strict,
            ..SplitRequest::new(&experiment.data_dir, k, seed)
        };
        let splits = dart_data::load(task, &request)?;
        if splits.train.is_empty() || splits.dev.is_empty() {
            bail!(
                "{}: K={} seed {seed} gives no training or no dev example",
                task.name,
                shots(k)
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
            warnings: splits
                .warnings
                .into_iter()
                .map(|warning| warning.message)
                .collect(),
        })
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
