//! One's own data, bad input of every kind, and `check`.

#![allow(clippy::unwrap_used)] // in helpers of the tests

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

/// One column by name is enough for the first row to be a header.
#[test]
fn a_header_is_read_past_where_any_column_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "my.csv", stars(5));
    let name = |name: &str| Column::Name(name.to_owned());
    let rows = |read: Read| read_unlabelled(&path, &read).unwrap();
    let all = rows(Read::texts(name("review"), None));
    assert_eq!(all.len(), 5);
    assert_eq!(
        rows(Read::by_extension(Column::Index(1), None, name("stars"))),
        all
    );
    let second = rows(Read::texts(Column::Index(1), Some(name("more"))));
    assert_eq!((second.len(), second[0].row), (5, 0));
    assert_eq!(rows(Read::texts(Column::Index(1), None)).len(), 6);
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

const RELATIONS: &str = "
file: my.csv
text: sentence
marked: true
label: relation
template: '{a} {head} is [MASK] {tail} .'
words: {cause: due, part: of}
";

#[test]
fn marked_entities_make_relations() {
    let dir = tempfile::tempdir().unwrap();
    let mut csv = String::from("relation,sentence\n");
    for i in 0..40 {
        let relation = ["cause", "part"][i % 2];
        csv += &format!("{relation},\"The <e2>Ätna</e2>, a <e1>fire {i}</e1>.\"\n");
    }
    write(dir.path(), "my.csv", &csv);
    let task = own(RELATIONS, dir.path()).unwrap();
    assert_eq!(task.kind, Kind::Relation);
    let split = load(&task, &SplitRequest::new(dir.path(), shots(4), 13)).unwrap();
    assert_eq!(split.train.len(), 8);
    let Example {
        text_a, entities, ..
    } = &split.train[0];
    let entities = entities.as_ref().unwrap();
    assert!(text_a.starts_with("The Ätna, a fire "), "{text_a}");
    assert_eq!(&text_a[entities.tail.spans[0].clone()], "Ätna");
    assert!(text_a[entities.head.spans[0].clone()].starts_with("fire "));

    // The same sentences, to be classified.
    let path = dir.path().join("my.csv");
    let column = Column::Name("sentence".into());
    let mut texts = Read::texts(column.clone(), None);
    texts.marked = true;
    let asked = read_unlabelled(&path, &texts).unwrap();
    assert_eq!(asked.len(), 40);
    assert!(
        asked
            .iter()
            .any(|e| e.text_a == *text_a && e.entities.as_deref() == Some(&**entities))
    );

    write(dir.path(), "my.csv", csv + "part,a <e1>fire</e1>\n");
    for error in [
        load(&task, &SplitRequest::new(dir.path(), shots(4), 13)).unwrap_err(),
        read_unlabelled(&path, &texts).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("my.csv:42"), "{error}");
        assert!(
            error.contains("no entity between") && error.contains("<e2>…</e2>"),
            "{error}"
        );
    }
    let mut read = Read::by_extension(column, None, Column::Name("relation".into()));
    read.marked = true;
    let report = check_file(&path, &read, 10);
    assert_eq!((report.rows, report.problems.len()), (41, 1));

    let pair = format!("{RELATIONS}text_b: other");
    let error = own(&pair, dir.path()).unwrap_err().to_string();
    assert!(error.contains("`marked` is for one text"), "{error}");
}

#[test]
fn given_splits_pairs_and_json_lines_are_read_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["train", "dev", "test"] {
        let rows = "{\"a\": \"x\", \"b\": \"y\", \"same\": true}\n\n{\"a\": \"x\", \"b\": null, \"same\": false}\n";
        write(dir.path(), &format!("{name}.jsonl"), rows);
    }
    let yaml = "{name: pairs, train: train.jsonl, dev: dev.jsonl, test: test.jsonl, text: a, \
                text_b: b, label: same, template: '{a} [MASK] , {b}', \
                words: {false: 'No', true: 'Yes'}, metric: f1}";
    let task = own(yaml, dir.path()).unwrap();
    let splits = load(&task, &SplitRequest::new(dir.path(), shots(16), 13)).unwrap();
    assert!(splits.given);
    assert_eq!(
        (splits.train.len(), splits.dev.len(), splits.test.len()),
        (2, 2, 2)
    );
    assert_eq!(splits.train[0].text_b.as_deref(), Some("y"));
    assert_eq!((splits.train[0].label, splits.train[1].label), (1, 0));
    let warnings: Vec<String> = splits.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("rows of test with an empty or NA-like text: 1")),
        "{warnings:?}"
    );
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("texts of train that stand in test too: ")),
        "{warnings:?}"
    );
}

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
fn check_goes_on_after_a_problem_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "stars,review\n1,a good one\nx,b\n2\n5,A good one!\n3,c\n4,NA\n4,\n1,A GOOD ONE\n";
    let path = write(dir.path(), "my.csv", rows);
    let task = own(STARS, dir.path()).unwrap();
    let report = check_task(&task, dir.path(), 10).remove(0).files.remove(0);
    assert_eq!(report.rows, 8);
    assert_eq!(
        report
            .problems
            .iter()
            .filter_map(DataError::line)
            .collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(report.labels.values().copied().collect::<Vec<_>>(), [2, 3]); // bad, good
    assert_eq!((report.dropped, report.empty), (1, 2));
    assert_eq!((report.duplicates, report.conflicts), (2, 1));
    let report = check_task(&task, dir.path(), 1).remove(0).files.remove(0);
    assert_eq!((report.problems.len(), report.more), (1, 1));

    let name = |name: &str| Column::Name(name.to_owned());
    let columns = |text: &str| Read::by_extension(name(text), None, name("stars"));
    let report = check_file(&path, &columns("review"), 10);
    assert_eq!(report.labels["5"], 1);
    assert_eq!(report.problems.len(), 1);
    let report = check_file(&path, &columns("revew"), 10);
    assert!(report.problems[0].to_string().contains("revew"));
}

#[test]
fn check_counts_texts_shared_by_files_and_tasks() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sst2")).unwrap();
    std::fs::create_dir(dir.path().join("hf")).unwrap();
    std::fs::create_dir_all(dir.path().join("hf/rotten_tomatoes")).unwrap();
    let header = "sentence\tlabel\tidx\n";
    write(
        dir.path(),
        "sst2/train.tsv",
        format!("{header}one film\t1\t0\nbad\t0\t1\n"),
    );
    write(
        dir.path(),
        "sst2/validation.tsv",
        format!("{header}One film.\t1\t0\n"),
    );
    write(
        dir.path(),
        "hf/rotten_tomatoes/train.csv",
        "text,label\none film,1\n",
    );
    let catalog = Catalog::embedded().unwrap();
    let report = check_task(catalog.task("sst-2").unwrap(), dir.path(), 9).remove(0);
    assert_eq!(
        (report.layout.as_str(), report.shared),
        ("hf", vec![(0, 1, 1)])
    );
    let shared = shared_texts(&catalog, dir.path()).unwrap();
    assert_eq!(shared.len(), 1);
    assert_eq!(
        (shared[0].test_of.as_str(), shared[0].other.as_str()),
        ("sst-2", "mr")
    );
    assert_eq!((shared[0].texts, shared[0].known), (1, true));
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
fn check_tells_which_k_fits() {
    let dir = tempfile::tempdir().unwrap();
    let columns = || {
        let name = |name: &str| Column::Name(name.to_owned());
        Read::by_extension(name("review"), None, name("stars"))
    };
    let twice = format!("{}{}", two_classes(16), "1,\"Review number 0!\"\n");
    let path = write(dir.path(), "my.csv", &twice);
    let report = check_file(&path, &columns(), 10);
    let [fits, without_test] = report.largest_k();
    assert_eq!(without_test, 8, "a duplicate is no row");
    assert!(split_of(&twice, "", fits).is_ok());
    for (content, says) in [
        ("stars,review\n", "has no row"),
        ("stars,review\n1,a\n1,b\n", "one label only"),
    ] {
        let path = write(dir.path(), "my.csv", content);
        let report = check_file(&path, &columns(), 10);
        assert!(report.problems[0].to_string().contains(says), "{says}");
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

#[test]
fn labels_may_be_spelled_as_another_program_writes_them() {
    let labels = |labels: &str, content: &str| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "my.csv", content);
        let yaml = STARS.replace("{1: bad, 2: bad, 4: good, 5: good}", labels);
        let task = own(&yaml, dir.path())?;
        let split = load(&task, &SplitRequest::new(dir.path(), shots(4), 13))?;
        Ok::<_, DataError>(split.train.iter().map(|e| e.label).collect::<Vec<_>>())
    };
    let whole = two_classes(40) + "3,dropped\n";
    let expected = labels("{1: bad, 5: good}", &whole).unwrap();
    // pandas writes whole numbers beside missing ones as 1.0, and truth values as True.
    let floats = whole
        .replace("\n1,", "\n1.0,")
        .replace("\n5,", "\n5.0,")
        .replace("\n3,", "\n3.0,");
    let truths = whole.replace("\n1,", "\nFalse,").replace("\n5,", "\nTrue,");
    for (yaml, content) in [
        ("{1.0: bad, 5.0: good}", &floats),
        ("{1: bad, 5: good}", &floats),
        ("{\"1.0\": bad, \"5.0\": good}", &floats),
        ("{\"1.0\": bad, \"5.0\": good}", &whole),
        ("{False: bad, True: good}", &truths),
        ("{\"False\": bad, \"True\": good}", &truths),
    ] {
        assert_eq!(labels(yaml, content).unwrap(), expected, "{yaml}");
    }
    // What could be either is neither.
    let error = labels("{1: bad, \"1.0\": good}", "stars,review\n1.00,a\n").unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("unknown label \"1.00\"") && error.contains("in quotes"),
        "{error}"
    );
    for (yaml, says) in [
        ("{1: bad, \"1\": good}", "lists \"1\" twice"),
        ("[a, b, a]", "lists \"a\" twice"),
        (
            "{1: bad, 3: good}",
            "\"3\" stands under `labels` and `drop`",
        ),
    ] {
        let error = labels(yaml, &whole).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn repeated_texts_are_counted_and_conflicts_apart() {
    let content = two_classes(40) + "5,\"Review number 1!\"\n1,\"review, number 3\"\n";
    let split = split_of(&content, "", 4).unwrap();
    let told: Vec<(WarningKind, usize)> =
        split.warnings.iter().map(|w| (w.kind, w.count)).collect();
    assert_eq!(
        told,
        [(WarningKind::Duplicates, 1), (WarningKind::Conflicts, 1)]
    );
    assert!(
        split.warnings[1].message.contains("in line 83"),
        "{:?}",
        split.warnings
    );
    assert!(
        split_of(&two_classes(40), "", 4)
            .unwrap()
            .warnings
            .is_empty()
    );
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

#[test]
fn other_ways_to_write_a_file_are_read_or_named() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = |name: &str, content: &[u8], more: &str| {
        write(dir.path(), name, content);
        let task = own(
            &format!("{}{more}", STARS.replace("my.csv", name)),
            dir.path(),
        )?;
        load(&task, &SplitRequest::new(dir.path(), shots(4), 13))
    };
    let commas = two_classes(40);
    let semicolons = commas
        .replace("s,r", "s;r")
        .replace("1,\"", "1;\"")
        .replace("5,\"", "5;\"");
    let expected = loaded("my.csv", commas.as_bytes(), "").unwrap();
    let same = |split: &dart_data::Splits| split.fingerprint == expected.fingerprint;
    assert!(same(&loaded("MY.CSV", commas.as_bytes(), "").unwrap()));
    assert!(same(
        &loaded("my.csv", semicolons.as_bytes(), "delimiter: ';'").unwrap()
    ));
    let latin: Vec<u8> = commas
        .replace("review, n", "\u{e9}")
        .chars()
        .map(|c| c as u8)
        .collect();
    assert!(loaded("my.csv", &latin, "encoding: latin-1").is_ok());
    let array = "[\n {\"stars\": 1, \"review\": \"a\"}\n]\n";
    for (name, content, says) in [
        (
            "my.csv",
            semicolons.as_bytes(),
            "`delimiter: \";\"` in the task's entry",
        ),
        ("my.csv", &latin, "`encoding: latin-1` in the task's entry"),
        (
            "my.json",
            array.as_bytes(),
            "an object a line: `jq -c '.[]' my.json",
        ),
        (
            "my.json",
            b"{\n \"stars\": 1\n}",
            "an object a line: `jq -c '.' my.json",
        ),
        (
            "my.csv",
            b"stars,review,review\n1,a,b\n",
            "two columns \"review\"",
        ),
    ] {
        let error = loaded(name, content, "").unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    // A caller is told which setting would help.
    let setting = |problem: &DataError| match problem {
        DataError::Row { setting, .. } => setting.as_deref().cloned(),
        _ => None,
    };
    let wanted = |key, value: &str| {
        let value = value.to_owned();
        Some(Setting { key, value })
    };
    let name = |name: &str| Column::Name(name.to_owned());
    let read = || Read::by_extension(name("review"), None, name("stars"));
    let path = write(dir.path(), "my.csv", &latin);
    let problem = check_file(&path, &read(), 1).problems.remove(0);
    assert_eq!(setting(&problem), wanted("encoding", "latin-1"));
    let problem = problem.to_string();
    assert!(problem.ends_with("`encoding: latin-1`"), "{problem}");
    let mut latin_1 = read();
    latin_1.encoding = Encoding::Latin1;
    assert!(check_file(&path, &latin_1, 1).is_fine());
    let path = write(dir.path(), "my.csv", &semicolons);
    let problem = check_file(&path, &read(), 1).problems.remove(0);
    assert_eq!(setting(&problem), wanted("delimiter", "\";\""));
    let problem = problem.to_string();
    assert!(problem.ends_with("`delimiter: \";\"`"), "{problem}");
    assert!(check_file(&path, &read().delimited(Some(';')), 1).is_fine());
}

/// The words of a task of the catalog with this entry.
fn words(entry: &str) -> Result<Vec<String>, DataError> {
    let own: OwnTask = serde_yaml::from_str(entry).unwrap();
    let task = own.resolve(&Catalog::embedded().unwrap())?;
    Ok(task.words)
}

#[test]
fn words_may_hold_both_kinds_of_quote() {
    let said = ["don't \"do\"", "it's {a: 'b', \"c\"}\\"];
    for entry in [
        // A mapping, of classes or of values in the files; a list.
        r#"{task: sst-2, words: {negative: "don't \"do\"", positive: "it's {a: 'b', \"c\"}\\"}}"#,
        r#"{task: sst-2, words: {0: "don't \"do\"", 1: "it's {a: 'b', \"c\"}\\"}}"#,
        r#"{task: sst-2, words: ["don't \"do\"", "it's {a: 'b', \"c\"}\\"]}"#,
        // A Python dictionary, as `print` writes it and with the other quotes.
        "task: sst-2\nwords: |\n  {0: 'don\\'t \"do\"', 1: 'it\\'s {a: \\'b\\', \"c\"}\\\\'}",
        "task: sst-2\nwords: |\n  {'0': \"don't \\\"do\\\"\", '1': \"it's {a: 'b', \\\"c\\\"}\\\\\"}",
    ] {
        assert_eq!(words(entry).unwrap(), said, "{entry}");
        let own: OwnTask = serde_yaml::from_str(entry).unwrap();
        let json = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<OwnTask>(&json).unwrap(), own);
    }
    // Of one's own files.
    let yaml = STARS.replace("terrible", "\"don't \\\"do\\\"\"");
    assert_eq!(own(&yaml, Path::new(".")).unwrap().words[0], said[0]);
}

#[test]
fn words_that_do_not_fit_are_named() {
    for (entry, says) in [
        (
            "{task: sst-2, words: {negative: bad, so: so}}",
            "task sst-2: \"so\" is no label of sst-2; it has 0, 1",
        ),
        (
            "{task: sst-2, words: {negative: bad}}",
            "task sst-2: label \"positive\" has no word",
        ),
        (
            "{task: sst-2, words: {negative: bad, 0: worse, 1: good}}",
            "task sst-2: label \"0\" has two words",
        ),
        (
            "{task: sst-2, words: [a, b, c]}",
            "task sst-2: 2 labels and 3 `words`",
        ),
        (
            "{task: sst-2, words: \"{0: 'don't', 1: 'do'}\"}",
            "expected a mapping such as",
        ),
    ] {
        let error = words(entry).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let text = STARS.replace("{bad: terrible, good: great}", "\"{'bad': 'terrible'}\"");
    let error = own(&text, Path::new(".")).unwrap_err().to_string();
    assert!(error.contains("`words` is text"), "{error}");
}
