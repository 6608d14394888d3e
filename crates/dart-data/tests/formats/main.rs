//! Every format, its oddities, and what is wrong with broken files.

#![allow(clippy::unwrap_used)] // in helpers of the tests

mod relations;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use dart_data::format::read_rows;
use dart_data::layout::Read;
use dart_data::{Catalog, DataError, Entities, Shots, SplitRequest, load, test_texts};

/// K of a split.
fn shots(k: usize) -> Shots {
    Shots::new(k).unwrap()
}

/// Rows as label, texts and entities, and errors, of a file with this content.
struct Rows {
    rows: Vec<(String, String, Option<String>, Option<Entities>)>,
    errors: Vec<DataError>,
}

fn rows(read: &str, content: impl AsRef<[u8]>) -> Rows {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, content).unwrap();
    let read: Read = serde_yaml::from_str(read).unwrap();
    let mut found = Rows {
        rows: Vec::new(),
        errors: Vec::new(),
    };
    let done = read_rows(&path, &read, &mut |record| {
        match record {
            Ok(record) => {
                assert_eq!(record.row, found.rows.len() + found.errors.len());
                let (label, a) = (record.label.to_string(), record.a.to_string());
                let (b, entities) = (record.b.map(String::from), record.entities.map(|e| *e));
                found.rows.push((label, a, b, entities));
            }
            Err(error) => found.errors.push(error),
        }
        ControlFlow::Continue(())
    });
    found.errors.extend(done.err());
    found
}

impl Rows {
    fn texts(&self) -> Vec<(&str, &str)> {
        self.rows
            .iter()
            .map(|(label, a, ..)| (label.as_str(), a.as_str()))
            .collect()
    }

    fn only_error(&self) -> (Option<usize>, String) {
        assert_eq!(self.errors.len(), 1, "{:?}", self.errors);
        (self.errors[0].line(), self.errors[0].to_string())
    }

    /// Head and tail as they stand in the text.
    fn mentions(&self, row: usize) -> (Vec<&str>, Vec<&str>) {
        let (_, text, _, entities) = &self.rows[row];
        let entities = entities.as_ref().unwrap();
        let of = |mention: &dart_data::Mention| -> Vec<&str> {
            mention
                .spans
                .iter()
                .map(|span| &text[span.clone()])
                .collect()
        };
        (of(&entities.head), of(&entities.tail))
    }
}

#[test]
fn tsv_has_universal_newlines_a_mark_and_no_quotes() {
    let read = "{format: tsv, header: true, a: sentence, label: -1}";
    let content = "\u{feff}sentence\tlabel\r\n\"open \t1\rfoo\u{85}bar\u{2028}\t0\n  \t 1 ";
    let found = rows(read, content);
    assert_eq!(
        found.texts(),
        [("1", "\"open "), ("0", "foo\u{85}bar\u{2028}"), ("1", "  ")]
    );
    assert!(found.errors.is_empty());
}

#[test]
fn latin_1_keeps_every_byte_and_does_not_split_at_nel() {
    let found = rows(
        "{format: label-text, encoding: latin-1}",
        b"0 caf\xe9\x85 x \n1\n2  y\n",
    );
    assert_eq!(
        found.texts(),
        [("0", "caf\u{e9}\u{85} x"), ("1", ""), ("2", " y")]
    );
    let (line, error) = rows("{format: label-text}", b"0 fine\n0 caf\xe9\n1 x\n").only_error();
    assert_eq!(line, Some(2));
    assert!(error.contains("not valid UTF-8 at byte 6"), "{error}");
}

#[test]
fn ragged_rows_are_read_where_the_catalog_allows_them() {
    let ragged = "{format: tsv, header: true, a: x, label: -1, ragged: true}";
    let content = "n\tx\tgold\n1\ta\tb\tc\tyes\n2\td\tno\n3\n";
    let found = rows(ragged, content);
    assert_eq!(found.texts(), [("yes", "a"), ("no", "d")]);
    assert_eq!(found.only_error().0, Some(4));
    let strict = ragged.replace(", ragged: true", "");
    assert_eq!(rows(&strict, content).errors.len(), 2);
}

#[test]
fn csv_is_read_as_pandas_reads_it() {
    let read = "{format: csv, label: 0, a: 1, pandas: true}";
    let content = "1,\"a, \"\"b\"\"\nc\"\n\n0,NA\r\n0, \n1,x\"y\n0,nan \n1,None\n";
    let found = rows(read, content);
    let expected = [
        ("1", "a, \"b\"\nc"),
        ("0", ""),
        ("0", " "),
        ("1", "x\"y"),
        ("0", "nan "),
        ("1", ""),
    ];
    assert_eq!(found.texts(), expected);
    let (line, error) = rows(read, "1,a\n0,\"b\n1,c\n").only_error();
    assert_eq!(line, Some(2));
    assert!(error.contains("never ends"), "{error}");
}

#[test]
fn a_csv_row_has_the_line_on_which_it_starts() {
    let read = "{format: csv, label: 0, a: 1}";
    let content = b"1,a\r\n\r\n0,\"b\r\nb\"\r\n1,\"c \"\"\nc\"\"\"\n\n2\r\n0,\xe9";
    let found = rows(read, content);
    let texts = [("1", "a"), ("0", "b\r\nb"), ("1", "c \"\nc\"")];
    assert_eq!(found.texts(), texts);
    let lines: Vec<_> = found.errors.iter().map(DataError::line).collect();
    assert_eq!(lines, [Some(8), Some(9)], "{:?}", found.errors);
}

#[test]
fn a_delimiter_that_cannot_part_fields_is_refused() {
    for delimiter in ["\\\"", "\\n", "\\r", "→"] {
        let read = format!("{{format: csv, label: 0, a: 1, delimiter: \"{delimiter}\"}}");
        let (_, error) = rows(&read, "1,a\n").only_error();
        assert!(error.contains("correct the delimiter"), "{error}");
    }
    let parted = rows("{format: csv, label: 0, a: 1, delimiter: ;}", "1;a\n");
    assert_eq!(parted.texts(), [("1", "a")]);
}

#[test]
fn a_file_without_rows_or_text_is_an_error() {
    for read in [
        "{format: tsv, header: true, a: x, label: -1}",
        "{format: csv, a: 0, label: 1}",
        "{format: label-text}",
    ] {
        assert!(rows(read, "").only_error().1.contains("is empty"), "{read}");
    }
    let (line, error) = rows("{format: tsv, a: 4, label: 0}", "a\tb\n").only_error();
    assert_eq!(line, Some(1));
    assert!(
        error.contains("has 2 fields, column 4 is needed"),
        "{error}"
    );
}

/// A folder with this file of a task.
fn folder(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, content).unwrap();
    let path = dir.path().to_owned();
    (dir, path)
}

#[test]
fn ratings_near_zero_are_dropped_and_duplicates_never_straddle() {
    let (mut content, mut rated) = (String::new(), HashSet::new());
    for i in 0..200 {
        let rating = [-2.5, -0.5, -0.4, 0.0, 0.4, 0.5, 3.0][i % 7];
        content += &format!("{i}\t{rating}\tText number {}\r\n", i % 90);
        if rating <= -0.5 || rating >= 0.5 {
            rated.insert(i % 90);
        }
        content += &format!("{i}b\t{rating}\ttext, NUMBER {}!\r\n", i % 90);
    }
    let (_keep, dir) = folder("vader/tweets_GroundTruth.txt", content);
    let catalog = Catalog::embedded().unwrap();
    let task = catalog.task("tweets").unwrap();
    let all = load(task, &SplitRequest::new(&dir, Shots::Full, 1)).unwrap();
    let key = |text: &str| text.to_lowercase().replace([',', '!'], "");
    let mut keys: Vec<String> = [&all.train, &all.dev, &*all.test]
        .into_iter()
        .flatten()
        .map(|e| key(&e.text_a))
        .collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), count), (rated.len(), rated.len()));
    let other = load(task, &SplitRequest::new(&dir, shots(2), 7)).unwrap();
    assert_eq!(all.test, other.test);
    assert_eq!(test_texts(task, &dir).unwrap().len(), all.test.len());
    assert!((10..50).contains(&all.test.len()));
}

#[test]
fn a_text_lies_on_the_same_side_in_every_task() {
    let rows = |from: usize| -> String {
        (from..from + 100)
            .map(|i| format!("{i}\t1.0\tsnippet {i}\n"))
            .collect()
    };
    let (keep, dir) = folder("vader/tweets_GroundTruth.txt", rows(0));
    std::fs::write(
        dir.join("vader/movieReviewSnippets_GroundTruth.txt"),
        rows(50),
    )
    .unwrap();
    let catalog = Catalog::embedded().unwrap();
    let sides = |name: &str| {
        let splits = load(
            catalog.task(name).unwrap(),
            &SplitRequest::new(&dir, Shots::Full, 1),
        )
        .unwrap();
        let text = |e: dart_data::Example| e.text_a;
        let test: Vec<String> = splits.test.iter().cloned().map(text).collect();
        let pool: Vec<String> = splits
            .train
            .into_iter()
            .chain(splits.dev)
            .map(text)
            .collect();
        (pool, test)
    };
    let ((pool, test), (other_pool, other_test)) = (sides("tweets"), sides("movies"));
    assert!(pool.iter().all(|text| !other_test.contains(text)));
    assert!(test.iter().all(|text| !other_pool.contains(text)));
    drop(keep);
}

#[test]
fn a_broken_rating_or_row_is_an_error_or_dropped_as_the_catalog_says() {
    let catalog = Catalog::embedded().unwrap();
    let (_keep, dir) = folder("vader/tweets_GroundTruth.txt", "1\t1.0\ta\n2\thigh\tb\n");
    let request = SplitRequest::new(&dir, shots(1), 1);
    let error = load(catalog.task("tweets").unwrap(), &request).unwrap_err();
    assert_eq!(error.line(), Some(2));
    assert!(
        error.to_string().contains("rating \"high\" is no number"),
        "{error}"
    );

    let head = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n";
    let rows = "1\t2\t3\ta\tb\t0\n4\t5\t6\tcut\n7\t8\t9\tc\td\t1\n";
    let (_keep, dir) = folder("QQP/train.tsv", format!("{head}{rows}"));
    let splits = load(
        catalog.task("qqp").unwrap(),
        &SplitRequest::new(&dir, shots(1), 1),
    )
    .unwrap();
    assert_eq!(splits.train.len(), 2);
    let warnings: Vec<String> = splits.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("broken rows left out: 1")),
        "{warnings:?}"
    );
    assert!(
        warnings.iter().any(|w| w.contains("no test set")),
        "{warnings:?}"
    );
}
