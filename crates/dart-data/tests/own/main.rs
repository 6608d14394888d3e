//! One's own data.

#![allow(clippy::unwrap_used)] // in helpers of the tests

mod check;
mod files;
mod refusals;
mod words;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use dart_data::layout::{Column, Encoding, Read};
use dart_data::{
    Catalog, DataError, Example, Kind, Metric, OwnTask, Setting, Shots, SplitRequest, Task,
    WarningKind, check_file, check_task, load, read_unlabelled, shared_texts,
};

fn own(yaml: &str, dir: &Path) -> Result<Task, DataError> {
    serde_yaml::from_str::<OwnTask>(yaml).unwrap().task(dir)
}

/// K of a split.
fn shots(k: usize) -> Shots {
    Shots::new(k).unwrap()
}

const STARS: &str = "
file: my.csv
text: review
label: stars
labels: {1: bad, 2: bad, 4: good, 5: good}
drop: [3]
template: '{a} It was [MASK] .'
words: {bad: terrible, good: great}
";

fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn stars(rows: usize) -> String {
    let row = |i: usize| format!("{},\"review, number {i}\",x\n", i % 5 + 1);
    format!(
        "stars,review,more\n{}",
        (0..rows).map(row).collect::<String>()
    )
}

#[test]
fn a_file_is_parted_and_sampled() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "my.csv", stars(100));
    let task = own(STARS, dir.path()).unwrap();
    assert_eq!(
        (task.name.as_str(), &task.labels),
        ("my", &vec!["bad".into(), "good".into()])
    );
    let first = load(&task, &SplitRequest::new(dir.path(), shots(4), 13)).unwrap();
    let second = load(&task, &SplitRequest::new(dir.path(), shots(4), 21)).unwrap();
    assert_eq!((first.train.len(), first.dev.len()), (8, 8));
    assert!((10..40).contains(&first.test.len()), "{}", first.test.len());
    assert_eq!(first.test, second.test);
    assert_ne!(first.train, second.train);
    assert_ne!(first.fingerprint, second.fingerprint);
    assert!(first.train[0].text_a.starts_with("review, number"));
}

/// `rows` rows of each of two classes, and a header.
fn two_classes(rows: usize) -> String {
    let row = |i: usize| format!("{},\"review, number {i}\"\n", [1, 5][i % 2]);
    let rows: String = (0..2 * rows).map(row).collect();
    format!("stars,review\n{rows}")
}

/// The split of `content` as the file of [`STARS`] with more keys.
fn split_of(content: &str, more: &str, k: usize) -> Result<dart_data::Splits, DataError> {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "my.csv", content);
    let task = own(&format!("{STARS}{more}"), dir.path()).unwrap();
    load(&task, &SplitRequest::new(dir.path(), shots(k), 13))
}

#[test]
fn sixteen_rows_a_class_and_nothing_else_are_enough() {
    let content = two_classes(16);
    // A test set and 16 rows for train leave nothing for dev.
    let error = split_of(&content, "", 16).unwrap_err().to_string();
    for part in [
        "my.csv: K=16 seed 13",
        "of the 16 rows of \"good\" train gets",
        "dev 0",
        "`test_percent: 0` with `k: 8`",
        "`dev`",
    ] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    let fits = error.split("say `k: ").nth(1).unwrap();
    let fits: usize = fits.split('`').next().unwrap().parse().unwrap();
    let counts = |split: &dart_data::Splits| {
        [&split.train, &split.dev, &split.test].map(|rows| dart_data::summary::per_label(rows, 2))
    };
    let split = split_of(&content, "", fits).unwrap();
    assert_eq!(counts(&split)[..2], [[fits; 2], [fits; 2]]);
    let more = split_of(&content, "", fits + 1);
    assert!(more.is_err() || counts(&more.unwrap())[1].iter().any(|rows| *rows <= fits));

    let split = split_of(&content, "test_percent: 0", 8).unwrap();
    assert_eq!(counts(&split), [[8, 8], [8, 8], [0, 0]]);
    let kinds: Vec<WarningKind> = split.warnings.iter().map(|w| w.kind).collect();
    assert_eq!(kinds, [WarningKind::NoTest]);
    // With more rows for train than for dev, both counts and what would fit are told.
    let split = split_of(&content, "test_percent: 0", 12).unwrap();
    assert_eq!(counts(&split), [[12, 12], [4, 4], [0, 0]]);
    let few = &split.warnings[0].message;
    assert!(few.contains("train 12, dev 4; with `k: 8`"), "{few}");
}

#[test]
fn a_text_is_drawn_once_and_one_that_is_held_out_too_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let once = two_classes(40);
    let (header, rows) = once.split_once('\n').unwrap();
    write(dir.path(), "a.csv", format!("{header}\n{rows}{rows}"));
    write(dir.path(), "b.csv", &once);
    write(
        dir.path(),
        "c.csv",
        format!("{header}\n1,\"so bad\"\n5,\"so good\"\n"),
    );
    let loaded = |files: &str| {
        let task = own(&STARS.replace("file: my.csv", files), dir.path()).unwrap();
        load(&task, &SplitRequest::new(dir.path(), shots(16), 13)).unwrap()
    };
    let sampled = loaded("train: a.csv\ntest: c.csv");
    let texts: HashSet<&str> = [&sampled.train, &sampled.dev]
        .into_iter()
        .flatten()
        .map(|example| example.text_a.as_str())
        .collect();
    assert_eq!(texts.len(), sampled.train.len() + sampled.dev.len());
    let told = |split: &dart_data::Splits| -> Vec<(WarningKind, usize)> {
        split.warnings.iter().map(|w| (w.kind, w.count)).collect()
    };
    assert_eq!(told(&sampled), [(WarningKind::Duplicates, 80)]);
    let given = loaded("train: a.csv\ndev: b.csv\ntest: c.csv");
    assert_eq!(given.train.len(), 160, "given sets are taken as they are");
    assert_eq!(told(&given), [(WarningKind::Overlap, 80)]);
}
