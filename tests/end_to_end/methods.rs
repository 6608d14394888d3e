//! Every method and ablation that ships, through the real program.

use crate::support::{Lab, read};

const SWEEP: &str = "\
model: tiny
tasks: [movies]
methods:
  logistic-regression: {encoder: sentences}
  setfit: {encoder: sentences}
  # The tiny model takes 18 tokens.
  lm-bff-demonstrations: &shown
    {template: none, demonstrations: 3, demonstration_tokens: 2, encoder: sentences, max_length: 18}
  in-context: *shown
  p-tuning:
  p-tuning-mlp:
  prompt-tuning:
  dart-no-fluency:
  dart-hard-template:
  dart-hard-labels:
  dart-random:
  dart-two-stage:
  dart-bitfit:
  dart-frozen-lm:
  dart-trained-embeddings:
  reference-2022:
  reference-2022-extra-mask:
  reference:
k: 4
seeds: [13]
test_rows: 30
settings: {steps: 10, eval_every: 5, batch: 4, max_length: 16}
";

#[test]
fn every_method_trains_and_predicts() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("models/sentences")).unwrap();
    for file in std::fs::read_dir(lab.path("models/tiny")).unwrap() {
        let file = file.unwrap();
        let to = lab.path("models/sentences").join(file.file_name());
        std::fs::copy(file.path(), to).unwrap();
    }
    lab.write("experiments/all.yaml", SWEEP);
    let ended = lab
        .run(&["experiments/all.yaml", "--jobs", "2"])
        .succeeded();
    for method in [
        "Logistic regression on sentence embeddings",
        "LM-BFF (demonstrations)",
    ] {
        let note = format!("{method}: sentence encoder sentences.");
        assert!(ended.stdout.contains(&note), "{}", ended.stdout);
    }
    let csv = read(&lab.path("results/all/runs.csv"));
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let cell = |row: &[&str], name: &str| {
        let at = header.iter().position(|h| *h == name).unwrap();
        row[at].to_owned()
    };
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    let methods = SWEEP
        .lines()
        .filter(|l| l.starts_with("  ") && l.contains(':') && !l.contains("{template"));
    assert_eq!(rows.len(), methods.count());
    for row in &rows {
        let (method, run) = (cell(row, "method"), cell(row, "run"));
        let own = ["logistic-regression", "setfit"].contains(&method.as_str());
        let model = if own { "sentences" } else { "tiny" };
        assert_eq!(cell(row, "model"), model, "{method}");
        assert!(!cell(row, "test").is_empty(), "{method}");
        let predictions = read(&lab.path(&format!("results/all/predictions/{run}.csv")));
        assert_eq!(predictions.lines().count(), 31, "{method}");
        let untrained = ["logistic-regression", "in-context"].contains(&method.as_str());
        assert_eq!(cell(row, "steps").is_empty(), untrained, "{method}");
    }
    let missing = lab.run(&[
        "plan",
        "experiments/all.yaml",
        "--set",
        "setfit.encoder=nowhere",
    ]);
    assert_eq!(missing.code, Some(1));
    assert!(
        missing
            .stdout
            .contains("model nowhere: neither in models/nowhere"),
        "{}",
        missing.stdout
    );
}
