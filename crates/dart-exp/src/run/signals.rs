//! Ctrl-C and termination: the first closes every child's input, so that they finish their step
//! and save; the second ends at once.

use std::collections::HashMap;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

/// Calls `handler` at SIGINT, SIGTERM and SIGHUP; the last stays ignored where it is, as under
/// nohup.
///
/// # Errors
/// The system refuses, or there is a handler already.
pub fn handle(handler: impl FnMut() + Send + 'static) -> Result<()> {
    // SAFETY: both calls only read or set how this process takes one signal.
    let before = unsafe {
        let mut before = std::mem::zeroed::<libc::sigaction>();
        libc::sigaction(libc::SIGHUP, std::ptr::null(), &mut before);
        before
    };
    ctrlc::set_handler(handler).context("signal handler")?;
    if before.sa_sigaction == libc::SIG_IGN {
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
    }
    Ok(())
}

/// Whether to stop, and what tells the children.
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stopped: AtomicBool,
    inputs: Mutex<HashMap<u32, ChildStdin>>,
}

impl Stop {
    /// Listens to SIGINT, SIGTERM and, unless it is ignored, SIGHUP.
    pub fn listen(note: impl Fn() + Send + 'static) -> Result<Self> {
        let stop = Stop::default();
        let heard = stop.clone();
        handle(move || {
            if heard.0.stopped.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            heard.inputs().clear();
            note();
        })?;
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
