//! A run's wall time and memory over all its sittings.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use crate::store::record::{read_json, write_json};

/// A run's wall time and memory over all its sittings.
pub struct Clock {
    path: PathBuf,
    seconds_before: f64,
    peak_before: f64,
    started: Instant,
}

impl Clock {
    pub fn new(folder: &Path) -> Result<Self> {
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
    pub fn read(&self) -> (f64, f64) {
        let seconds = self.seconds_before + self.started.elapsed().as_secs_f64();
        (seconds, self.peak_before.max(peak_mib()))
    }

    pub fn save(&self) -> Result<()> {
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
