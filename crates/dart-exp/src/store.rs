//! An experiment's results folder: `runs/<run>/` is the truth, CSV files and tables are made of it.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
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
    /// Expected calibration error; none in records of older versions.
    #[serde(default)]
    pub calibration_error: Option<f64>,
    /// Cross-entropy over the classes.
    pub loss: f64,
    /// Rows scored.
    pub rows: usize,
    /// Share of them whose input was cut; none in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<f64>,
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

/// The files of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFiles {
    /// Its folder.
    pub folder: PathBuf,
    /// Where its test predictions go.
    pub predictions: PathBuf,
}

impl RunFiles {
    /// Weights and what a stopped fit goes on from.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The pseudo rows that the fit ended with, where its labels are pseudo tokens.
    pub fn pseudo(&self) -> PathBuf {
        self.folder.join("pseudo.safetensors")
    }

    /// The child's standard error.
    pub fn log(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    /// The finished fit.
    pub fn fit(&self) -> Result<Option<FitRecord>> {
        read_json(&self.folder.join("fit.json"))
    }

    /// What an earlier fit came to, while its run is trained again for its weights.
    pub fn fit_before(&self) -> Result<Option<FitRecord>> {
        read_json(&self.folder.join(FIT_BEFORE))
    }

    /// Makes the finished fit one of before.
    pub fn put_fit_aside(&self) -> Result<()> {
        self.rename("fit.json", FIT_BEFORE)
    }

    /// Makes the fit of before the finished one again, where there is one.
    pub fn take_back_fit(&self) -> Result<()> {
        self.rename(FIT_BEFORE, "fit.json")
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let path = self.folder.join(from);
        absent_is_fine(fs::rename(&path, self.folder.join(to)))
            .with_context(|| path.display().to_string())
    }

    /// The scored test; none where its predictions are gone, without which it is half a result.
    pub fn test(&self) -> Result<Option<TestRecord>> {
        match self.predictions.is_file() {
            true => read_json(&self.folder.join("test.json")),
            false => Ok(None),
        }
    }

    /// What the test score of a trial that was not chosen would have been.
    pub fn oracle(&self) -> Result<Option<TestRecord>> {
        read_json(&self.folder.join(ORACLE))
    }

    /// The selection that chose this run.
    pub fn selection(&self) -> Result<Option<Selection>> {
        read_json(&self.folder.join("selection.json"))
    }

    /// Writes one of the records.
    pub fn write<T: Serialize>(&self, name: &str, record: &T) -> Result<()> {
        write_json(&self.folder.join(name), record)
    }

    /// Whether the best weights are on disk.
    pub fn has_weights(&self) -> bool {
        self.state().join("best.safetensors").is_file()
    }

    /// Removes the weights.
    pub fn drop_weights(&self) -> Result<()> {
        let state = self.state();
        absent_is_fine(fs::remove_dir_all(&state)).with_context(|| state.display().to_string())
    }

    /// Removes one of the records.
    pub fn forget(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        absent_is_fine(fs::remove_file(&path)).with_context(|| path.display().to_string())
    }
}

/// A results folder that this process alone writes.
pub struct Store {
    folder: PathBuf,
    _lock: File,
}

impl Store {
    /// Takes the folder, or says who has it.
    pub fn open(folder: &Path) -> Result<Self> {
        for part in ["runs", "predictions"] {
            fs::create_dir_all(folder.join(part)).with_context(|| unwritable(folder))?;
        }
        Ok(Store {
            folder: folder.to_owned(),
            _lock: lock(folder)?,
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A run's files.
    pub fn run(&self, id: &str) -> RunFiles {
        run_files(&self.folder, id)
    }
}

fn unwritable(folder: &Path) -> String {
    let shown = crate::places::short(folder);
    format!("results folder {shown}: cannot be written; choose another with --results DIR")
}

/// Keeps a results folder to this process for as long as the file is open.
///
/// # Errors
/// Another process has it, or it cannot be written.
pub fn lock(folder: &Path) -> Result<File> {
    let remedy = || unwritable(folder);
    let path = folder.join(".lock");
    let mut lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(remedy)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let (mut owner, shown) = (String::new(), crate::places::short(folder));
            let _ = lock.read_to_string(&mut owner);
            bail!(
                "results folder {shown}: in use by another dart-exp (process {}); wait for it, \
                 or choose another folder with --results DIR",
                owner.trim()
            );
        }
        Err(TryLockError::Error(error)) => return Err(anyhow!(error)).with_context(remedy),
    }
    lock.set_len(0).with_context(remedy)?;
    lock.rewind().with_context(remedy)?;
    writeln!(lock, "{}", std::process::id()).with_context(remedy)?;
    Ok(lock)
}

/// A run's files in an experiment's folder.
pub fn run_files(folder: &Path, id: &str) -> RunFiles {
    RunFiles {
        folder: folder.join("runs").join(id),
        predictions: folder.join("predictions").join(format!("{id}.csv")),
    }
}

fn absent_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// That a run trained again came to what it had come to. On a CPU the same settings give the same
/// bits; a GPU adds up in no fixed order, so there it may differ.
///
/// # Errors
/// It came to something else on a CPU: the program or the machine is another.
pub fn same(now: &FitOutcome, then: &FitOutcome, device: &str) -> Result<()> {
    // What older versions did not record says nothing.
    let told = |o: &FitOutcome| (o.dev, o.dev_loss, o.best_step, o.steps);
    if told(now) == told(then) || device != "cpu" {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        let refusal = Store::open(folder.path()).err().unwrap().to_string();
        assert!(
            refusal.contains(&format!("process {}", std::process::id())),
            "{refusal}"
        );
        drop(first);
        Store::open(folder.path()).unwrap();
    }

    #[test]
    fn records_come_back_and_absent_ones_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let run = store.run("r");
        fs::create_dir_all(&run.folder).unwrap();
        fs::write(&run.predictions, "").unwrap();
        assert_eq!(run.test().unwrap(), None);
        let record = TestRecord {
            metric: 0.1 + 0.2,
            macro_f1: 1.0 / 3.0,
            directed_f1: Some(0.5),
            calibration_error: None,
            loss: 1e-300,
            rows: 5,
            truncated: Some(0.2),
            seconds: 1.0,
            peak_mib: 2.0,
        };
        run.write("test.json", &record).unwrap();
        assert_eq!(run.test().unwrap(), Some(record));
        fs::rename(&run.predictions, run.predictions.with_extension("gone")).unwrap();
        assert_eq!(run.test().unwrap(), None);
        run.forget("test.json").unwrap();
        run.forget("test.json").unwrap();
        run.drop_weights().unwrap();
        assert_eq!(run.test().unwrap(), None);
    }
}
