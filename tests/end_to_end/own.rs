//! One's own files, from a handful of rows to a classifier.

use std::fs;

use crate::support::{Lab, read};

/// So many rows of each of two classes in the words of the tiny model, fields parted by `by`.
fn rows(count: usize, by: char) -> String {
    let mut csv = format!("stars{by}review\n");
    for i in 0..count {
        for (stars, word) in [(1, "terrible"), (5, "great")] {
            csv += &format!("{stars}{by}\"The story {i} was {word} , the music too .\"\n");
        }
    }
    csv
}

/// An experiment on one's own data: where they are, and keys beside the task.
fn experiment(data: &str, keys: &str) -> String {
    format!(
        "model: tiny\nmethods: [majority, zero-shot]\nseeds: 13\n{keys}\n\
         settings: {{steps: 4, eval_every: 2, batch: 4, max_length: 24}}\n\
         tasks:\n  - {data}\n    text: review\n    label: stars\n    \
         labels: {{1: bad, 5: good}}\n    template: \"{{a}} It was [MASK] .\"\n    \
         words: {{bad: terrible, good: great}}\n"
    )
}

#[test]
fn sixteen_examples_a_class_make_a_classifier() {
    let lab = Lab::new();
    // As Excel writes it where commas stand in numbers.
    lab.write("mine.csv", &rows(16, ';'));
    let check = "data check --file mine.csv --text review --label stars";
    let check: Vec<&str> = check.split(' ').collect();
    let refused = lab.run(&check);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stdout.contains("give --delimiter \";\""),
        "{}",
        refused.stdout
    );
    let of_tasks = lab.run(&["data", "check", "--delimiter", ";"]);
    assert_eq!(of_tasks.code, Some(2), "tasks say how they are written");
    let told = lab.run(&[check.as_slice(), &["--delimiter", ";"]].concat());
    let told = told.succeeded().stdout;
    assert!(
        told.contains("`test_percent: 0`") && told.contains("`k: 8`"),
        "{told}"
    );

    let file = "file: ../mine.csv\n    delimiter: \";\"";
    lab.write("experiments/mine.yaml", &experiment(file, ""));
    let refused = lab.run(&["experiments/mine.yaml"]);
    assert_eq!(refused.code, Some(1));
    for part in [
        "mine.csv: K=16 seed 13",
        "dev 0",
        "`test_percent: 0` with `k: 8`",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }

    let file = format!("{file}\n    test_percent: 0");
    let text = experiment(&file, "k: 8").replace("zero-shot", "dart");
    lab.write("experiments/mine.yaml", &text);
    let table = lab.run(&["experiments/mine.yaml"]).succeeded().stdout;
    for part in [
        "K = 8 training examples a class",
        "There is no test set: the cells are dev scores.",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let run = lab.runs("results/mine", "-dart-").remove(0);
    let run = run.file_name().unwrap().to_string_lossy().into_owned();
    lab.run(&["export", &run, "--out", "model"]).succeeded();
    lab.write("new.csv", "id;review\n1;\"great , good fun\"\n");
    let asked = "predict --checkpoint model new.csv --text review --delimiter ;";
    let asked: Vec<&str> = asked.split(' ').collect();
    let answers = lab.run(&asked).succeeded().stdout;
    assert!(
        answers.starts_with("row,predicted,p_bad,p_good\n0,"),
        "{answers}"
    );
}

#[test]
fn files_and_keys_that_cannot_work_are_named() {
    let lab = Lab::new();
    lab.write("mine.csv", &rows(40, ','));
    lab.write("one.csv", &rows(40, ',').replace("5,", "1,"));
    lab.write("none.csv", "stars,review\n");
    for (data, code, says) in [
        (
            "train: ../mine.csv\n    test: ../tset.csv",
            1,
            "tset.csv: no data of task mine",
        ),
        (
            "file: ../one.csv",
            1,
            "one.csv: has no row of class \"good\"",
        ),
        ("file: ../none.csv", 1, "none.csv: has no row of any class"),
        (
            "file: ../mine.csv\n    metric: pearson",
            2,
            "mine.yaml:8: tasks[0].metric: unknown value `pearson`; known: accuracy",
        ),
        (
            "file: ../mine.csv\n    test_percent: many",
            2,
            "mine.yaml:8: tasks[0].test_percent: invalid type",
        ),
        (
            "file: ../mine.csv\n    drop: [5]",
            2,
            "\"5\" stands under `labels` and `drop`",
        ),
    ] {
        lab.write("experiments/mine.yaml", &experiment(data, "k: 4"));
        let ended = lab.run(&["experiments/mine.yaml"]);
        assert_eq!(ended.code, Some(code), "{data}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
    assert!(!lab.path("results").exists(), "something was started");
}

#[test]
fn micro_f1_without_a_class_is_scored() {
    let lab = Lab::new();
    lab.write("mine.csv", &rows(40, ','));
    let data = "file: ../mine.csv\n    metric: micro-f1\n    negative: bad";
    lab.write("experiments/mine.yaml", &experiment(data, "k: 4"));
    let table = lab.run(&["experiments/mine.yaml"]).succeeded().stdout;
    assert!(table.contains("; micro F1; "), "{table}");
    // The majority of equal classes is the first, which is left out.
    assert!(table.contains("| Majority | 0.0 |"), "{table}");
}

#[test]
fn tables_tell_how_many_examples_were_trained_on() {
    let lab = Lab::new();
    for (name, count) in [("train", 10), ("dev", 6), ("test", 8)] {
        lab.write(&format!("{name}.csv"), &rows(count, ','));
    }
    let given = "train: ../train.csv\n    dev: ../dev.csv\n    test: ../test.csv";
    lab.write("experiments/given.yaml", &experiment(given, "k: [4, 16]"));
    let refused = lab.run(&["experiments/given.yaml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("`k` lists 4, 16"),
        "{}",
        refused.stderr
    );
    assert!(!lab.path("results").exists());
    lab.write("experiments/given.yaml", &experiment(given, ""));
    let table = lab.run(&["experiments/given.yaml"]).succeeded().stdout;
    assert!(table.contains("; train and dev as given."), "{table}");
    assert!(!table.contains("K=") && !table.contains("K ="), "{table}");

    lab.write("mine.csv", &rows(60, ','));
    lab.write(
        "experiments/full.yaml",
        &experiment("file: ../mine.csv", "k: [4, full]"),
    );
    let table = lab.run(&["experiments/full.yaml"]).succeeded().stdout;
    for part in [
        "| Majority, K=4 |",
        "| Majority, K=full |",
        "; K = 4, full training",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let runs = read(&lab.path("results/full/runs.jsonl"));
    assert!(
        runs.contains(r#""k":4,"#) && runs.contains(r#""k":"full","#),
        "{runs}"
    );
    lab.run(&["report", "experiments/full.yaml"]).succeeded();
    let page = fs::read_to_string(lab.path("results/full/report.html")).unwrap();
    assert!(
        !page.contains("NaN") && !page.contains("inf\""),
        "a K that is no number is drawn"
    );
    assert!(read(&lab.path("results/full/table.md")).contains("K=full"));
}
