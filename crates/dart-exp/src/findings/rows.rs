//! What the run folders hold, in the order of the plan, as `runs.csv` and `summary.csv`.

use std::path::Path;

use anyhow::{Result, bail};

use crate::plan::runs::{Group, Plan, Run};
use crate::store::folder::{RunFiles, run_files};
use crate::store::record::{FitRecord, TestRecord};
use crate::terminal::paths::short;

/// A run whose training has finished.
pub struct Row<'a> {
    /// Its group.
    pub group: &'a Group,
    /// The run.
    pub run: &'a Run,
    /// Its files.
    pub files: RunFiles,
    /// Its training.
    pub fit: FitRecord,
    /// Whether it was chosen among its group's trials.
    pub chosen: bool,
    /// Its test scores; none where it was not chosen.
    pub test: Option<TestRecord>,
}

/// The finished runs of a plan.
pub fn gather<'a>(plan: &'a Plan, folder: &Path) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for (group, run) in plan.runs() {
        let files = run_files(folder, &run.id);
        let Some(fit) = files.fit()? else { continue };
        // A choice among other trials than the plan's is an older plan's.
        let chosen = files.selection()?.is_some_and(|selection| {
            let trials = selection.trials.iter().map(|trial| &trial.run);
            selection.winner == run.id && trials.eq(group.trials.iter().map(|run| &run.id))
        });
        let test = if chosen { files.test()? } else { None };
        rows.push(Row {
            group,
            run,
            files,
            fit,
            chosen,
            test,
        });
    }
    Ok(rows)
}

/// The finished runs, of which there must be one.
///
/// # Errors
/// There is none, or a record cannot be read.
pub fn finished(plan: &Plan) -> Result<Vec<Row<'_>>> {
    let rows = gather(plan, &plan.experiment.folder)?;
    if rows.is_empty() {
        let folder = short(&plan.experiment.folder);
        bail!("{folder} has no finished run of this experiment; `dart-exp run` makes them");
    }
    Ok(rows)
}

/// The score that tables show: test, or dev where test is not scored.
pub fn score(row: &Row, on_test: bool) -> Option<f64> {
    match on_test {
        true => row.test.as_ref().map(|test| test.metric),
        false => Some(row.fit.outcome.dev),
    }
}
