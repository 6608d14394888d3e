//! Labels and label words, as people and other programs write them.

use super::*;

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
