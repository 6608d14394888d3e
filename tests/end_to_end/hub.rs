//! Models of the hub, from a server of our own on this machine.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest, Sha256};

use crate::support::{Ended, Lab, read};

const GOLDENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dart-core/tests/goldens");
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_secret";
const TEXT: &str = "a [MASK] movie";

/// What the server has and what it was asked.
#[derive(Default)]
struct State {
    address: String,
    /// Files of each model, by name.
    models: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Models that are shown to those with the token only.
    private: Vec<String>,
    /// How many bytes it sends of each of the next bodies; all where there is no number.
    cuts: Vec<usize>,
    /// A byte that large files arrive with at their end.
    damage: Option<u8>,
    /// Paths, with the first byte that was asked for.
    asked: Vec<(String, Option<usize>)>,
    /// Whether the place of large files, another host, was shown a token.
    shown: bool,
}

struct Hub {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Hub {
    /// A hub with the lab's model as `acme/bert`, and a private copy of it.
    fn of(lab: &Lab) -> Self {
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The program, this hub being all that it knows.
    fn command(&self, lab: &Lab, args: &[&str]) -> Command {
        let mut command = lab.command(args);
        command
            .env("HF_ENDPOINT", &self.address)
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("HF_HUB_OFFLINE");
        command
    }

    fn fill(&self, lab: &Lab, model: &str) -> Ended {
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

fn sum(bytes: &[u8]) -> String {
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

#[test]
fn a_model_is_fetched_once_and_then_needs_no_network() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    let own = lab.run(&["fill-mask", "--json", "--model", "tiny", TEXT]);
    let fetched = hub.fill(&lab, "acme/bert").succeeded();
    assert_eq!(fetched.stdout, own.succeeded().stdout);
    assert!(
        fetched
            .stderr
            .contains("fetching acme/bert (commit 01234567)"),
        "{}",
        fetched.stderr
    );
    let asked = std::mem::take(&mut hub.state().asked);
    assert!(
        !asked.iter().any(|(path, _)| path.contains("README")),
        "{asked:?}"
    );
    // The layout of Hugging Face's own programs.
    let cache = lab.path("hf/hub/models--acme--bert");
    assert_eq!(read(&cache.join("refs/main")), COMMIT);
    let config = cache.join("snapshots").join(COMMIT).join("config.json");
    assert_eq!(read(&config), read(&lab.path("models/tiny/config.json")));
    assert!(config.is_symlink());

    let again = hub.fill(&lab, "acme/bert").succeeded();
    assert_eq!(again.stdout, fetched.stdout);
    // A commit is known by itself.
    hub.fill(&lab, &format!("acme/bert@{COMMIT}")).succeeded();
    assert_eq!(hub.state().asked, []);
    let offline = lab.run(&["fill-mask", "--json", "--model", "acme/bert", TEXT]);
    assert_eq!(offline.succeeded().stdout, fetched.stdout);
}

#[test]
fn an_experiment_fetches_its_model_and_a_plan_does_not() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    let file = "model: acme/bert@v1\ntasks: [movies]\nmethods: [zero-shot]\nk: 4\nseeds: [13]\n";
    lab.write("experiments/hub.yaml", file);
    let call = |command| Ended::new(hub.command(&lab, &[command, "hub"]).output().unwrap());
    let plan = call("plan");
    assert_eq!(plan.code, Some(1));
    assert!(
        plan.stdout.contains("`dart-exp run` fetches acme/bert@v1"),
        "{}",
        plan.stdout
    );
    assert_eq!(hub.state().asked, []);
    call("run").succeeded();
    let runs = read(&lab.path("results/hub/runs.csv"));
    assert!(runs.contains(",zero-shot,bert@v1,4,13,"), "{runs}");
    let offline = lab.run(&["run", "hub"]).succeeded();
    assert!(offline.stderr.contains("1 of them finished before"));
}

#[test]
fn a_sentence_encoder_is_fetched_with_its_layout() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    let mut files = hub.state().models["acme/bert"].clone();
    let layout = Path::new(GOLDENS).join("sentences/bert-dense");
    for name in [
        "modules.json",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
    ] {
        files.insert(name.to_owned(), fs::read(layout.join(name)).unwrap());
    }
    files.insert("onnx/model.safetensors".to_owned(), b"not read".to_vec());
    hub.state().models.insert("acme/labse".to_owned(), files);
    let file = "tasks: [movies]\nmethods: {logistic-regression: {encoder: acme/labse}}\nk: 4\n\
                seeds: [13]\n";
    lab.write("experiments/hub.yaml", file);
    let run = hub.command(&lab, &["run", "hub"]).output().unwrap();
    Ended::new(run).succeeded();
    let asked = hub.state().asked.clone();
    assert!(!asked.iter().any(|(path, _)| path.contains("onnx")));
    let snapshot = lab.path("hf/hub/models--acme--labse/snapshots");
    let dense = snapshot.join(COMMIT).join("2_Dense/model.safetensors");
    assert!(dense.is_symlink());
    let wanted = fs::read(layout.join("2_Dense/model.safetensors")).unwrap();
    assert_eq!(fs::read(dense).unwrap(), wanted);
}

#[test]
fn what_cannot_be_had_is_said_with_a_remedy() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    let refused = |model: &str, parts: &[&str]| {
        let ended = hub.fill(&lab, model);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
        for part in parts {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    };
    refused(
        "acme/none",
        &["models/acme/none", "the hub has no acme/none"],
    );
    refused("acme/bert@v9", &["the hub has no acme/bert@v9"]);
    refused("acme/private", &["acme/private", "HF_TOKEN"]);
    let mut opened = hub.command(&lab, &["fill-mask", "--model", "acme/private", TEXT]);
    let opened = opened.env("HF_TOKEN", TOKEN).output().unwrap();
    Ended::new(opened).succeeded();
    assert!(!hub.state().shown);
    // In the cache it is open.
    hub.fill(&lab, "acme/private").succeeded();

    let mut files = hub.state().models["acme/bert"].clone();
    files.remove("model.safetensors");
    files.insert("pytorch_model.bin".to_owned(), b"pickle".to_vec());
    hub.state().models.insert("acme/pickle".to_owned(), files);
    refused("acme/pickle", &["pytorch_model.bin", "save_pretrained"]);

    let offline = lab.run(&["fill-mask", "--model", "acme/bert", TEXT]);
    assert_eq!(offline.code, Some(1));
    assert!(
        offline.stderr.contains("HF_HUB_OFFLINE"),
        "{}",
        offline.stderr
    );
}

#[test]
fn a_broken_transfer_goes_on_and_a_damaged_file_is_not_kept() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    hub.state().damage = Some(0xAB);
    let damaged = hub.fill(&lab, "acme/bert");
    assert_eq!(damaged.code, Some(1));
    assert!(
        damaged.stderr.contains("model.safetensors: did not arrive"),
        "{}",
        damaged.stderr
    );
    let blobs = lab.path("hf/hub/models--acme--bert/blobs");
    let weights = sum(&hub.state().models["acme/bert"]["model.safetensors"]);
    assert!(!blobs.join(&weights).exists());

    // Cut off in this call and in each of its tries, then taken up by the next.
    hub.state().damage = None;
    hub.state().asked.clear();
    hub.state().cuts = vec![1000, 10, 10, 10, 10];
    let cut = hub.fill(&lab, "acme/bert");
    assert_eq!(cut.code, Some(1));
    assert!(!blobs.join(&weights).exists());
    hub.state().cuts.clear();
    hub.state().asked.clear();
    hub.fill(&lab, "acme/bert").succeeded();
    let asked = hub.state().asked.clone();
    let resumed = |(path, from): &(String, Option<usize>)| {
        path.starts_with("/large/") && from.is_some_and(|from| from >= 1000)
    };
    assert!(asked.iter().any(resumed), "{asked:?}");

    // All was received but not put in its place: servers have nothing left to send.
    let whole = hub.state().models["acme/bert"]["model.safetensors"].clone();
    fs::remove_dir_all(lab.path("hf")).unwrap();
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(&weights).with_extension("part"), &whole).unwrap();
    hub.fill(&lab, "acme/bert").succeeded();

    // Someone made room: the snapshot's links lead nowhere.
    fs::remove_dir_all(&blobs).unwrap();
    hub.fill(&lab, "acme/bert").succeeded();
}

#[test]
fn an_old_name_leads_to_the_new_one() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    let own = lab.run(&["fill-mask", "--json", "--model", "tiny", TEXT]);
    let fetched = hub.fill(&lab, "old-bert").succeeded();
    assert_eq!(fetched.stdout, own.stdout);
    let offline = lab.run(&["fill-mask", "--json", "--model", "old-bert", TEXT]);
    assert_eq!(offline.succeeded().stdout, own.stdout);
}

#[test]
fn weights_may_stand_in_shards() {
    let lab = Lab::new();
    let hub = Hub::of(&lab);
    let mut files = hub.state().models["acme/bert"].clone();
    let weights = files.remove("model.safetensors").unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&weights).unwrap();
    let shard = "model-00001-of-00001.safetensors";
    let map: BTreeMap<_, _> = tensors
        .names()
        .into_iter()
        .map(|name| (name, shard))
        .collect();
    let index = serde_json::json!({"metadata": {}, "weight_map": map}).to_string();
    files.insert(
        "model.safetensors.index.json".to_owned(),
        index.into_bytes(),
    );
    files.insert(shard.to_owned(), weights.clone());
    hub.state().models.insert("acme/shards".to_owned(), files);
    let own = lab.run(&["fill-mask", "--json", "--model", "tiny", TEXT]);
    let fetched = hub.fill(&lab, "acme/shards").succeeded();
    assert_eq!(fetched.stdout, own.stdout);
}
