//! A server that stands for the hub.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest, Sha256};

use crate::support::{Ended, Lab};

pub const GOLDENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dart-core/tests/goldens");
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const TOKEN: &str = "hf_secret";
pub const TEXT: &str = "a [MASK] movie";

/// What the server has and what it was asked.
#[derive(Default)]
pub struct State {
    pub address: String,
    /// Files of each model, by name.
    pub models: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Models that are shown to those with the token only.
    pub private: Vec<String>,
    /// How many bytes it sends of each of the next bodies; all where there is no number.
    pub cuts: Vec<usize>,
    /// A byte that large files arrive with at their end.
    pub damage: Option<u8>,
    /// Paths, with the first byte that was asked for.
    pub asked: Vec<(String, Option<usize>)>,
    /// Whether the place of large files, another host, was shown a token.
    pub shown: bool,
}

pub struct Hub {
    pub address: String,
    pub state: Arc<Mutex<State>>,
}

impl Hub {
    /// A hub with the lab's model as `acme/bert`, and a private copy of it.
    pub fn of(lab: &Lab) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Hub {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let state = Arc::clone(&hub.state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), &state);
            }
        });
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(lab.path("models/tiny")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
        files.insert("README.md".to_owned(), b"not read".to_vec());
        let mut state = hub.state();
        state.address.clone_from(&hub.address);
        state.models.insert("acme/bert".to_owned(), files.clone());
        state.models.insert("acme/private".to_owned(), files);
        state.private.push("acme/private".to_owned());
        drop(state);
        hub
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The program, this hub being all that it knows.
    pub fn command(&self, lab: &Lab, args: &[&str]) -> Command {
        let mut command = lab.command(args);
        command
            .env("HF_ENDPOINT", &self.address)
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("HF_HUB_OFFLINE");
        command
    }

    pub fn fill(&self, lab: &Lab, model: &str) -> Ended {
        let args = ["fill-mask", "--json", "--model", model, TEXT];
        Ended::new(self.command(lab, &args).output().unwrap())
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut headers = HashMap::new();
    for line in lines.map_while(Result::ok).take_while(|l| !l.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let from = headers.get("range").map(|range| {
        let range = range.strip_prefix("bytes=").unwrap();
        range.split('-').next().unwrap().parse().unwrap()
    });
    let mut state = state.lock().unwrap();
    state.asked.push((path.clone(), from));
    state.shown |= path.starts_with("/large/") && headers.contains_key("authorization");
    let (status, extra, body) = answer(&state, &path, headers.get("authorization"));
    let total = body.len();
    let rest = match from {
        Some(from) if status.starts_with("200") && from > 0 && from >= total => {
            return stream.write_all(
                b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        Some(from) => body[from.min(total)..].to_vec(),
        None => body,
    };
    let status = match from {
        Some(_) if status.starts_with("200") => "206 Partial Content",
        _ => status,
    };
    let cut = match state.cuts.is_empty() || !path.starts_with("/large/") {
        true => rest.len(),
        false => state.cuts.remove(0).min(rest.len()),
    };
    let at = from.unwrap_or(0);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {at}-{}/{total}\r\n\
         Connection: close\r\n{extra}\r\n",
        rest.len(),
        (at + rest.len()).saturating_sub(1),
    )?;
    stream.write_all(&rest[..cut])
}

pub fn sum(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Status, further headers and body.
fn answer(state: &State, path: &str, token: Option<&String>) -> (&'static str, String, Vec<u8>) {
    let missing = ("404 Not Found", String::new(), Vec::new());
    // A model that was renamed.
    for place in ["/api/models/", "/"] {
        if let Some(rest) = path.strip_prefix(&format!("{place}old-bert/")) {
            let to = format!("Location: {place}acme/bert/{rest}\r\n");
            return ("307 Temporary Redirect", to, Vec::new());
        }
    }
    let large = |name: &str| name.ends_with(".safetensors");
    let opened = token.is_some_and(|token| token == &format!("Bearer {TOKEN}"));
    if let Some(rest) = path.strip_prefix("/api/models/") {
        let (model, revision) = rest.split_once("/revision/").unwrap();
        let revision = revision.strip_suffix("?blobs=true").unwrap();
        let Some(files) = state.models.get(model) else {
            return missing;
        };
        if state.private.iter().any(|name| name == model) && !opened {
            return ("401 Unauthorized", String::new(), Vec::new());
        }
        if !["main", "v1", COMMIT].contains(&revision) {
            return missing;
        }
        let siblings: Vec<_> = files
            .iter()
            .map(|(name, bytes)| {
                let mut file = serde_json::json!({
                    "rfilename": name, "size": bytes.len(), "blobId": format!("{:.40}", sum(bytes)),
                });
                if large(name) {
                    file["lfs"] = serde_json::json!({"sha256": sum(bytes), "size": bytes.len()});
                }
                file
            })
            .collect();
        let body = serde_json::json!({"sha": COMMIT, "siblings": siblings}).to_string();
        return ("200 OK", String::new(), body.into_bytes());
    }
    if let Some(rest) = path.strip_prefix("/large/") {
        let (owner, rest) = rest.split_once('/').unwrap();
        let (model, name) = rest.split_once('/').unwrap();
        let model = &format!("{owner}/{model}");
        let mut body = state.models[model][name].clone();
        if let (Some(byte), Some(last)) = (state.damage, body.last_mut()) {
            *last = byte;
        }
        return ("200 OK", String::new(), body);
    }
    let (model, name) = path[1..]
        .split_once(&format!("/resolve/{COMMIT}/"))
        .unwrap();
    let bytes = &state.models[model][name];
    let commit = format!("X-Repo-Commit: {COMMIT}\r\n");
    match large(name) {
        true => {
            let headers = format!(
                "{commit}X-Linked-Etag: \"{}\"\r\nLocation: {}/large/{model}/{name}\r\n",
                sum(bytes),
                state.address.replace("127.0.0.1", "localhost")
            );
            ("302 Found", headers, Vec::new())
        }
        false => {
            let etag = format!("ETag: \"{:.40}\"\r\n", sum(bytes));
            ("200 OK", commit + &etag, bytes.clone())
        }
    }
}
