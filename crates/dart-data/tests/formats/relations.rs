//! Relation data.

use super::*;

const FEWREL: &str = r#"{"P1": [
  {"tokens": ["New", "Bridge", " ", "is", "a", "bridge", "."],
   "h": ["new bridge", "Q1", [[0, 1], [5]]], "t": ["dot", "Q2", [[4, 6]]]},
  {"tokens": ["x"], "h": ["x", "Q1", [[0]]], "t": ["y", "Q2", [[1]]]}],
 "P2": [{"tokens": ["é", "y"], "h": ["é", "Q1", [[0]]], "t": ["y", "Q2", [[1]]]}]}"#;

#[test]
fn fewrel_has_several_and_discontinuous_mentions() {
    let found = rows("{format: fewrel}", FEWREL);
    assert_eq!(
        found.texts(),
        [("P1", "New Bridge   is a bridge ."), ("P2", "é y")]
    );
    assert_eq!(
        found.mentions(0),
        (vec!["New Bridge", "bridge"], vec!["a", "."])
    );
    assert_eq!(found.mentions(1), (vec!["é"], vec!["y"]));
    let (line, error) = found.only_error();
    assert_eq!(line, Some(1));
    assert!(
        error.contains("instance 1: an entity stands at tokens 1..2 of 1"),
        "{error}"
    );
}

#[test]
fn json_that_is_cut_off_gives_what_came_before_and_one_error() {
    let cut = &FEWREL[..FEWREL.find("\"P2\"").unwrap() + 20];
    let found = rows("{format: fewrel}", cut);
    assert_eq!(found.rows.len(), 1);
    assert_eq!(found.errors.len(), 2);
    let error = found.errors[1].to_string();
    assert!(
        error.contains("after 2 instances") && error.contains("EOF"),
        "{error}"
    );
    for wrong in ["[]", "{\"P1\": 3}", "{}{}", "{\"P1\": [{\"tokens\": 3}]}"] {
        assert!(
            rows("{format: fewrel}", wrong).only_error().0 == Some(1),
            "{wrong}"
        );
    }
}

#[test]
fn tacred_ends_are_inclusive_and_types_are_kept() {
    let sentence = r#"{"id": "e", "relation": "per:title", "token": ["He", "is", "vice", "president"],
        "subj_start": 0, "subj_end": 0, "obj_start": 2, "obj_end": 3, "subj_type": "PERSON",
        "obj_type": "TITLE", "stanford_ner": []}"#;
    let found = rows("{format: tacred}", format!("[{sentence}]"));
    assert!(found.errors.is_empty(), "{:?}", found.errors);
    assert_eq!(found.texts(), [("per:title", "He is vice president")]);
    assert_eq!(found.mentions(0), (vec!["He"], vec!["vice president"]));
    assert_eq!(
        found.rows[0].3.as_ref().unwrap().tail.kind.as_deref(),
        Some("TITLE")
    );
    let outside = sentence.replace("\"obj_end\": 3", "\"obj_end\": 18446744073709551615");
    let (_, error) = rows("{format: tacred}", format!("[{outside}]")).only_error();
    assert!(error.contains("instance 0"), "{error}");
}

#[test]
fn token_lines_and_character_lines() {
    let content = concat!(
        r#"{"token": ["the", "crane", "arm"], "h": {"name": "crane", "pos": [1, 2]}, "#,
        r#""t": {"name": "arm", "id": "Q5", "pos": [2, 3]}, "relation": "R(e2,e1)"}"#,
        "\n",
        r#"{"text": "é of b", "h": {"pos": [0, 1]}, "t": {"pos": [5, 6]}, "relation": "R"}"#,
        "\n",
        r#"{"token": ["a"], "h": {"pos": [0, 2]}, "t": {"pos": [0, 1]}, "relation": "R"}"#,
        "\n",
        r#"{"h": {"pos": [0, 2]}, "t": {"pos": [0, 1]}, "relation": "R"}"#,
        "\n",
    );
    let found = rows("{format: token-jsonl}", content);
    assert_eq!(
        found.texts(),
        [("R(e2,e1)", "the crane arm"), ("R", "é of b")]
    );
    assert_eq!(found.mentions(0), (vec!["crane"], vec!["arm"]));
    assert_eq!(found.mentions(1), (vec!["é"], vec!["b"]));
    assert_eq!(
        found.errors.iter().map(DataError::line).collect::<Vec<_>>(),
        [Some(3), Some(4)]
    );
}

#[test]
fn semeval_text_and_marked_lines() {
    let content = "8001\t\"The <e1>audits</e1> were about <e2>waste</e2>.\"\r\nMessage-Topic(e1,e2)\r\n\
                   Comment: the \"news\"\r\n\r\n8002\t\"No <e1>tag</e1> here.\"\nOther\nComment:\n\n\
                   8003\t\"<e2>A</e2> <e1>B</e1>\"\nOther\n\n8004\t\"<e1>C</e1> <e2>D</e2>\"\n";
    let found = rows("{format: semeval-text}", content);
    let expected = [
        ("Message-Topic(e1,e2)", "The audits were about waste."),
        ("Other", "A B"),
    ];
    assert_eq!(found.texts(), expected);
    assert_eq!(found.mentions(1), (vec!["B"], vec!["A"]));
    assert_eq!(
        found.errors.iter().map(DataError::line).collect::<Vec<_>>(),
        [Some(5), Some(12)]
    );

    let content = "{\"text\": \"<< Aspirin >> inhibits [[ COX-1 ]].\", \"label\": \"INHIBITOR\", \
                   \"metadata\": []}\n";
    let found = rows("{format: marked-jsonl}", content);
    assert_eq!(found.texts(), [("INHIBITOR", "Aspirin inhibits COX-1.")]);
    assert_eq!(found.mentions(0), (vec!["Aspirin"], vec!["COX-1"]));
}

#[test]
fn relations_and_ratings_written_as_k_shot_folders_load_again() {
    let mention = |pos: &str| format!("[\"name\", \"Q1\", {pos}]");
    let instance = |i: usize| {
        let (head, tail) = (mention("[[0, 2], [3]]"), mention("[[1]]"));
        format!("{{\"tokens\": [\"é{i}\", \"b\", \"c\", \"d\"], \"h\": {head}, \"t\": {tail}}}")
    };
    let list = |from: usize| {
        (from..from + 12)
            .map(instance)
            .collect::<Vec<_>>()
            .join(",")
    };
    let relations = ["P177", "P364", "P2094"];
    let all: Vec<_> = relations
        .iter()
        .map(|r| format!("\"{r}\": [{}]", list(r.len())))
        .collect();
    let (_keep, fewrel) = folder("fewrel/val_wiki.json", format!("{{{}}}", all.join(",")));
    let row = |i: usize| format!("{i}\t{}\ttext {i}\n", (i % 3) as f64 - 1.0);
    let ratings: String = (0..90).map(row).collect();
    let (_keep, vader) = folder("vader/news_or_not.txt", "");
    std::fs::write(
        vader.join("vader/nytEditorialSnippets_GroundTruth.txt"),
        ratings,
    )
    .unwrap();

    let catalog = Catalog::embedded().unwrap();
    for (name, dir, count) in [("fewrel-val", fewrel, 9), ("news", vader, 6)] {
        let task = catalog.task(name).unwrap();
        let request = SplitRequest::new(&dir, shots(3), 13);
        let drawn = load(task, &request).unwrap();
        assert_eq!((drawn.given, drawn.train.len()), (false, count), "{name}");
        dart_data::write_kshot(task, &request, &dir.join("k-shot")).unwrap();
        let given = load(task, &request).unwrap();
        assert!(given.given, "{name}");
        for (given, drawn) in [(&given.train, &drawn.train), (&given.dev, &drawn.dev)] {
            let plain = |e: &dart_data::Example| (e.text_a.clone(), e.entities.clone(), e.label);
            let (given, drawn): (Vec<_>, Vec<_>) = (
                given.iter().map(plain).collect(),
                drawn.iter().map(plain).collect(),
            );
            assert_eq!(given, drawn, "{name}");
        }
        assert_eq!(given.test.len(), drawn.test.len(), "{name}");
    }
}
