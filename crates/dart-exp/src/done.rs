//! Which runs of a group have nothing left to do.

use std::path::Path;

use anyhow::Result;

use crate::plan::Group;
use crate::store::run_files;

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
