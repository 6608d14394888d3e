//! The embedded catalog as a whole.

use std::collections::HashSet;

use dart_data::{Catalog, DataError, Kind, Metric};

#[test]
fn every_entry_is_complete() {
    let catalog = Catalog::embedded().unwrap();
    let mut names = HashSet::new();
    for task in catalog.tasks() {
        assert!(
            names.insert(task.name.clone()),
            "{} stands twice",
            task.name
        );
        assert_eq!(task.words.len(), task.labels.len(), "{}", task.name);
        assert_eq!(task.template.matches("[MASK]").count(), 1, "{}", task.name);
        assert_eq!(
            task.template.contains("{b"),
            task.kind == Kind::Pair || task.kind == Kind::Regression
        );
        assert!(
            !task.citation.is_empty() && !task.licence.is_empty(),
            "{}",
            task.name
        );
        assert!(!task.layouts.is_empty(), "{}", task.name);
        if task.kind == Kind::Relation {
            assert!(task.template.contains("{head}") && task.template.contains("{tail}"));
        }
        for other in &task.overlaps {
            let other = catalog.task(other).unwrap();
            assert!(other.overlaps.contains(&task.name), "{}", task.name);
        }
        let words: HashSet<_> = task.words.iter().collect();
        assert_eq!(
            words.len(),
            task.words.len(),
            "{}: two classes share a word",
            task.name
        );
        for layout in &task.layouts {
            let pair = layout.read.b.is_some();
            assert_eq!(
                pair,
                matches!(task.kind, Kind::Pair | Kind::Regression),
                "{}",
                task.name
            );
        }
    }
}

#[test]
fn names_are_found_in_any_case_and_misspelt_ones_get_the_nearest() {
    let catalog = Catalog::embedded().unwrap();
    assert_eq!(catalog.task("SST-2").unwrap().words, ["terrible", "great"]);
    assert_eq!(catalog.task("MRPC").unwrap().metric, Metric::F1);
    assert_eq!(catalog.task("cola").unwrap().metric, Metric::Matthews);
    let Err(DataError::UnknownTask { nearest, .. }) = catalog.task("sst2") else {
        panic!()
    };
    assert_eq!(nearest[0], "sst-2");
    let error = catalog.task("moveis").unwrap_err().to_string();
    assert!(error.contains("did you mean movies?"), "{error}");
    let error = catalog.task("imagenet-1k").unwrap_err().to_string();
    assert!(error.contains("no task of the catalog"), "{error}");
}

#[test]
fn a_users_file_adds_and_replaces_tasks_and_its_errors_name_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.yaml");
    let entry = r#"
- name: mine
  template: "{a} It was [MASK] ."
  labels: [{name: bad, word: bad}, {name: good, word: good}]
  layouts:
  - name: own
    dirs: [.]
    train: mine.csv
    part: {hash: 20}
    read: {format: csv, header: true, a: text, label: label}
"#;
    std::fs::write(&path, entry).unwrap();
    let mut catalog = Catalog::embedded().unwrap();
    let before = catalog.tasks().count();
    catalog.extend(&path).unwrap();
    catalog.extend(&path).unwrap();
    assert_eq!(catalog.tasks().count(), before + 1);
    assert_eq!(catalog.task("MINE").unwrap().labels, ["bad", "good"]);

    std::fs::write(&path, entry.replace("  template:", "  templat:")).unwrap();
    let error = catalog.extend(&path).unwrap_err().to_string();
    assert!(
        error.contains("mine.yaml") && error.contains("templat") && error.contains("line"),
        "{error}"
    );

    let error_of = |more: &str| {
        let changed = entry.replace("  template: ", &format!("{more}\n  template: "));
        std::fs::write(&path, changed).unwrap();
        let mut catalog = Catalog::default();
        catalog.extend(&path).unwrap_err().to_string()
    };
    for (more, says) in [
        ("  metric: micro-f1", "name it as `negative`"),
        (
            "  metric: micro-f1\n  negative: so",
            "classes are bad, good",
        ),
        ("  negative: bad", "`negative` is for `metric: micro-f1`"),
        ("  metric: directed-f1", "Cause-Effect(e1,e2)"),
        (
            "  metric: acuracy",
            "unknown variant `acuracy`, expected one of `accuracy`",
        ),
        ("  metric: pearson", "pearson is for `kind: regression`"),
        (
            "  kind: regression\n  metric: f1",
            "scored by pearson, not by f1",
        ),
    ] {
        let error = error_of(more);
        let task = "task \"mine\": ";
        assert!(error.contains(task) && error.contains(says), "{error}");
    }
}

#[test]
fn a_regression_is_catalogued() {
    let catalog = Catalog::embedded().unwrap();
    let task = catalog.task("sts-b").unwrap();
    assert_eq!(task.kind, Kind::Regression);
    assert_eq!(task.metric_title(), "Pearson");
    let others = catalog.tasks().filter(|task| task.kind != Kind::Regression);
    for task in others {
        assert_eq!(task.metric_title(), task.metric.to_string());
    }
}
