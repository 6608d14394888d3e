//! Every model family trains through the real program.

use std::fs;
use std::path::Path;

use crate::support::{Lab, read};

const GOLDENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dart-core/tests/goldens");

/// Models and the DART that they train.
const FAMILIES: [(&str, &str); 7] = [
    ("modernbert-tiny", "dart"),
    ("modernbert-biased-tiny", "dart"),
    ("deberta-tiny", "dart"),
    ("deberta-v2-tiny", "dart"),
    ("deberta-v3-tiny", "dart"),
    ("gpt2-tiny", "dart-causal"),
    ("mpnet-tiny", "dart"),
];

/// A folder with all models and an experiment for each.
fn lab() -> Lab {
    let lab = Lab::new();
    for (model, method) in FAMILIES {
        fs::create_dir_all(lab.path(&format!("models/{model}"))).unwrap();
        for file in fs::read_dir(Path::new(GOLDENS).join(model)).unwrap() {
            let (from, folder) = (file.unwrap().path(), lab.path(&format!("models/{model}")));
            fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
        }
        let text = format!(
            "model: {model}\ntasks: [movies]\nmethods: [fine-tuning, {method}]\nk: 2\nseeds: [13]\n\
             test_rows: 8\nsettings: {{steps: 2, eval_every: 1, batch: 2, max_length: 16}}\n"
        );
        lab.write(&format!("experiments/{model}.yaml"), &text);
    }
    lab
}

#[test]
fn every_family_trains_dart_and_a_head() {
    let lab = lab();
    for (model, method) in FAMILIES {
        lab.run(&[&format!("experiments/{model}.yaml")]).succeeded();
        let csv = read(&lab.path(&format!("results/{model}/runs.csv")));
        let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let column = |name: &str| rows[0].iter().position(|h| *h == name).unwrap();
        let methods: Vec<&str> = rows[1..].iter().map(|row| row[column("method")]).collect();
        assert_eq!(methods, ["fine-tuning", method], "{model}");
        for row in &rows[1..] {
            assert_eq!(row[column("model")], model);
            let test: f64 = row[column("test")].parse().unwrap();
            assert!((0.0..=1.0).contains(&test), "{csv}");
        }
    }
}

#[test]
fn fluency_with_a_causal_model_is_refused_before_any_training() {
    let lab = lab();
    let text = read(&lab.path("experiments/gpt2-tiny.yaml")).replace("dart-causal", "dart");
    lab.write("experiments/gpt2-tiny.yaml", &text);
    let ended = lab.run(&["experiments/gpt2-tiny.yaml"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for part in ["method dart with model gpt2-tiny", "causal", "dart-causal"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert!(!lab.path("results").exists(), "nothing was started");
}
