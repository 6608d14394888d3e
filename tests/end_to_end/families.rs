//! Every family trains through the real program, from a folder as Hugging Face lays it out.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use crate::support::{Lab, read};

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dart-core/tests/goldens")
}

/// Vocabulary rows of the golden models.
const ROWS: usize = 90;

/// A tensor with more rows: copies of its own, rotated so that no two are the same.
fn grown(view: &TensorView, rows: usize) -> (Dtype, Vec<usize>, Vec<u8>) {
    let mut shape = view.shape().to_vec();
    let mut bytes = view.data().to_vec();
    if shape.first() == Some(&ROWS) {
        let width = bytes.len() / ROWS;
        let cell = width / shape[1..].iter().product::<usize>();
        for row in ROWS..rows {
            let mut copy = bytes[row % ROWS * width..][..width].to_vec();
            copy.rotate_left(row / ROWS * cell % width);
            bytes.extend(copy);
        }
        shape[0] = rows;
    }
    (view.dtype(), shape, bytes)
}

/// Puts a golden model with `files` of a golden tokenizer, whose vocabulary is `rows` long, under
/// `models/`.
fn install(lab: &Lab, model: &str, files: &[&str], rows: usize) {
    let (from, to) = (goldens().join(model), lab.path("models").join(model));
    fs::create_dir_all(&to).unwrap();
    let mut config: Value = serde_json::from_str(&read(&from.join("config.json"))).unwrap();
    config["vocab_size"] = rows.into();
    fs::write(to.join("config.json"), config.to_string()).unwrap();
    let bytes = fs::read(from.join("model.safetensors")).unwrap();
    let tensors: Vec<_> = SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, grown(&view, rows)))
        .collect();
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(views, Some(metadata)).unwrap();
    fs::write(to.join("model.safetensors"), bytes).unwrap();
    for file in files {
        let name = Path::new(file).file_name().unwrap();
        fs::copy(goldens().join(file), to.join(name)).unwrap();
    }
}

/// One text and two, on DART, fine-tuning and the untrained prompt.
const EXPERIMENT: &str = "\
model: tiny
tasks:
- movies
- file: ../pairs.csv
  text: first
  text_b: second
  label: label
  template: \"{a:chop} ? [MASK] , {b:lower}\"
  words: {same: great, other: terrible}
methods: [zero-shot, fine-tuning, dart]
k: 4
seeds: [13]
test_rows: 20
settings: {steps: 6, eval_every: 3, batch: 4, max_length: 16}
";

fn pairs() -> String {
    let mut rows = "first,second,label\n".to_owned();
    for i in 0..60 {
        let [a, b] = [["great", "bad"][i % 2], ["good", "dull"][i / 2 % 2]];
        let label = if (i % 2) == (i / 2 % 2) {
            "same"
        } else {
            "other"
        };
        rows += &format!("The movie {i} was {a}.,The plot was {b} {i},{label}\n");
    }
    rows
}

/// Trains on the folder and asks it; says what fill-mask prints.
fn trains(lab: &Lab, model: &str) -> Value {
    lab.write("pairs.csv", &pairs());
    lab.write("experiments/families.yaml", EXPERIMENT);
    let folder = lab.path("models").join(model).display().to_string();
    lab.run(&["experiments/families.yaml", "--model", &folder])
        .succeeded();
    let csv = read(&lab.path("results/families/runs.csv"));
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let at = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    assert_eq!(rows.len(), 6, "{csv}");
    for row in rows {
        let scores = [row[at("dev")], row[at("test")]];
        let numbers = scores.map(|score| score.parse::<f64>().unwrap());
        assert!(numbers.iter().all(|n| (0.0..=100.0).contains(n)), "{csv}");
    }
    let text = "It was a [MASK] movie .";
    let ended = lab.run(&["fill-mask", "--model", &folder, "--json", text]);
    serde_json::from_str(&ended.succeeded().stdout).unwrap()
}

#[test]
fn roberta_trains() {
    let lab = Lab::new();
    let files = [
        "tokenizers/roberta/vocab.json",
        "tokenizers/roberta/merges.txt",
    ];
    install(&lab, "roberta-tiny", &files, 705);
    let filled = trains(&lab, "roberta-tiny");
    let ids = filled["ids"].as_array().unwrap();
    assert_eq!((&ids[0], ids.last().unwrap()), (&0.into(), &2.into()));
    let position = filled["position"].as_u64().unwrap() as usize;
    assert_eq!(ids[position], 704, "{filled}");

    // The paper's own profile finds nothing missing but data.
    fs::create_dir_all(lab.path("results/published")).unwrap();
    for file in ["experiments/table1.yaml", "results/published/table1.csv"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        lab.write(file, &read(&from));
    }
    let model = lab.path("models/roberta-tiny").display().to_string();
    let paper = [
        "experiments/table1.yaml",
        "--profile",
        "paper",
        "--model",
        &model,
    ];
    let ended = lab.run(&paper);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("task sst-2"), "{}", ended.stderr);
    assert!(
        !ended.stderr.contains("model roberta-tiny"),
        "{}",
        ended.stderr
    );
}

#[test]
fn xlm_roberta_trains() {
    let lab = Lab::new();
    let files = ["tokenizers/xlm-roberta/sentencepiece.bpe.model"];
    install(&lab, "xlm-roberta-tiny", &files, 364);
    trains(&lab, "xlm-roberta-tiny");
}

#[test]
fn albert_trains() {
    let lab = Lab::new();
    install(
        &lab,
        "albert-tiny",
        &["tokenizers/albert/spiece.model"],
        365,
    );
    trains(&lab, "albert-tiny");
}

#[test]
fn distilbert_trains() {
    let lab = Lab::new();
    install(&lab, "distilbert-tiny", &["bert-tiny/vocab.txt"], 128);
    trains(&lab, "distilbert-tiny");
}

#[test]
fn electra_trains() {
    let lab = Lab::new();
    install(&lab, "electra-tiny", &["bert-tiny/vocab.txt"], 128);
    trains(&lab, "electra-tiny");
}

/// A folder with pickled weights alone is refused before anything runs, with what to do.
#[test]
fn pickled_weights_are_refused() {
    let lab = Lab::new();
    let files = [
        "tokenizers/roberta/vocab.json",
        "tokenizers/roberta/merges.txt",
    ];
    install(&lab, "roberta-tiny", &files, 705);
    let model = lab.path("models/roberta-tiny");
    fs::rename(
        model.join("model.safetensors"),
        model.join("pytorch_model.bin"),
    )
    .unwrap();
    let ended = lab.run(&[
        "experiments/sweep.yaml",
        "--model",
        &model.display().to_string(),
    ]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for part in ["model roberta-tiny", "pytorch_model.bin", "save_pretrained"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}
