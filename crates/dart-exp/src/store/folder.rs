//! An experiment's results folder: `runs/<run>/` is the truth, CSV files and tables are made of it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::store::lock::{self, unwritable};
use crate::store::record::{
    FIT_BEFORE, FitRecord, ORACLE, Selection, TestRecord, read_json, write_json,
};
use crate::terminal::failure::Usage;

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
            _lock: lock::results(folder)?,
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

/// Whether an experiment's folder has the folder of a run.
///
/// # Errors
/// It cannot be read.
pub fn has_runs(folder: &Path) -> Result<bool> {
    let runs = folder.join("runs");
    match fs::read_dir(&runs) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        entries => Ok(entries
            .with_context(|| runs.display().to_string())?
            .next()
            .is_some()),
    }
}

/// Refuses a folder whose `runs.csv` is all that is left of its runs: it would be written anew without
/// them.
///
/// # Errors
/// It is one, or cannot be read.
pub fn refuse_bare(folder: &Path) -> Result<()> {
    let file = folder.join("runs.csv");
    if !file.is_file() || has_runs(folder)? {
        return Ok(());
    }
    let shown = crate::terminal::paths::short(&file);
    let mut csv = csv::Reader::from_path(&file).with_context(|| shown.clone())?;
    if csv.records().next().is_none() {
        return Ok(());
    }
    Err(Usage(format!(
        "{shown}: holds runs whose folders are not there, and would be written anew without them; \
         choose another folder with --results DIR (`table` and `report` read it as it is)"
    ))
    .into())
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
    fn a_file_of_runs_without_their_folders_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs.csv");
        refuse_bare(folder.path()).unwrap();
        fs::write(&file, "run,task\n").unwrap();
        refuse_bare(folder.path()).unwrap();
        fs::write(&file, "run,task\na,b\n").unwrap();
        let refusal = refuse_bare(folder.path()).unwrap_err();
        assert!(refusal.is::<Usage>() && refusal.to_string().contains("runs.csv"));
        fs::create_dir_all(folder.path().join("runs/a")).unwrap();
        refuse_bare(folder.path()).unwrap();
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
            calibration_error: 0.125,
            loss: 1e-300,
            rows: 5,
            truncated: 0.2,
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
