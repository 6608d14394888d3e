//! A child process: one stage of a run.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

use crate::run::resources;
use crate::run::signals::Stop;
use crate::store::job::{Event, Job};
use crate::terminal::paths::short;

/// The GPUs that a process sees.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// How a child ended.
pub enum End {
    /// With its job done.
    Done,
    /// As it was told to.
    Stopped,
    /// Saying why.
    Failed(String),
}

/// How one try of a child ended.
pub enum Attempt {
    /// It ended by itself.
    Ended(End),
    /// Its process did not say why.
    Died(String),
}

/// What a child is called with.
pub struct Call<'a> {
    /// This program.
    pub program: &'a Path,
    /// What is to be done.
    pub job: &'a Job,
    /// Threads that it computes with.
    pub threads: usize,
    /// The GPU that it sees alone, where one is given.
    pub gpu: Option<usize>,
}

impl Call<'_> {
    /// Runs the child; `advance` hears of its steps.
    ///
    /// # Errors
    /// It cannot be started, or the run's folder cannot be written.
    pub fn attempt(&self, stop: &Stop, advance: impl Fn(usize)) -> Result<Attempt> {
        let job = self.job;
        let folder = &job.files.folder;
        std::fs::create_dir_all(folder).with_context(|| short(folder))?;
        job.files.write("run.json", job)?;
        let log = job.files.log();
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| short(&log))?;
        let mut command = Command::new(self.program);
        if let Some(gpu) = self.gpu {
            let outer = std::env::var(VISIBLE).ok();
            command.env(VISIBLE, resources::visible(gpu, outer.as_deref()));
        }
        let mut child = command
            .arg("worker")
            .env("OMP_NUM_THREADS", self.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.program.display()))?;
        let mut line = serde_json::to_string(job).context("encoding a job")?;
        line.push('\n');
        if let Some(mut input) = child.stdin.take() {
            // A child that died at once shows in its exit status.
            let _ = input.write_all(line.as_bytes());
            stop.keep(child.id(), input);
        }
        let (mut error, mut told_to_stop) = (None, false);
        for line in child
            .stdout
            .take()
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufRead::lines)
        {
            match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
                Some(Event::Step { step } | Event::Evaluation { step, .. }) => {
                    advance(step);
                }
                Some(Event::Stopped) => told_to_stop = true,
                Some(Event::Error { message }) => error = Some(message),
                None => {}
            }
        }
        let status = child.wait().context("waiting for a run")?;
        stop.ended(child.id());
        Ok(match error {
            _ if status.success() => Attempt::Ended(End::Done),
            Some(message) => Attempt::Ended(End::Failed(message)),
            None if told_to_stop && stop.stopped() => Attempt::Ended(End::Stopped),
            None => Attempt::Died(death(status)),
        })
    }
}

/// How a process that did not say why ended.
fn death(status: ExitStatus) -> String {
    let hint = match status.signal() {
        // The kernel's way to end what takes too much memory.
        Some(9) => ", perhaps for lack of memory",
        _ => "",
    };
    format!("its process ended with {status}{hint}")
}

/// The last lines of a log, on one line.
pub fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    match lines.len() {
        0 => "empty".to_owned(),
        n => lines[n.saturating_sub(3)..].join(" | "),
    }
}
