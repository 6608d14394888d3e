//! A run's classifier, exported and asked about texts of one's own.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::support::{Lab, read};

const EXPERIMENT: &str = "\
model: tiny
tasks: [movies]
methods:
  dart:
  fine-tuning:
  prompt: {from: dart, train: prompt, fluency: null}
  p-tuning: {template_tokens: 5}
k: 4
seeds: [13]
test_rows: 12
settings: {steps: 6, eval_every: 3, batch: 4, max_length: 16}
";

/// The texts of the movies file, by row.
fn texts(lab: &Lab) -> Vec<String> {
    let file = read(&lab.path("data/vader/movieReviewSnippets_GroundTruth.txt"));
    let text = |line: &str| line.split('\t').nth(2).unwrap().to_owned();
    file.lines().map(text).collect()
}

/// Cells of a CSV file without quotes, and its header.
fn rows(csv: &str) -> (String, Vec<Vec<String>>) {
    let mut lines = csv.lines();
    let header = lines.next().unwrap().to_owned();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    (header, lines.map(cells).collect())
}

/// The run of this method, and the file of its test texts.
fn run_of(lab: &Lab, method: &str) -> (String, Vec<Vec<String>>) {
    let folder = lab.runs("results/own", &format!("-{method}-")).remove(0);
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let scored = lab.path(&format!("results/own/predictions/{name}.csv"));
    let (_, scored) = rows(&read(&scored));
    let texts = texts(lab);
    let mut csv = String::from("id,text\n");
    for row in &scored {
        let text = &texts[row[0].parse::<usize>().unwrap()];
        writeln!(csv, "{},\"{text}\"", row[0]).unwrap();
    }
    lab.write("mine.csv", &csv);
    (name, scored)
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|e| e.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn an_exported_run_predicts_what_it_scored() {
    let lab = Lab::new();
    lab.write("experiments/own.yaml", EXPERIMENT);
    lab.run(&["experiments/own.yaml", "--quiet"]).succeeded();
    for method in ["dart", "fine-tuning", "prompt", "p-tuning"] {
        let (run, scored) = run_of(&lab, method);
        // The weights are not kept, so the run is trained again.
        let exported = lab.run(&["export", &run, "--out", method]).succeeded();
        assert!(
            exported.stderr.contains("training it again"),
            "{}",
            exported.stderr
        );
        let asked = lab
            .run(&["predict", "--checkpoint", method, "mine.csv"])
            .succeeded();
        let (header, predicted) = rows(&asked.stdout);
        assert_eq!(header, "row,predicted,p_negative,p_positive");
        assert_eq!(predicted.len(), 12);
        for (i, (got, wanted)) in predicted.iter().zip(&scored).enumerate() {
            assert_eq!(got[0], i.to_string());
            assert_eq!(got[1..], wanted[2..], "{method}");
        }
        let left = lab.path("results/own/runs").join(&run).join("state");
        assert!(!left.exists(), "the weights are gone again");
    }
    assert!(size(&lab.path("prompt")) < 8192);
    assert!(lab.path("dart/model.safetensors").is_file());
}

#[test]
fn kept_weights_are_exported_and_files_of_other_kinds_predicted() {
    let lab = Lab::new();
    lab.write("experiments/own.yaml", EXPERIMENT);
    let keep = [
        "--set",
        "keep_weights=true",
        "--set",
        "methods=[dart]",
        "--quiet",
    ];
    lab.run(&[&["experiments/own.yaml"], &keep[..]].concat())
        .succeeded();
    let (run, scored) = run_of(&lab, "dart");
    let folder = format!("results/own/runs/{run}");
    // Another device than the run's own, in word at least.
    let device = ["--device", "auto"];
    let export = [&["export", &folder, "--out", "made"][..], &device].concat();
    let exported = lab.run(&export).succeeded();
    assert!(!exported.stderr.contains("training it again"));
    assert!(lab.path(&folder).join("state/best.safetensors").is_file());
    let again = lab.run(&["export", &folder, "--out", "made"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);

    let texts = texts(&lab);
    let objects: String = scored
        .iter()
        .map(|row| {
            format!(
                "{{\"words\": \"{}\"}}\n",
                texts[row[0].parse::<usize>().unwrap()]
            )
        })
        .collect();
    lab.write("mine.jsonl", &objects);
    let call = ["predict", "--checkpoint", "made", "mine.jsonl"];
    let words = ["--text", "words", "--out", "answers.csv"];
    lab.run(&[&call[..], &words].concat()).succeeded();
    let (_, predicted) = rows(&read(&lab.path("answers.csv")));
    for (got, wanted) in predicted.iter().zip(&scored) {
        assert_eq!(got[1..], wanted[2..]);
    }
    let refused = lab.run(&call);
    assert!(
        refused.stderr.contains("mine.jsonl:1"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("words"), "{}", refused.stderr);
}

#[test]
fn relations_of_ones_own_are_trained_and_predicted() {
    let lab = Lab::new();
    let mut csv = String::from("sentence,relation\n");
    for i in 0..40 {
        let (relation, word) = [("cause", "made"), ("part", "in")][i % 2];
        writeln!(
            csv,
            "The <e1>film {i}</e1> was {word} the <e2>story</e2>.,{relation}"
        )
        .unwrap();
    }
    lab.write("experiments/mine.csv", &csv);
    let experiment = EXPERIMENT.replace(
        "tasks: [movies]",
        "tasks: {file: mine.csv, text: sentence, label: relation, marked: true, \
         template: '{a:marked} {head} it was [MASK] {tail} .', words: {cause: bad, part: great}}",
    );
    lab.write(
        "experiments/own.yaml",
        &experiment.replace("test_rows: 12", "test_rows: all"),
    );
    let set = ["--set", "methods=[dart]", "--quiet"];
    lab.run(&[&["experiments/own.yaml"], &set[..]].concat())
        .succeeded();
    let folder = lab.runs("results/own", "-dart-").remove(0);
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let scored = lab.path(&format!("results/own/predictions/{name}.csv"));
    let (_, scored) = rows(&read(&scored));
    lab.run(&["export", &name, "--out", "relations"])
        .succeeded();
    let call = ["predict", "--checkpoint", "relations"];
    // The same texts in the same order: how a batch is made up shows in the last bits.
    let lines: Vec<&str> = csv.lines().collect();
    let row_of = |row: &Vec<String>| lines[row[0].parse::<usize>().unwrap() + 1];
    let test: Vec<&str> = std::iter::once(lines[0])
        .chain(scored.iter().map(row_of))
        .collect();
    lab.write("test.csv", &test.join("\n"));
    let mine = ["test.csv", "--text", "sentence"];
    let asked = lab.run(&[&call[..], &mine].concat()).succeeded();
    let (_, predicted) = rows(&asked.stdout);
    assert!(scored.len() > 4);
    assert_eq!(predicted.len(), scored.len());
    for (got, wanted) in predicted.iter().zip(&scored) {
        assert_eq!(got[1..], wanted[2..]);
    }
    lab.write("plain.csv", "text\nno marks here\n");
    let refused = lab.run(&[&call[..], &["plain.csv"]].concat());
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("plain.csv:2"), "{}", refused.stderr);
    assert!(refused.stderr.contains("<e1>"), "{}", refused.stderr);
}

#[test]
fn what_cannot_be_exported_or_asked_is_refused() {
    let lab = Lab::new();
    lab.write("experiments/own.yaml", EXPERIMENT);
    let set = ["--set", "methods=[majority]", "--quiet"];
    lab.run(&[&["experiments/own.yaml"], &set[..]].concat())
        .succeeded();
    let (run, _) = run_of(&lab, "majority");
    let ended = lab.run(&["export", &run, "--out", "x"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("no model to export"),
        "{}",
        ended.stderr
    );
    let set = ["--set", "methods={setfit: {encoder: tiny}}", "--quiet"];
    lab.run(&[&["experiments/own.yaml"], &set[..]].concat())
        .succeeded();
    let (run, _) = run_of(&lab, "setfit");
    let ended = lab.run(&["export", &run, "--out", "x"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("prompt methods and fine-tuning can"),
        "{}",
        ended.stderr
    );
    let ended = lab.run(&["export", "no-such-run", "--out", "x"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("there is no run no-such-run"),
        "{}",
        ended.stderr
    );
    let ended = lab.run(&["predict", "--checkpoint", "models/tiny", "mine.csv"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("it has no dart.json; give a folder that `dart-exp export` wrote"),
        "{}",
        ended.stderr
    );
    assert!(!lab.path("x").exists());
}
