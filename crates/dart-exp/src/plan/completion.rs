//! Which runs have nothing left to do.

use std::path::Path;

use anyhow::Result;

use crate::plan::runs::{Group, Plan};
use crate::store::folder::{Store, run_files};

/// For each of the group's trials whether it is done: trained and, where it is the one that scores
/// test, scored. Before dev has chosen among trained trials, the first stands for the one it will.
///
/// # Errors
/// A record that cannot be read.
pub fn done(group: &Group, folder: &Path) -> Result<Vec<bool>> {
    let files = group.trials.iter().map(|run| run_files(folder, &run.id));
    let files: Vec<_> = files.collect();
    let mut done = Vec::with_capacity(files.len());
    for files in &files {
        done.push(files.fit()?.is_some());
    }
    if group.test_rows > 0 && done.iter().all(|fitted| *fitted) {
        let mut chosen = 0;
        for (place, files) in files.iter().enumerate() {
            if files.selection()?.is_some() {
                chosen = place;
            }
        }
        if let (Some(done), Some(files)) = (done.get_mut(chosen), files.get(chosen)) {
            *done = files.test()?.is_some();
        }
    }
    Ok(done)
}

/// How much of a plan is done.
pub struct Done {
    /// All its runs.
    pub runs: usize,
    /// Those that have nothing left to do.
    pub finished: usize,
    /// Examples that the others have yet to pass through the model.
    pub cost_left: f64,
}

impl Done {
    /// Counts.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn count(plan: &Plan, store: &Store) -> Result<Self> {
        let mut all = Done {
            runs: 0,
            finished: 0,
            cost_left: 0.0,
        };
        for group in &plan.groups {
            for (run, finished) in group.trials.iter().zip(done(group, store.folder())?) {
                let fitted = store.run(&run.id).fit()?.is_some();
                all.runs += 1;
                all.finished += usize::from(finished);
                all.cost_left += if fitted { 0.0 } else { run.cost };
                all.cost_left += if finished { 0.0 } else { run.test_cost };
            }
        }
        Ok(all)
    }
}
