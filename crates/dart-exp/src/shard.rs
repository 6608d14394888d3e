//! `--shard i/n`: one of n machines' share of an experiment, and the merging of what they did.
//!
//! A share is whole groups (task, method, model, k, seed), because a group's trials are chosen
//! among in one place. It depends on the plan alone, so that n machines need not talk.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::done::done;
use crate::plan::Plan;
use crate::store::{RunFiles, Store, run_files};

/// Shares at most.
const MOST: usize = 100_000;

/// The i-th of n shares, i from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        match parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?))) {
            Some((index, count)) if count <= MOST && (1..=count).contains(&index) => {
                Ok(Shard { index, count })
            }
            _ => Err(format!(
                "give i/n with i from 1 to n, such as 2/8, and n at most {MOST}"
            )),
        }
    }
}

impl Shard {
    /// Where the share's results stand, below the experiment's folder.
    pub fn folder(self, experiment: &Path) -> PathBuf {
        let name = format!("{}-of-{}", self.index, self.count);
        experiment.join("shards").join(name)
    }

    /// Which of the groups with these costs belong to the share: the dearest first, each to the
    /// share that has least so far.
    pub fn picks(self, costs: &[f64]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..costs.len()).collect();
        order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]).then(a.cmp(&b)));
        let mut loads = vec![0.0; self.count];
        let mut mine = vec![false; costs.len()];
        for group in order {
            let lighter = |a: usize, b: usize| if loads[b] < loads[a] { b } else { a };
            let least = (1..self.count).fold(0, lighter);
            loads[least] += costs[group];
            mine[group] = least + 1 == self.index;
        }
        mine
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_named_i_of_n() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "", "1/100001"] {
            assert!(
                wrong.parse::<Shard>().unwrap_err().contains("i/n"),
                "{wrong}"
            );
        }
        let folder = Shard { index: 2, count: 3 }.folder(Path::new("r/x"));
        assert_eq!(folder, Path::new("r/x/shards/2-of-3"));
    }

    #[test]
    fn every_group_is_in_one_share_and_shares_are_alike() {
        let costs: Vec<f64> = (0..97).map(|i| f64::from((i * 37) % 11 + 1)).collect();
        for count in [1, 2, 5, 97, 200] {
            let mut owners = vec![0; costs.len()];
            let mut loads = Vec::new();
            for index in 1..=count {
                let shard = Shard { index, count };
                let mine = shard.picks(&costs);
                assert_eq!(mine, shard.picks(&costs));
                let load = costs.iter().zip(&mine).filter(|(_, m)| **m).map(|(c, _)| c);
                loads.push(load.sum::<f64>());
                mine.iter()
                    .zip(&mut owners)
                    .for_each(|(m, n)| *n += usize::from(*m));
            }
            assert!(owners.iter().all(|n| *n == 1), "{count} shares");
            let (low, high) = loads
                .iter()
                .fold((f64::MAX, 0f64), |(l, h), x| (l.min(*x), h.max(*x)));
            assert!(high - low <= 11.0, "{count} shares: {low} to {high}");
        }
    }
}
