//! Models of the hub, from a server of our own on this machine.

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{Ended, Lab, read};

use server::*;

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
