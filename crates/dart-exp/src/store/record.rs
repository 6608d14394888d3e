//! What finished stages of a run leave, as JSON.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dart_core::device::DeviceChoice;
use dart_core::files::write_atomically;
use dart_core::train::FitOutcome;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a finished fit left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitRecord {
    /// What training came to.
    pub outcome: FitOutcome,
    /// Wall time, over all sittings.
    pub seconds: f64,
    /// Largest memory of its processes.
    pub peak_mib: f64,
}

/// The file of a finished fit whose run is trained again.
pub const FIT_BEFORE: &str = "fit-before.json";

/// The file that tells what a trial that was not chosen would have scored.
pub const ORACLE: &str = "oracle.json";

/// What scoring test left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// The task's metric.
    pub metric: f64,
    /// Macro F1.
    pub macro_f1: f64,
    /// Macro F1 with direction, for tasks whose classes have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directed_f1: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// Cross-entropy over the classes.
    pub loss: f64,
    /// Rows scored.
    pub rows: usize,
    /// Share of them whose input was cut.
    pub truncated: f64,
    /// Wall time.
    pub seconds: f64,
    /// Largest memory of its process.
    pub peak_mib: f64,
}

/// The choice among the trials of one (task, method, model, k, seed), in the winner's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The run that was chosen.
    pub winner: String,
    /// What it was chosen by.
    pub rule: String,
    /// All trials, in the order of the plan.
    pub trials: Vec<Trial>,
}

/// One trial of a selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its run.
    pub run: String,
    /// Metric on dev.
    pub dev: f64,
    /// Cross-entropy over the classes on dev.
    pub dev_loss: f64,
}

/// That a run trained again came to what it had come to. On a CPU the same settings give the same
/// bits; a GPU adds up in no fixed order, so there it may differ.
///
/// # Errors
/// It came to something else on a CPU: the program or the machine is another.
pub fn same(now: &FitOutcome, then: &FitOutcome, device: DeviceChoice) -> Result<()> {
    if now == then || device != DeviceChoice::Cpu {
        return Ok(());
    }
    bail!(
        "trained again, the run came to dev {} (loss {}) and not to {} (loss {}): it was made by \
         another version or on another machine",
        now.dev,
        now.dev_loss,
        then.dev,
        then.dev_loss
    );
}

/// Reads a record; `None` where there is none.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .with_context(|| format!("{}: not what dart-exp writes; remove it", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Writes a record, whole or not at all.
pub fn write_json<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(record).context("encoding a record")?;
    text.push('\n');
    Ok(write_atomically(path, text.as_bytes())?)
}
