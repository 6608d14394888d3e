//! Files of every kind.

use super::*;

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
