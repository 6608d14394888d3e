//! Files that are either complete or not there, and their sums.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use dart_data::digest;

use crate::error::{CoreError, Result};

/// Writes `bytes` to a temporary neighbour of `path`, flushes it to disk and renames it into place,
/// so that a run killed at any moment leaves the old file or the new one.
///
/// # Errors
/// The folder cannot be written or the disk is full; the temporary file is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    fill_atomically(path, |file| file.write_all(bytes))
}

/// [`write_atomically`] of what `fill` writes, so that a large file never stands in memory whole.
///
/// # Errors
/// As there, and those of `fill`.
pub fn fill_atomically(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary).and_then(|mut file| {
        fill(&mut file)?;
        file.sync_all()
    });
    written
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|e| {
            let _ = std::fs::remove_file(&temporary);
            CoreError::io(path, e)
        })
}

/// The SHA-256 of a file.
///
/// # Errors
/// It cannot be read.
pub fn sha256(path: &Path) -> Result<[u8; 32]> {
    digest::sha256(path).map_err(|e| CoreError::io(path, e))
}
