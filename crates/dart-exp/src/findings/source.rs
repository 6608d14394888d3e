//! Where the finished runs of an experiment are told of: in their folders, or in `runs.csv` alone.

use anyhow::{Result, bail};

use crate::experiment::definition::Experiment;
use crate::findings::rows::{Row, gather};
use crate::findings::runs_csv::{self, Recorded};
use crate::plan::outline::Outline;
use crate::plan::runs::Plan;
use crate::store::folder::has_runs;
use crate::terminal::paths::short;

/// One of the two.
pub enum Source {
    /// Run folders, which are those of the plan.
    Folders(Box<Plan>),
    /// The file, which needs neither data nor models.
    File(Box<Experiment>, Vec<Recorded>),
}

impl Source {
    /// The run folders where there is one, else the file.
    ///
    /// # Errors
    /// Data or models that a plan needs are missing, or the file cannot be read.
    pub fn find(mut experiment: Experiment) -> Result<Self> {
        let file = experiment.folder.join("runs.csv");
        if has_runs(&experiment.folder)? || !file.is_file() {
            return Ok(Source::Folders(Box::new(Plan::new(experiment)?)));
        }
        let rows = runs_csv::read(&file)?;
        runs_csv::leave_out(&mut experiment, &rows);
        Ok(Source::File(Box::new(experiment), rows))
    }

    /// The experiment's runs.
    ///
    /// # Errors
    /// A setting that cannot work, named.
    pub fn outline(&self) -> Result<Outline<'_>> {
        match self {
            Source::Folders(plan) => Ok(plan.outline()),
            Source::File(experiment, rows) => runs_csv::outline(experiment, rows),
        }
    }

    /// The finished runs, of which there must be one.
    ///
    /// # Errors
    /// There is none, or a record cannot be read.
    pub fn rows<'a>(&self, outline: &'a Outline) -> Result<Vec<Row<'a>>> {
        let folder = &outline.experiment.folder;
        let rows = match self {
            Source::Folders(_) => gather(outline, folder)?,
            Source::File(_, rows) => runs_csv::rows(outline, rows),
        };
        if rows.is_empty() {
            let folder = short(folder);
            bail!("{folder} has no finished run of this experiment; `dart-exp run` makes them");
        }
        Ok(rows)
    }
}
