//! The child process: one run's training, or the scoring of its test rows.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use dart_core::CoreError;
use dart_core::label_map::keep_rows;
use dart_core::learned::learned;
use dart_core::method::{LabelKind, Method};
use dart_core::train::{
    Control, EvalReport, Observer, RunSpec, Scores, Source, StepReport, fit, score,
};
use dart_data::{Example, SplitRequest, Splits, Task, cap_test};

use crate::experiment::catalog;
use crate::failure::{Interrupted, Usage, one_line};
use crate::job::{Event, Job, Stage};
use crate::store::{FitRecord, ORACLE, TestRecord, read_json, write_json};
use crate::tensorboard::EventWriter;
use crate::{hparams, predictions, projector, signals};

/// Whether the run is to end after this step.
static STOP: AtomicBool = AtomicBool::new(false);

/// Words of the vocabulary that the projector shows around each learned row.
const NEAR_WORDS: usize = 10;

/// Least time between two steps that the parent hears of.
const STEP_PAUSE: Duration = Duration::from_millis(200);

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
    let _lock = lock(&job.files.folder)?;
    match job.stage {
        Stage::Fit => train(job),
        Stage::Score => score_test(job),
        Stage::Oracle => score_as_oracle(job),
    }
}

/// Waits until no other process works in the run's folder: an earlier parent that was killed may
/// have left a child that is still saving.
pub fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let shown = || path.display().to_string();
    let mut lock = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .with_context(shown)?;
    lock.lock().with_context(shown)?;
    lock.set_len(0)
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .with_context(shown)?;
    Ok(lock)
}

/// Tells the parent; a parent that is gone does not matter here.
fn tell(event: &Event) {
    if let Ok(line) = serde_json::to_string(event) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

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
fn with_source<'a>(job: &'a Job, task: &'a Task, train: &'a [Example]) -> RunSpec<'a> {
    let encoder = job.encoder.as_deref().unwrap_or(Path::new(""));
    RunSpec {
        demonstrations: Some(Source { train, encoder }),
        ..spec(job, task)
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
    if matches!(&job.method, Method::Prompt(method) if method.labels == LabelKind::Pseudo) {
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
        calibration_error: Some(scores.calibration_error),
        loss: scores.loss,
        rows: rows.len(),
        truncated: Some(scores.truncated),
        seconds: started.elapsed().as_secs_f64(),
        peak_mib: peak_mib(),
    };
    Ok((scores, record))
}

/// Writes curves, tells the parent, and hears whether to stop.
struct Watch<'a> {
    job: &'a Job,
    events: Option<EventWriter>,
    clock: Clock,
    told: Instant,
    saved: Instant,
    /// What went wrong in writing; ends the run.
    error: Option<anyhow::Error>,
}

impl<'a> Watch<'a> {
    fn new(job: &'a Job) -> Result<Self> {
        let now = Instant::now();
        let clock = Clock::new(&job.files.folder)?;
        Ok(Watch {
            job,
            events: None,
            clock,
            told: now,
            saved: now,
            error: None,
        })
    }

    /// The curves; the first point tells from which step the run goes on.
    fn events(&mut self, done_before: usize) -> Result<&mut EventWriter> {
        let writer = match self.events.take() {
            Some(writer) => writer,
            None => {
                let folder = &self.job.files.folder;
                let mut writer = match done_before {
                    0 => EventWriter::create(folder)?,
                    _ => EventWriter::resume(folder, done_before)?,
                };
                hparams::start(&mut writer, &self.job.hparams)?;
                writer
            }
        };
        Ok(self.events.insert(writer))
    }

    fn flush(&mut self) -> Result<()> {
        self.events.as_mut().map_or(Ok(()), EventWriter::flush)
    }

    /// Marks the run's end in its curves.
    fn end(&mut self) -> Result<()> {
        self.events.as_mut().map_or(Ok(()), hparams::end)?;
        self.flush()
    }

    fn answer(&mut self, written: Result<()>) -> Control {
        if let Err(error) = written {
            self.error = Some(error);
        }
        match self.error.is_some() || STOP.load(Ordering::Relaxed) {
            true => Control::Stop,
            false => Control::Continue,
        }
    }

    fn write_step(&mut self, report: &StepReport) -> Result<()> {
        let events = self.events(report.step - 1)?;
        events.scalar("loss/class", report.step, report.class_loss)?;
        if let Some(fluency) = report.fluency_loss {
            events.scalar("loss/fluency", report.step, fluency)?;
        }
        events.scalar("learning_rate", report.step, report.learning_rate)?;
        events.scalar("gradient_norm", report.step, report.gradient_norm)
    }

    fn write_evaluation(&mut self, report: &EvalReport) -> Result<()> {
        let events = self.events(report.step)?;
        events.scalar("dev/metric", report.step, report.dev)?;
        events.scalar("dev/loss", report.step, report.dev_loss)?;
        // The state may be saved after this: what lies before it must be on its way to disk.
        events.flush()
    }
}

impl Observer for Watch<'_> {
    fn step(&mut self, report: &StepReport) -> Control {
        let written = self.write_step(report);
        let answer = self.answer(written);
        if answer == Control::Stop {
            let flushed = self.flush();
            return self.answer(flushed);
        }
        if self.told.elapsed() >= STEP_PAUSE {
            self.told = Instant::now();
            tell(&Event::Step { step: report.step });
        }
        answer
    }

    fn evaluation(&mut self, report: &EvalReport) -> Control {
        let written = self.write_evaluation(report);
        tell(&Event::Evaluation {
            step: report.step,
            dev: report.dev,
        });
        self.answer(written)
    }

    fn save_due(&mut self) -> bool {
        if self.saved.elapsed() < Duration::from_secs(self.job.save_seconds) {
            return false;
        }
        self.saved = Instant::now();
        if let Err(error) = self.clock.save() {
            self.error = Some(error);
        }
        true
    }
}

/// A run's wall time and memory over all its sittings.
struct Clock {
    path: PathBuf,
    seconds_before: f64,
    peak_before: f64,
    started: Instant,
}

impl Clock {
    fn new(folder: &Path) -> Result<Self> {
        let path = folder.join("clock.json");
        let (seconds_before, peak_before) = read_json(&path)?.unwrap_or((0.0, 0.0));
        Ok(Clock {
            path,
            seconds_before,
            peak_before,
            started: Instant::now(),
        })
    }

    /// Seconds and MiB.
    fn read(&self) -> (f64, f64) {
        let seconds = self.seconds_before + self.started.elapsed().as_secs_f64();
        (seconds, self.peak_before.max(peak_mib()))
    }

    fn save(&self) -> Result<()> {
        write_json(&self.path, &self.read())
    }
}

/// Largest resident memory of this process in MiB; 0 where the system does not tell.
pub fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
