//! One file of a model into the cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dart_core::files::sha256;
use dart_data::Progress;
use dart_data::digest::hex;
use dart_data::download::{Download, download};
use hf_hub::CacheRepo;

use super::listing::Listed;
use crate::terminal::progress::download_bar;

/// The file, checked by its length and, where the hub tells it, its SHA-256. `snapshot` is the
/// folder of its commit.
pub(super) fn get(
    file: &Listed,
    url: &str,
    token: Option<&str>,
    cached: &CacheRepo,
    snapshot: &Path,
) -> Result<PathBuf> {
    let path = snapshot.join(&file.rfilename);
    let content = file.lfs.as_ref().map(|lfs| &lfs.sha256);
    let content = content
        .or(file.blob.as_ref())
        .context("the hub does not say what it holds")?;
    let blob = cached.blob_path(content);
    if !path.exists() {
        receive(file, url, token, &blob)?;
        let folders = file.rfilename.matches('/').count();
        link(&blob, &path, folders).with_context(|| path.display().to_string())?;
    }
    let length = path
        .metadata()
        .with_context(|| path.display().to_string())?
        .len();
    let same = file.size.is_none_or(|size| size == length);
    let whole = match &file.lfs {
        Some(lfs) if same => hex(&sha256(&path)?).eq_ignore_ascii_case(&lfs.sha256),
        _ => same,
    };
    if whole {
        return Ok(path);
    }
    let blob = path.canonicalize().unwrap_or(blob);
    for damaged in [&path, &blob] {
        let _ = fs::remove_file(damaged);
    }
    bail!("did not arrive as the hub describes it; it was removed: try again")
}

/// Downloads it to `blob`, unless it is there; one program at a time does.
fn receive(file: &Listed, url: &str, token: Option<&str>, blob: &Path) -> Result<()> {
    let shown = || blob.display().to_string();
    let folder = blob.parent().unwrap_or(blob);
    fs::create_dir_all(folder).with_context(shown)?;
    let lock = File::create(blob.with_extension("lock")).with_context(shown)?;
    lock.lock().with_context(shown)?;
    if blob.is_file() {
        return Ok(());
    }
    let part = blob.with_extension("part");
    let wanted = Download {
        url,
        name: &file.rfilename,
        token,
        bytes: file.size,
        resumes: true, // a blob's name tells its content
        absent: "check the name, and for a private or gated model set HF_TOKEN to a token that may \
                 read it",
    };
    let bar = download_bar()?;
    bar.set_message(file.rfilename.clone());
    let received = download(&wanted, &part, &mut |progress: Progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    received?;
    fs::rename(&part, blob).with_context(shown)
}

/// Makes `path`, so many folders below the snapshot's, a relative link to the blob, in place of one
/// that leads nowhere.
fn link(blob: &Path, path: &Path, folders: usize) -> std::io::Result<()> {
    if path.is_symlink() {
        fs::remove_file(path)?;
    }
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let name = blob.file_name().unwrap_or_default();
    // snapshots/COMMIT/NAME, and one up for each folder in NAME.
    let up = "../".repeat(2 + folders);
    std::os::unix::fs::symlink(Path::new(&up).join("blobs").join(name), path)
}
