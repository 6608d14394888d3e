//! Finished runs of other results folders, shards among them, taken over.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::plan::completion::done;
use crate::plan::runs::Plan;
use crate::store::folder::{RunFiles, Store, run_files};

/// What a merge did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Finished runs that were taken over.
    pub taken: usize,
    /// Runs of the plan that are finished nowhere.
    pub missing: usize,
}

/// Takes finished runs of the plan from other results folders into the store's. A source is an
/// experiment's folder or what holds such folders; runs of other experiments that the plan has too
/// count as its own.
///
/// # Errors
/// A folder without results, or one that cannot be read or written.
pub fn merge(plan: &Plan, store: &Store, sources: &[PathBuf]) -> Result<Merged> {
    let mut folders = Vec::new();
    for source in sources {
        let mut below = results_in(source)?;
        for folder in folders_of(source)? {
            below.extend(results_in(&folder)?);
        }
        if below.is_empty() {
            bail!(
                "{}: no results of dart-exp there (a folder `runs`); give the folders that \
                 --results named, or shards",
                source.display()
            );
        }
        folders.extend(below);
    }
    if sources.is_empty() {
        folders = shards_of(store.folder())?;
    }
    let mut merged = Merged::default();
    for group in &plan.groups {
        for run in &group.trials {
            let ours = store.run(&run.id);
            for folder in &folders {
                let theirs = run_files(folder, &run.id);
                if further(&theirs)? > further(&ours)? {
                    take(&theirs, &ours)?;
                    merged.taken += 1;
                }
            }
        }
        let done = done(group, store.folder())?;
        merged.missing += done.iter().filter(|done| !**done).count();
    }
    Ok(merged)
}

/// The folder, if it is an experiment's results, and its shards.
fn results_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = shards_of(folder)?;
    if folder.join("runs").is_dir() {
        found.insert(0, folder.to_owned());
    }
    Ok(found)
}

fn shards_of(experiment: &Path) -> Result<Vec<PathBuf>> {
    let mut shards = folders_of(&experiment.join("shards"))?;
    shards.retain(|path| path.join("runs").is_dir());
    Ok(shards)
}

/// The folders in a folder, by name; none where there is no such folder.
fn folders_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let shown = || folder.display().to_string();
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.with_context(shown)?,
    };
    let paths: std::io::Result<Vec<PathBuf>> =
        entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.with_context(shown)?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

/// How far a run has come: nothing finished, trained, chosen among its trials, scored on test.
fn further(files: &RunFiles) -> Result<u8> {
    Ok(match (files.fit()?, files.selection()?, files.test()?) {
        (None, ..) => 0,
        (Some(_), None, _) => 1,
        (Some(_), Some(_), None) => 2,
        (Some(_), Some(_), Some(_)) => 3,
    })
}

/// Copies a run's records; they are in place all at once.
fn take(theirs: &RunFiles, ours: &RunFiles) -> Result<()> {
    let shown = |path: &Path| path.display().to_string();
    if theirs.predictions.is_file() {
        let bytes = fs::read(&theirs.predictions).with_context(|| shown(&theirs.predictions))?;
        dart_core::files::write_atomically(&ours.predictions, &bytes)?;
    }
    let draft = ours.folder.with_extension("part");
    let remove = |path: &Path| match path.exists() {
        true => fs::remove_dir_all(path).with_context(|| shown(path)),
        false => Ok(()),
    };
    remove(&draft)?;
    copy(&theirs.folder, &draft)?;
    remove(&ours.folder)?;
    fs::rename(&draft, &ours.folder).with_context(|| shown(&ours.folder))
}

/// Copies a run's folder but for its weights and lock.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let shown = |path: &Path| path.display().to_string();
    fs::create_dir_all(to).with_context(|| shown(to))?;
    for entry in fs::read_dir(from).with_context(|| shown(from))? {
        let entry = entry.with_context(|| shown(from))?;
        let (path, name) = (entry.path(), entry.file_name());
        let passing = name.to_string_lossy().starts_with('.') || name == "state";
        if path.is_file() && !passing {
            fs::copy(&path, to.join(&name)).with_context(|| shown(&path))?;
        }
    }
    Ok(())
}
