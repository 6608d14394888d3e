//! The one owner of what a sweep shows on standard error: a bar on a terminal, else a line for
//! each run that ends; nothing but warnings and failures when quiet.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::terminal::units::duration;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Sentences.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// What is shown, from any thread.
pub struct Progress {
    quiet: bool,
    format: LogFormat,
    state: Mutex<State>,
    bar: ProgressBar,
}

struct State {
    started: Instant,
    /// Cost of all that is to be done in this sitting, and of what is done.
    total: f64,
    done: f64,
    /// Cost done so far of each run that is under way.
    under_way: HashMap<String, f64>,
    runs: usize,
    runs_done: usize,
    best: Option<(f64, String)>,
}

impl Progress {
    /// A display of `runs` runs, `runs_done` of which had finished before, with `total` cost left.
    pub fn new(quiet: bool, format: LogFormat, runs: usize, runs_done: usize, total: f64) -> Self {
        let bar = match quiet || format == LogFormat::Json {
            true => ProgressBar::hidden(),
            // Hidden by itself where standard error is not a terminal.
            false => ProgressBar::new(1000),
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let state = State {
            started: Instant::now(),
            total: total.max(1.0),
            done: 0.0,
            under_way: HashMap::new(),
            runs,
            runs_done,
            best: None,
        };
        Progress {
            quiet,
            format,
            state: Mutex::new(state),
            bar,
        }
    }

    /// A run has done this much.
    pub fn advance(&self, run: &str, cost: f64) {
        let mut state = self.state();
        state.under_way.insert(run.to_owned(), cost);
        self.draw(&state);
    }

    /// A dev score was seen.
    pub fn dev(&self, name: &str, dev: f64) {
        let mut state = self.state();
        if state.best.as_ref().is_none_or(|(best, _)| dev > *best) {
            state.best = Some((dev, name.to_owned()));
        }
    }

    /// A part of a run (its training, or its test) has ended, with this cost.
    pub fn part_done(&self, run: &str, cost: f64) {
        let mut state = self.state();
        state.under_way.remove(run);
        state.done += cost;
        self.draw(&state);
    }

    /// A run is finished, with a text and the same as data.
    pub fn run_done(&self, name: &str, text: &str, data: Value) {
        let mut state = self.state();
        state.runs_done += 1;
        let count = format!("[{}/{}]", state.runs_done, state.runs);
        let left = state
            .left()
            .map_or(String::new(), |left| format!("; {left} left"));
        self.draw(&state);
        let data = json!({"run": name, "done": state.runs_done, "of": state.runs, "result": data});
        drop(state);
        if self.bar.is_hidden() && !self.quiet {
            self.line("run", &format!("{count} {name}: {text}{left}"), data);
        }
    }

    /// Something worth a line that is no failure.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line("note", text, Value::Null);
        }
    }

    /// A failure; shown even when quiet.
    pub fn failure(&self, text: &str) {
        self.line("failure", text, Value::Null);
    }

    /// Takes the display away.
    pub fn close(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, event: &str, text: &str, data: Value) {
        self.bar.suspend(|| say(self.format, event, text, data));
    }

    fn draw(&self, state: &State) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position((1000.0 * state.share()) as u64);
        let mut message = format!("{}/{} runs", state.runs_done, state.runs);
        if let Some(left) = state.left() {
            message += &format!(", {left} left");
        }
        if let Some((dev, name)) = &state.best {
            message += &format!(", best dev {:.1} ({name})", 100.0 * dev);
        }
        self.bar.set_message(message);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Share of this sitting's work that is done.
    fn share(&self) -> f64 {
        ((self.done + self.under_way.values().sum::<f64>()) / self.total).min(1.0)
    }

    /// Time left, once there is something to tell it from.
    fn left(&self) -> Option<String> {
        let (share, elapsed) = (self.share(), self.started.elapsed().as_secs_f64());
        (share > 0.01 && elapsed > 2.0).then(|| duration(elapsed * (1.0 - share) / share))
    }
}

/// A line on standard error; a reader that has gone away is no failure.
pub fn say(format: LogFormat, event: &str, text: &str, data: Value) {
    let line = match format {
        LogFormat::Text => text.to_owned(),
        LogFormat::Json => {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |t| t.as_secs());
            json!({"time": now, "event": event, "message": text, "data": data}).to_string()
        }
    };
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// [`say`] for people.
pub fn remark(text: &str) {
    say(LogFormat::Text, "note", text, Value::Null);
}

/// The bar of a file that is fetched; hidden where standard error is not a terminal.
///
/// # Errors
/// None but of its template.
pub fn download_bar() -> Result<ProgressBar> {
    let bar = ProgressBar::no_length();
    let style = "{msg} {bar:30} {bytes}/{total_bytes} {eta}";
    bar.set_style(ProgressStyle::with_template(style)?);
    Ok(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let texts = [5.2, 89.0, 100.0, 7199.0, 11_100.0].map(duration);
        assert_eq!(texts, ["5 s", "89 s", "2 min", "2 h 00 min", "3 h 05 min"]);
    }
}
