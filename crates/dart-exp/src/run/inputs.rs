//! What a job is about: its task, its data and what identifies the run.

use std::path::Path;

use anyhow::{Result, bail};
use dart_core::train::{RunSpec, Source};
use dart_data::{Example, SplitRequest, Splits, Task};

use crate::experiment::tasks::catalog;
use crate::store::job::Job;
use crate::terminal::failure::Usage;

/// The run's task.
pub fn task(job: &Job) -> Result<Task> {
    let catalog = catalog(&job.data.catalogs)?;
    Ok(match &job.data.own_task {
        Some(entry) => entry.task(&catalog).map_err(Usage)?,
        None => catalog.task(&job.data.task)?.clone(),
    })
}

/// The task and its split, which must be what the run was planned with.
pub fn data(job: &Job) -> Result<(Task, Splits)> {
    let task = task(job)?;
    let request = SplitRequest {
        strict: job.data.strict,
        ..SplitRequest::new(&job.data.data_dir, job.data.k, job.data.seed)
    };
    let splits = dart_data::load(&task, &request)?;
    if splits.fingerprint != job.data.fingerprint {
        bail!(
            "the data of {} changed since the run was planned; start again",
            task.name
        );
    }
    Ok((task, splits))
}

/// What identifies the run but its data.
pub fn spec<'a>(job: &'a Job, task: &'a Task) -> RunSpec<'a> {
    RunSpec {
        model: &job.model,
        method: &job.method,
        settings: &job.settings,
        task,
        seed: job.data.seed,
        demonstrations: None,
    }
}

/// [`spec`] with demonstrations from `train`.
pub fn with_source<'a>(job: &'a Job, task: &'a Task, train: &'a [Example]) -> RunSpec<'a> {
    let encoder = job.encoder.as_deref().unwrap_or(Path::new(""));
    RunSpec {
        demonstrations: Some(Source { train, encoder }),
        ..spec(job, task)
    }
}
