//! Sentence encoders as sentence-transformers lays them out, through the real program.

use std::fs;
use std::path::Path;

use crate::support::{Lab, read};

const GOLDENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dart-core/tests/goldens");

const SWEEP: &str = "\
model: tiny
tasks: [movies]
methods:
  logistic-regression: {encoder: encoder}
  setfit: {encoder: encoder}
  lm-bff-demonstrations:
    {template: none, demonstrations: 3, demonstration_tokens: 2, encoder: encoder, max_length: 18}
k: 4
seeds: [13]
test_rows: 30
settings: {steps: 4, eval_every: 2, batch: 4, max_length: 16}
";

/// A lab with the tiny model as an encoder of this layout.
fn lab(layout: &str) -> Lab {
    let lab = Lab::new();
    let encoder = lab.path("models/encoder");
    copy(&lab.path("models/tiny"), &encoder);
    copy(&Path::new(GOLDENS).join("sentences").join(layout), &encoder);
    lab.write("experiments/sentences.yaml", SWEEP);
    lab
}

fn copy(from: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = into.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(fs::copy(&path, &to).unwrap()),
        }
    }
}

/// The names of the runs, one a method.
fn runs(lab: &Lab) -> Vec<String> {
    lab.run(&["experiments/sentences.yaml"]).succeeded();
    let csv = read(&lab.path("results/sentences/runs.csv"));
    let rows = csv.lines().skip(1).map(|row| row.split(',').next());
    rows.map(|run| run.unwrap().to_owned()).collect()
}

/// An encoder's files are part of what a run is.
#[test]
fn a_layout_makes_runs_of_its_own() {
    let lab = lab("bert-several");
    let first = runs(&lab);
    assert_eq!(first.len(), 3);
    let predictions =
        |run: &str| read(&lab.path(&format!("results/sentences/predictions/{run}.csv")));
    let before = predictions(&first[0]);

    let sweep = SWEEP.replace(
        "encoder: encoder",
        "encoder: encoder, encoder_prompt: query",
    );
    lab.write("experiments/sentences.yaml", &sweep);
    let prompted = runs(&lab);
    lab.write("experiments/sentences.yaml", SWEEP);
    let pooling = lab.path("models/encoder/1_Pooling/config.json");
    let text = read(&pooling).replace(
        "\"pooling_mode_max_tokens\": true",
        "\"pooling_mode_max_tokens\": false",
    );
    fs::write(&pooling, text).unwrap();
    let dense = lab.path("models/encoder/modules.json");
    let text = read(&dense);
    let modules: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    fs::write(&dense, serde_json::to_string(&modules[..2]).unwrap()).unwrap();
    let changed = runs(&lab);
    for (i, run) in first.iter().enumerate() {
        assert!(*run != prompted[i] && *run != changed[i], "{run}");
    }
    assert_ne!(predictions(&prompted[0]), before);
    assert_ne!(predictions(&changed[0]), before);
}

#[test]
fn what_an_encoder_lacks_is_refused_before_any_training() {
    let lab = lab("bert-dense");
    let sweep = SWEEP.replace(
        "encoder: encoder",
        "encoder: encoder, encoder_prompt: query",
    );
    lab.write("experiments/sentences.yaml", &sweep);
    let ended = lab.run(&["experiments/sentences.yaml"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for wanted in [
        "method logistic-regression: ",
        "models/encoder: the sentence encoder has no prompt `query`; it has none",
    ] {
        assert!(ended.stderr.contains(wanted), "{}", ended.stderr);
    }

    lab.write("experiments/sentences.yaml", SWEEP);
    let modules = lab.path("models/encoder/modules.json");
    fs::write(&modules, read(&modules).replace(".Dense", ".CNN")).unwrap();
    let ended = lab.run(&["experiments/sentences.yaml"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let wanted = ["model encoder: ", "the module `CNN` is not supported"];
    assert!(
        wanted.iter().all(|w| ended.stderr.contains(w)),
        "{}",
        ended.stderr
    );
    assert!(!lab.path("results").exists(), "nothing was started");
}
