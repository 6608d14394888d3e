//! One file of a model into the cache.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use dart_core::files::{hex, sha256};
use hf_hub::CacheRepo;
use hf_hub::api::sync::{ApiError, ApiRepo};
use indicatif::ProgressBar;

use super::Listed;
use crate::progress::download_bar;

/// The file, checked by its length and, where the hub tells it, its SHA-256.
pub(super) fn get(repo: &ApiRepo, cached: &CacheRepo, file: &Listed) -> Result<PathBuf> {
    let name = &file.rfilename;
    let path = match cached.get(name) {
        Some(path) => path,
        None => {
            drop_spent(cached, file);
            download(repo, name)?
        }
    };
    let check = || -> Result<bool> {
        let read = path.metadata().with_context(|| path.display().to_string());
        let length = read?.len();
        let same = file.size.is_none_or(|size| size == length);
        Ok(match &file.lfs {
            Some(lfs) if same => hex(&sha256(&path)?).eq_ignore_ascii_case(&lfs.sha256),
            _ => same,
        })
    };
    if check()? {
        return Ok(path);
    }
    let blob = path.canonicalize().unwrap_or_else(|_| path.clone());
    for damaged in [&path, &blob] {
        let _ = std::fs::remove_file(damaged);
    }
    bail!("did not arrive as the hub describes it; it was removed: try again")
}

/// Removes what an interrupted call received of a file if nothing is left to ask for: servers refuse
/// to send no bytes.
fn drop_spent(cached: &CacheRepo, file: &Listed) {
    let stored = file
        .lfs
        .as_ref()
        .map(|lfs| &lfs.sha256)
        .or(file.blob.as_ref());
    if let (Some(name), Some(size)) = (stored, file.size) {
        let part = cached.blob_path(name).with_extension("part");
        if part.metadata().is_ok_and(|part| part.len() >= size) {
            let _ = std::fs::remove_file(part);
        }
    }
}

fn download(repo: &ApiRepo, name: &str) -> Result<PathBuf> {
    let bar = Bar(download_bar()?);
    let path = repo.download_with_progress(name, bar).map_err(|error| {
        let remedy = match error {
            ApiError::LockAcquisition(_) => "another program is fetching it: wait until it is done",
            _ => "the same command goes on where it stopped",
        };
        anyhow!("{error}; {remedy}")
    })?;
    Ok(path)
}

/// The progress of a file.
struct Bar(ProgressBar);

impl hf_hub::api::Progress for Bar {
    fn init(&mut self, size: usize, name: &str) {
        self.0.set_message(name.to_owned());
        self.0.set_length(size as u64);
        self.0.set_position(0);
    }

    fn update(&mut self, size: usize) {
        self.0.inc(size as u64);
    }

    fn finish(&mut self) {
        self.0.finish_and_clear();
    }
}
