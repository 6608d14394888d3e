//! One file over HTTP: resumable, and a token for its own host alone.
//!
//! Proxies are taken from the environment as usual (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::RequestBuilder;
use ureq::config::RedirectAuthHeaders;
use ureq::typestate::WithoutBody;

use crate::error::{DataError, Result};

/// A file that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// Its address.
    pub url: &'a str,
    /// Its name, for people.
    pub name: &'a str,
    /// What opens it on the address's own host.
    pub token: Option<&'a str>,
    /// Its length, where known.
    pub bytes: Option<u64>,
    /// Whether a part that is here may be gone on from.
    pub resumes: bool,
    /// What to do where the server does not have it, or not for everybody.
    pub absent: &'a str,
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

/// How often a transfer that breaks off is taken up again.
const TRIES: usize = 3;

/// Where to look when a server does not answer.
pub const CHECK_NETWORK: &str = "check the network, and HTTPS_PROXY where you are behind a proxy";

/// A request whose status is no error. Servers send large files from other hosts: those are not
/// shown the token.
pub fn request(url: &str, token: Option<&str>) -> RequestBuilder<WithoutBody> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .user_agent(concat!("dart-rs/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)));
    if ["http://127.0.0.1", "http://localhost"]
        .iter()
        .any(|here| url.starts_with(here))
    {
        config = config.proxy(None); // this machine is never reached through a proxy
    }
    let agent: ureq::Agent = config.build().into();
    let request = agent.get(url);
    match token {
        Some(token) => request.header("Authorization", format!("Bearer {token}")),
        None => request,
    }
}

/// Receives the file into `part`, going on with what is there.
///
/// # Errors
/// A server that does not answer or breaks off too often, or a file that cannot be written. What
/// was received is kept for the next call.
pub fn download(wanted: &Download, part: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let mut broken = String::new();
    for _ in 0..TRIES {
        match transfer(wanted, part, progress)? {
            Outcome::Complete => return Ok(()),
            Outcome::Broken(message) => broken = message,
        }
    }
    let remedy = "run the command again: it goes on where it stopped";
    Err(fail(wanted.url, broken, remedy))
}

enum Outcome {
    Complete,
    Broken(String),
}

fn transfer(wanted: &Download, part: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Outcome> {
    let mut done = match fs::metadata(part) {
        Ok(meta) if wanted.resumes => meta.len(),
        _ => 0,
    };
    if wanted.bytes == Some(done) && part.is_file() {
        return Ok(Outcome::Complete);
    }
    let mut request = request(wanted.url, wanted.token).header("Accept-Encoding", "identity");
    if done > 0 {
        request = request.header("Range", format!("bytes={done}-"));
    }
    let mut response = request
        .call()
        .map_err(|error| fail(wanted.url, error.to_string(), CHECK_NETWORK))?;
    match response.status().as_u16() {
        206 => {}
        200 => done = 0,
        416 => {
            fs::remove_file(part).map_err(|error| DataError::io(part, error))?;
            let message = "the server cannot go on from here".to_owned();
            return Ok(Outcome::Broken(message));
        }
        code => {
            let (code, remedy) = match code {
                404 | 410 => (format!("{code}, not found"), wanted.absent),
                401 | 403 => (format!("{code}, no access"), wanted.absent),
                code => (code.to_string(), "try again later"),
            };
            return Err(fail(wanted.url, format!("the server says {code}"), remedy));
        }
    }
    let length = response
        .headers()
        .get("content-length")
        .and_then(|v| v.to_str().ok());
    let total = length
        .and_then(|v| v.parse::<u64>().ok())
        .map(|rest| done + rest)
        .or(wanted.bytes);
    let mut file = open_part(part, done)?;
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(Progress {
            file: wanted.name,
            done,
            total,
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
    Ok(match total.is_some_and(|total| total != done) {
        true => Outcome::Broken(cut(done, total, "the connection closed")),
        false => Outcome::Complete,
    })
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

/// What went wrong with an address.
pub(crate) fn fail(url: &str, message: String, remedy: &str) -> DataError {
    DataError::Fetch {
        url: url.to_owned(),
        message,
        remedy: remedy.to_owned(),
    }
}
