//! What a child tells while it trains: curves, events for the parent; and whether it is to stop.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use dart_core::train::{Control, EvalReport, Observer, StepReport};

use crate::run::clock::Clock;
use crate::store::hparams;
use crate::store::job::{Event, Job};
use crate::store::tensorboard::EventWriter;

/// Whether the run is to end after this step.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// Least time between two steps that the parent hears of.
const STEP_PAUSE: Duration = Duration::from_millis(200);

/// Tells the parent; a parent that is gone does not matter here.
pub fn tell(event: &Event) {
    if let Ok(line) = serde_json::to_string(event) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// Writes curves, tells the parent, and hears whether to stop.
pub struct Watch<'a> {
    job: &'a Job,
    events: Option<EventWriter>,
    /// Its wall time and memory.
    pub clock: Clock,
    told: Instant,
    saved: Instant,
    /// What went wrong in writing; ends the run.
    pub error: Option<anyhow::Error>,
}

impl<'a> Watch<'a> {
    pub fn new(job: &'a Job) -> Result<Self> {
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
    pub fn end(&mut self) -> Result<()> {
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
        if let Some(rate) = report.embedding_learning_rate {
            events.scalar("learning_rate_embeddings", report.step, rate)?;
        }
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
