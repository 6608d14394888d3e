//! Folders that one process alone writes.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::terminal::paths::short;

/// Keeps a results folder to this process for as long as the file is open.
///
/// # Errors
/// Another process has it, or it cannot be written.
pub fn results(folder: &Path) -> Result<File> {
    let remedy = || unwritable(folder);
    let path = folder.join(".lock");
    let mut lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(remedy)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let (mut owner, shown) = (String::new(), short(folder));
            let _ = lock.read_to_string(&mut owner);
            bail!(
                "results folder {shown}: in use by another dart-exp (process {}); wait for it, \
                 or choose another folder with --results DIR",
                owner.trim()
            );
        }
        Err(TryLockError::Error(error)) => return Err(anyhow!(error)).with_context(remedy),
    }
    lock.set_len(0).with_context(remedy)?;
    lock.rewind().with_context(remedy)?;
    writeln!(lock, "{}", std::process::id()).with_context(remedy)?;
    Ok(lock)
}

/// Waits until no other process works in the run's folder: an earlier parent that was killed may
/// have left a child that is still saving.
pub fn run(folder: &Path) -> Result<File> {
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

pub fn unwritable(folder: &Path) -> String {
    let shown = short(folder);
    format!("results folder {shown}: cannot be written; choose another with --results DIR")
}
