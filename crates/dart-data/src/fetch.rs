//! Getting a task's files from their official source: resumable, checked, and never half there.
//!
//! A download goes to `<data_dir>/.downloads/<name>.part` and is renamed or unpacked into its place
//! only when its length and SHA-256 agree. Proxies are taken from the environment as usual
//! (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`); `DART_DATA_MIRROR` replaces the scheme and host of
//! every address.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::catalog::{Source, Task};
use crate::error::{self, DataError, Result};
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

/// How far a file is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes that are here.
    pub done: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
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
        return Err(DataError::Missing(format!(
            "{} cannot be fetched by the program; {how} (licence: {})",
            task.name, task.licence
        )));
    }
    task.sources
        .iter()
        .map(|source| fetch_one(source, data_dir, options, progress))
        .collect()
}

fn fetch_one(
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
    download(&url, &name, &part, source, progress)?;
    if let Some(expected) = &source.sha256 {
        let found = sha256(&part)?;
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

/// How often a transfer that breaks off is taken up again.
const TRIES: usize = 3;

fn download(
    url: &str,
    name: &str,
    part: &Path,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut broken = String::new();
    for _ in 0..TRIES {
        match transfer(url, name, part, source, progress)? {
            Outcome::Complete => return Ok(()),
            Outcome::Broken(message) => broken = message,
        }
    }
    Err(fail(
        url,
        broken,
        "run the command again: it goes on where it stopped",
    ))
}

enum Outcome {
    Complete,
    Broken(String),
}

fn transfer(
    url: &str,
    name: &str,
    part: &Path,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome> {
    // Without a checksum nothing would tell that the file changed between two calls.
    let mut done = match fs::metadata(part) {
        Ok(meta) if source.sha256.is_some() => meta.len(),
        _ => 0,
    };
    if source.bytes == Some(done) {
        return Ok(Outcome::Complete);
    }
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)));
    if ["http://127.0.0.1", "http://localhost"]
        .iter()
        .any(|here| url.starts_with(here))
    {
        config = config.proxy(None); // this machine is never reached through a proxy
    }
    let agent: ureq::Agent = config.build().into();
    let mut request = agent.get(url).header("Accept-Encoding", "identity");
    if done > 0 {
        request = request.header("Range", format!("bytes={done}-"));
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error) => {
            let remedy = "check the network, and HTTPS_PROXY where you are behind a proxy";
            return Err(fail(url, error.to_string(), remedy));
        }
    };
    match response.status().as_u16() {
        206 => {}
        200 => done = 0,
        416 => {
            remove(part)?;
            return Ok(Outcome::Broken(
                "the server cannot go on from here".to_owned(),
            ));
        }
        404 | 410 => {
            let remedy = "it is no longer there; get the data by hand (`data list` names its home)";
            return Err(fail(
                url,
                "the server says 404, not found".to_owned(),
                remedy,
            ));
        }
        code => {
            return Err(fail(
                url,
                format!("the server says {code}"),
                "try again later",
            ));
        }
    }
    let length = response
        .headers()
        .get("content-length")
        .and_then(|v| v.to_str().ok());
    let total = length
        .and_then(|v| v.parse::<u64>().ok())
        .map(|rest| done + rest);
    let mut file = open_part(part, done)?;
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(Progress {
            file: name,
            done,
            total: total.or(source.bytes),
        });
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return Ok(Outcome::Broken(cut(done, total, &error.to_string()))),
        };
        file.write_all(&buffer[..read])
            .map_err(|error| DataError::io(part, error))?;
        done += read as u64;
    }
    file.sync_all()
        .map_err(|error| DataError::io(part, error))?;
    if total.or(source.bytes).is_some_and(|total| total != done) {
        return Ok(Outcome::Broken(cut(
            done,
            total.or(source.bytes),
            "the connection closed",
        )));
    }
    Ok(Outcome::Complete)
}

fn cut(done: u64, total: Option<u64>, why: &str) -> String {
    match total {
        Some(total) => format!("broke off after {done} of {total} bytes ({why})"),
        None => format!("broke off after {done} bytes ({why})"),
    }
}

fn open_part(part: &Path, done: u64) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true);
    if done > 0 {
        options.append(true)
    } else {
        options.write(true).truncate(true)
    };
    options
        .open(part)
        .map_err(|error| DataError::io(part, error))
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| DataError::io(path, error))
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = error::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(|error| DataError::io(path, error))?;
        if read == 0 {
            return Ok(hasher
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect());
        }
        hasher.update(&buffer[..read]);
    }
}

fn fail(url: &str, message: String, remedy: &str) -> DataError {
    DataError::Fetch {
        url: url.to_owned(),
        message,
        remedy: remedy.to_owned(),
    }
}
