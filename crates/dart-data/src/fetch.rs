//! Getting a task's files from their official source: resumable, checked, and never half there.
//!
//! A download goes to `<data_dir>/.downloads/<name>.part` and is renamed or unpacked into its place
//! only when its length and SHA-256 agree. Proxies are taken from the environment as usual
//! (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`); `DART_DATA_MIRROR` replaces the scheme and host of
//! every address.

use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::{Source, Task};
use crate::digest::{hex, sha256};
use crate::download::{Download, Progress, download, fail};
use crate::error::{DataError, Result};
use crate::unpack::{is_archive, unpack};

/// How files are fetched.
#[derive(Debug, Clone, Default)]
pub struct FetchOptions {
    /// Replaces scheme and host of every address.
    pub mirror: Option<String>,
}

impl FetchOptions {
    /// The mirror that `DART_DATA_MIRROR` names, if it is set and not empty.
    pub fn from_env() -> Self {
        let mirror = std::env::var("DART_DATA_MIRROR")
            .ok()
            .filter(|mirror| !mirror.is_empty());
        FetchOptions { mirror }
    }
}

/// What a user should know before fetching a task: where it comes from, on which terms, whom to
/// cite.
pub fn notice(task: &Task) -> String {
    let mut text = format!(
        "{}: licence: {}\ncite: {}",
        task.title, task.licence, task.citation
    );
    if !task.home.is_empty() {
        text.push_str(&format!("\nhome: {}", task.home));
    }
    for source in &task.sources {
        text.push_str(&format!("\nfrom: {}", source.url));
    }
    text
}

/// Fetches the files of a task into `data_dir`; what is complete stays. Returns the files or
/// folders that are now there.
///
/// # Errors
/// A task without a known source, a server that does not answer or sends something else, a folder
/// that cannot be written. What was received is kept for the next call, unless it is wrong.
pub fn fetch(
    task: &Task,
    data_dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PathBuf>> {
    if task.sources.is_empty() {
        let how = match (task.get.as_str(), task.home.as_str()) {
            ("", "") => "ask its authors".to_owned(),
            ("", home) => format!("get it from {home}"),
            (get, _) => get.to_owned(),
        };
        return Err(DataError::NoSource {
            task: task.name.clone(),
            remedy: format!("{how} (licence: {})", task.licence),
        });
    }
    task.sources
        .iter()
        .map(|source| fetch_one(task, source, data_dir, options, progress))
        .collect()
}

fn fetch_one(
    task: &Task,
    source: &Source,
    data_dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let url = address(&source.url, options);
    let name = file_name(&source.url);
    let place = data_dir.join(&source.to);
    let downloads = data_dir.join(".downloads");
    let stamp = downloads.join(format!("{name}.done"));
    let recipe = format!("{source:?}");
    let stamped = fs::read_to_string(&stamp).is_ok_and(|done| done == recipe);
    if stamped && place.exists() {
        return Ok(place);
    }
    fs::create_dir_all(&downloads).map_err(|error| DataError::io(&downloads, error))?;
    let part = downloads.join(format!("{name}.part"));
    let by_hand = match task.home.as_str() {
        "" => "it is no longer there; get the data by hand".to_owned(),
        home => format!("it is no longer there; get the data by hand from {home}"),
    };
    let wanted = Download {
        url: &url,
        name: &name,
        token: None,
        bytes: source.bytes,
        // Without a checksum nothing would tell that the file changed between two calls.
        resumes: source.sha256.is_some(),
        absent: &by_hand,
    };
    download(&wanted, &part, progress)?;
    if let Some(expected) = &source.sha256 {
        let found = sha256(&part).map_err(|error| DataError::io(&part, error))?;
        let found = hex(&found);
        if !found.eq_ignore_ascii_case(expected) {
            remove(&part)?;
            let message = format!("SHA-256 is {found}, expected {expected}");
            return Err(fail(
                &url,
                message,
                "it was removed; try again, or report the change",
            ));
        }
    }
    if is_archive(&name) {
        unpack(&part, &name, &place, &source.members)?;
        remove(&part)?;
    } else {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| DataError::io(folder, error))?;
        }
        fs::rename(&part, &place).map_err(|error| DataError::io(&place, error))?;
    }
    fs::write(&stamp, recipe).map_err(|error| DataError::io(&stamp, error))?;
    Ok(place)
}

/// The address on the mirror, where there is one.
fn address(url: &str, options: &FetchOptions) -> String {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'));
    match (&options.mirror, path) {
        (Some(mirror), Some((_, path))) => format!("{}/{path}", mirror.trim_end_matches('/')),
        _ => url.to_owned(),
    }
}

fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or("download")
        .to_owned()
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| DataError::io(path, error))
}
