//! Bad input of every kind is named.

use super::*;

#[test]
fn contradictory_settings_are_named() {
    let dir = Path::new(".");
    for (from, to, message) in [
        ("file: my.csv", "", "no `file`"),
        ("file: my.csv", "{file: my.csv, train: a.csv}", ""),
        (
            "words: {bad: terrible, good: great}",
            "words: {bad: terrible}",
            "2 classes and 1 words",
        ),
        (
            "words: {bad: terrible, good: great}",
            "words: {bad: a, best: b}",
            "\"good\"",
        ),
        (
            "file: my.csv",
            "file: my.csv\ntest: test.csv",
            "say `train`",
        ),
        ("file: my.csv", "file: my.csv\ntrain: test.csv", "both"),
        (
            "file: my.csv",
            "file: my.csv\ntest_percent: 100",
            "test_percent",
        ),
        (
            "{1: bad, 2: bad, 4: good, 5: good}",
            "{1: bad}",
            "fewer than two",
        ),
    ] {
        let yaml = STARS.replace(from, to);
        let Ok(task) = serde_yaml::from_str::<OwnTask>(&yaml) else {
            assert!(message.is_empty(), "{yaml}");
            continue;
        };
        let error = task.task(dir).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let error = serde_yaml::from_str::<OwnTask>(&STARS.replace("text:", "txt:")).unwrap_err();
    assert!(error.to_string().contains("txt"), "{error}");
}

/// The error of loading `content` as the file of [`STARS`], or of the same task in another format.
fn error_of(name: &str, content: impl AsRef<[u8]>) -> DataError {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), name, content);
    let task = own(&STARS.replace("my.csv", name), dir.path()).unwrap();
    let error = load(&task, &SplitRequest::new(dir.path(), shots(4), 13)).unwrap_err();
    assert!(error.to_string().contains(name), "{error}");
    // `check` reports the same problem.
    let report = &check_task(&task, dir.path(), 10)[0];
    assert!(!report.is_fine());
    assert_eq!(report.files[0].problems[0].to_string(), error.to_string());
    error
}

#[test]
fn bad_rows_give_file_line_and_remedy() {
    let long = format!("stars,review,more\n1,{},x\n", "a".repeat(10 << 20));
    for (name, content, line, message) in [
        (
            "my.csv",
            b"stars,review\n1,\"never\nclosed\n2,x\n".to_vec(),
            2,
            "never ends",
        ),
        (
            "my.csv",
            b"stars,review\n1,fine\n2\n".to_vec(),
            3,
            "has 1 fields",
        ),
        (
            "my.csv",
            b"stars,text\n1,fine\n".to_vec(),
            1,
            "no column \"review\"",
        ),
        (
            "my.csv",
            b"stars,review\n1,fine\n9,x\n".to_vec(),
            3,
            "unknown label \"9\"",
        ),
        ("my.csv", b"stars,review\n1,a\0b\n".to_vec(), 2, "NUL"),
        (
            "my.csv",
            b"stars,review\n1,\"a\nb\"\n2,\xff\n".to_vec(),
            4,
            "UTF-8",
        ),
        ("my.csv", long.clone().into_bytes(), 2, "longer than"),
        (
            "my.tsv",
            b"stars\treview\n1\tfine\n2\tx\ty\n".to_vec(),
            3,
            "has 3 fields",
        ),
        (
            "my.jsonl",
            b"{\"stars\": 1, \"review\": \"a\"}\n{\"stars\": 1, \"rev".to_vec(),
            2,
            "JSON",
        ),
        (
            "my.jsonl",
            b"{\"stars\": 1}\n".to_vec(),
            1,
            "no key \"review\"",
        ),
        (
            "my.jsonl",
            b"{\"stars\": [1], \"review\": \"a\"}\n".to_vec(),
            1,
            "neither text nor",
        ),
        ("my.jsonl", b"[1]\n".to_vec(), 1, "no JSON object"),
        ("my.jsonl", long.into_bytes(), 1, "JSON"),
    ] {
        let error = error_of(name, &content);
        assert_eq!(error.line(), Some(line), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.to_string().contains("; "), "no remedy: {error}");
    }
}

#[test]
fn files_that_are_none_are_said_so() {
    assert!(error_of("my.csv", "").to_string().contains("is empty"));
    assert!(
        error_of("my.parquet", "x")
            .to_string()
            .contains(".csv, .tsv or .jsonl")
    );
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("my.csv")).unwrap();
    let task = own(STARS, dir.path()).unwrap();
    let error = load(&task, &SplitRequest::new(dir.path(), shots(4), 13)).unwrap_err();
    assert!(matches!(error, DataError::NotAFile { .. }), "{error}");
    let task = own(&STARS.replace("my.csv", "other.csv"), dir.path()).unwrap();
    let error = load(&task, &SplitRequest::new(dir.path(), shots(4), 13))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no data of task other") && error.contains("other.csv"),
        "{error}"
    );
}

#[test]
fn a_class_without_rows_is_refused() {
    let lacks = "has no row of class \"good\" (in the file 4, 5)";
    let only_bad = two_classes(20).replace("5,", "1,");
    let error = split_of(&only_bad, "", 4).unwrap_err().to_string();
    assert!(
        error.contains("my.csv: ") && error.contains(lacks),
        "{error}"
    );
    for content in ["stars,review\n", "stars,review\n3,so so\n"] {
        let error = split_of(content, "", 4).unwrap_err().to_string();
        assert!(error.contains("my.csv: has no row of any class"), "{error}");
    }
    // Given files are held to the same, test only warns.
    let dir = tempfile::tempdir().unwrap();
    let yaml = STARS.replace("file: my.csv", "train: a.csv\ndev: b.csv\ntest: c.csv");
    let task = own(&yaml, dir.path()).unwrap();
    assert!(task.split_is_given());
    for (broken, says) in [
        ("a.csv", Some(lacks)),
        ("b.csv", Some(lacks)),
        ("c.csv", None),
    ] {
        for name in ["a.csv", "b.csv", "c.csv"] {
            let rows = if name == broken {
                &only_bad
            } else {
                &two_classes(3)
            };
            write(dir.path(), name, rows);
        }
        match (
            load(&task, &SplitRequest::new(dir.path(), shots(16), 13)),
            says,
        ) {
            (Err(error), Some(says)) => {
                let error = error.to_string();
                assert!(error.contains(broken) && error.contains(says), "{error}");
            }
            (Ok(split), None) => {
                let told = |w: &dart_data::Warning| w.message.contains("test has no row of class");
                assert!(split.warnings.iter().any(told), "{:?}", split.warnings);
            }
            (other, _) => panic!("{broken}: {other:?}"),
        }
    }
}

#[test]
fn a_named_file_that_is_absent_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.csv", "b.csv", "c.csv"] {
        write(dir.path(), name, two_classes(20));
    }
    for (key, yaml) in [
        ("train", "train: none.csv\ntest: c.csv"),
        ("test", "train: a.csv\ntest: none.csv"),
        ("dev", "train: a.csv\ndev: none.csv\ntest: c.csv"),
        ("file", "file: none.csv"),
    ] {
        let task = own(&STARS.replace("file: my.csv", yaml), dir.path()).unwrap();
        let request = SplitRequest::new(dir.path(), shots(4), 13);
        let error = load(&task, &request).unwrap_err().to_string();
        assert!(
            error.contains("none.csv: no data of task") && error.contains(&format!("`{key}`")),
            "{error}"
        );
        let missing = dart_data::missing_for(&task, &request);
        assert_eq!(missing.map(|missing| missing.to_string()), Some(error));
    }
}

#[test]
fn metrics_are_those_of_classes() {
    let dir = Path::new(".");
    let metric = |more: &str| own(&format!("{STARS}{more}"), dir).map(|task| task.metric);
    assert_eq!(metric("metric: macro-f1").unwrap(), Metric::MacroF1);
    let micro = metric("metric: micro-f1\nnegative: good").unwrap();
    assert_eq!(micro, Metric::MicroF1 { negative: 1 });
    for (more, says) in [
        ("metric: micro-f1", "name it as `negative`"),
        ("metric: micro-f1\nnegative: so", "classes are bad, good"),
        ("negative: good", "for `metric: micro-f1`"),
    ] {
        let error = metric(more).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let pearson = format!("{STARS}metric: pearson");
    let error = serde_yaml::from_str::<OwnTask>(&pearson).unwrap_err();
    assert!(error.to_string().contains("`macro-f1`"), "{error}");
}
