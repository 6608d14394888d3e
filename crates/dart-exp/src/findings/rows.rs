//! Finished runs, in the order of the plan.

use std::path::Path;

use anyhow::Result;

use crate::experiment::options::Options;
use crate::plan::outline::{Entry, Outline};
use crate::store::folder::{RunFiles, run_files};
use crate::store::record::{FitRecord, TestRecord};

/// A run whose training has finished.
pub struct Row<'a> {
    /// Place and seed.
    pub entry: &'a Entry,
    /// Its id.
    pub id: &'a str,
    /// The settings that have a meaning for it.
    pub settings: &'a Options,
    /// Whether it was chosen among its entry's trials.
    pub chosen: bool,
    /// Its score on dev.
    pub dev: f64,
    /// Its score on test; none where it was not chosen.
    pub test: Option<f64>,
    /// Wall time of training and scoring.
    pub seconds: f64,
    /// Largest memory of its processes.
    pub peak_mib: f64,
    /// What its folder has beyond that; none where there is no folder.
    pub records: Option<Records>,
}

/// What a run left in its folder.
pub struct Records {
    /// Its files.
    pub files: RunFiles,
    /// Its training.
    pub fit: FitRecord,
    /// Its test scores; none where it was not chosen.
    pub test: Option<TestRecord>,
}

impl Row<'_> {
    /// The score that tables show: test, or dev where test is not scored.
    pub fn score(&self) -> Option<f64> {
        match self.entry.scored.on_test() {
            true => self.test,
            false => Some(self.dev),
        }
    }

    /// The records of a scored test, where there are any.
    pub fn tested(&self) -> Option<&TestRecord> {
        self.records.as_ref()?.test.as_ref()
    }
}

/// The finished runs that have a folder.
///
/// # Errors
/// A record that cannot be read.
pub fn gather<'a>(outline: &'a Outline, folder: &Path) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for (entry, trial) in outline.trials() {
        let Some(id) = trial.id.as_deref() else {
            continue;
        };
        let files = run_files(folder, id);
        let Some(fit) = files.fit()? else { continue };
        // A choice among other trials than the plan's is an older plan's.
        let chosen = files.selection()?.is_some_and(|selection| {
            let trials = selection.trials.iter().map(|trial| Some(&trial.run));
            let planned = entry.trials.iter().map(|trial| trial.id.as_ref());
            selection.winner == id && trials.eq(planned)
        });
        let test = if chosen { files.test()? } else { None };
        let of_test = |of: fn(&TestRecord) -> f64| test.as_ref().map(of);
        rows.push(Row {
            entry,
            id,
            settings: &trial.settings,
            chosen,
            dev: fit.outcome.dev,
            test: of_test(|test| test.metric),
            seconds: fit.seconds + of_test(|test| test.seconds).unwrap_or(0.0),
            peak_mib: fit
                .peak_mib
                .max(of_test(|test| test.peak_mib).unwrap_or(0.0)),
            records: Some(Records { files, fit, test }),
        });
    }
    Ok(rows)
}
