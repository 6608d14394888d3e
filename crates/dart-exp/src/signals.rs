//! Ctrl-C and termination: the first closes every child's input, so that they finish their step
//! and save; the second ends at once.

use std::collections::HashMap;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

/// Whether to stop, and what tells the children.
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stopped: AtomicBool,
    inputs: Mutex<HashMap<u32, ChildStdin>>,
}

impl Stop {
    /// Listens to SIGINT, SIGTERM and SIGHUP.
    pub fn listen(note: impl Fn() + Send + 'static) -> Result<Self> {
        let stop = Stop::default();
        let heard = stop.clone();
        ctrlc::set_handler(move || {
            if heard.0.stopped.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            note();
            heard.inputs().clear();
        })
        .context("signal handler")?;
        Ok(stop)
    }

    /// Whether a signal came.
    pub fn stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Keeps a child's input open until it ends or all stop.
    pub fn keep(&self, child: u32, input: ChildStdin) {
        let mut inputs = self.inputs();
        if !self.stopped() {
            inputs.insert(child, input);
        }
    }

    /// Forgets a child that has ended.
    pub fn ended(&self, child: u32) {
        self.inputs().remove(&child);
    }

    fn inputs(&self) -> MutexGuard<'_, HashMap<u32, ChildStdin>> {
        self.0.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
