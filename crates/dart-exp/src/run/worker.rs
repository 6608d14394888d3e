//! The child process: one run's training, or the scoring of its test rows.

use std::borrow::Cow;
use std::fs;
use std::io::{BufRead, Read};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use dart_core::CoreError;
use dart_core::label_map::keep_rows;
use dart_core::learned_rows::learned;
use dart_core::method::{LabelRows, Method};
use dart_core::train::{RunSpec, Scores, fit, score};
use dart_data::{Example, cap_test};

use crate::run::clock::peak_mib;
use crate::run::inputs::{data, with_source};
use crate::run::signals;
use crate::run::watch::{STOP, Watch, tell};
use crate::store::job::{Event, Job, Stage};
use crate::store::record::{FitRecord, ORACLE, TestRecord};
use crate::store::tensorboard::EventWriter;
use crate::store::{hparams, lock, predictions, projector};
use crate::terminal::failure::{Interrupted, one_line};

/// Words of the vocabulary that the projector shows around each learned row.
const NEAR_WORDS: usize = 10;

/// Does the job that stands on standard input.
pub fn main() -> Result<()> {
    signals::handle(|| STOP.store(true, Ordering::Relaxed))?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("standard input")?;
    let job: Job = serde_json::from_str(&line)
        .context("`dart-exp worker` is what `dart-exp run` starts; it reads a job as JSON")?;
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().lock().read_to_end(&mut rest);
        STOP.store(true, Ordering::Relaxed);
    });
    match work(&job) {
        Err(error) if error.is::<Interrupted>() => {
            tell(&Event::Stopped);
            Err(error)
        }
        Err(error) => {
            tell(&Event::Error {
                message: one_line(&error),
            });
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

fn work(job: &Job) -> Result<()> {
    fs::create_dir_all(&job.files.folder)
        .with_context(|| job.files.folder.display().to_string())?;
    let _lock = lock::run(&job.files.folder)?;
    match job.stage {
        Stage::Fit => train(job),
        Stage::Score => score_test(job),
        Stage::Oracle => score_as_oracle(job),
    }
}

fn train(job: &Job) -> Result<()> {
    let (task, splits) = data(job)?;
    let files = &job.files;
    let state = files.state();
    fs::create_dir_all(&state).with_context(|| state.display().to_string())?;
    let mut watch = Watch::new(job)?;
    let outcome = fit(
        &with_source(job, &task, &splits.train),
        &splits.train,
        &splits.dev,
        &state,
        &mut watch,
    );
    if let Some(error) = watch.error.take() {
        return Err(error);
    }
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(CoreError::Interrupted) => {
            watch.clock.save()?;
            return Err(Interrupted("stopped".to_owned()).into());
        }
        Err(error) => return Err(error.into()),
    };
    watch.end()?;
    if matches!(&job.method, Method::Prompt(method) if method.labels == LabelRows::PSEUDO) {
        keep_rows(&state.join("best.safetensors"), &files.pseudo())?;
    }
    let (seconds, peak_mib) = watch.clock.read();
    files.write(
        "fit.json",
        &FitRecord {
            outcome,
            seconds,
            peak_mib,
        },
    )
}

fn score_test(job: &Job) -> Result<()> {
    let started = Instant::now();
    let (task, splits) = data(job)?;
    let files = &job.files;
    let fitted = files
        .fit()?
        .ok_or_else(|| anyhow!("the run has no finished fit"))?;
    let spec = with_source(job, &task, &splits.train);
    let (scores, record) = scored(job, &spec, &splits.test, started)?;
    predictions::write(&job.files.predictions, &task.labels, &scores.predictions)?;
    projector::write(&files.folder, &learned(&spec, &files.state(), NEAR_WORDS)?)?;
    // A scoring that was killed half-way may have left its points.
    let mut events = EventWriter::keeping(&job.files.folder, |tag, _| !tag.starts_with("test/"))?;
    hparams::start(&mut events, &job.hparams)?;
    events.scalar("test/metric", fitted.outcome.steps, scores.metric)?;
    events.scalar("test/macro_f1", fitted.outcome.steps, scores.macro_f1)?;
    hparams::end(&mut events)?;
    events.flush()?;
    files.write("test.json", &record)
}

/// The test score of a trial that was not chosen, kept apart from results.
fn score_as_oracle(job: &Job) -> Result<()> {
    let started = Instant::now();
    let (task, splits) = data(job)?;
    let spec = with_source(job, &task, &splits.train);
    let (_, record) = scored(job, &spec, &splits.test, started)?;
    job.files.write(ORACLE, &record)
}

fn scored(
    job: &Job,
    spec: &RunSpec,
    test: &[Example],
    started: Instant,
) -> Result<(Scores, TestRecord)> {
    let rows = match job.data.test_rows {
        Some(limit) => Cow::Owned(cap_test(test, limit, job.data.test_seed)),
        None => Cow::Borrowed(test),
    };
    let scores = score(spec, &rows, &job.files.state())?;
    let record = TestRecord {
        metric: scores.metric,
        macro_f1: scores.macro_f1,
        directed_f1: scores.directed_f1,
        calibration_error: scores.calibration_error,
        loss: scores.loss,
        rows: rows.len(),
        truncated: scores.truncated,
        seconds: started.elapsed().as_secs_f64(),
        peak_mib: peak_mib(),
    };
    Ok((scores, record))
}
