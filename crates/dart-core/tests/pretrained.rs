//! Tokenizer and encoder on real weights against Hugging Face's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::{close, golden, goldens, minilm};
use dart_core::lm::{LanguageModel, Mode, Shape};
use dart_core::tokenizer::Tokenizer;
use serde::Deserialize;
use tch::{Kind, Tensor};

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<i64>,
}

fn rows(file: &str) -> Vec<Row> {
    std::fs::read_to_string(goldens().join(file))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Every string of a file gives Hugging Face's ids.
fn same_ids(file: &str, tokenizer: &Tokenizer) {
    let rows = rows(file);
    assert!(rows.len() > 40);
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| tokenizer.encode(&row.text) != row.ids)
        .map(|row| {
            let got = tokenizer.encode(&row.text);
            format!("{:?}: {got:?}, wanted {:?}", row.text, row.ids)
        })
        .collect();
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} differ:\n{}", wrong.join("\n"));
}

#[test]
fn wordpiece_ids_equal_hugging_face() {
    same_ids("wordpiece.jsonl", &Tokenizer::load(&minilm()).unwrap());
}

#[test]
fn wordpiece_ids_beside_a_mask_equal_hugging_face() {
    same_ids("wordpiece_mask.jsonl", &Tokenizer::load(&minilm()).unwrap());
}

/// A folder with these of the packaged encoder's tokenizer files.
fn folder_with(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::copy(minilm().join(file), dir.path().join(file)).unwrap();
    }
    dir
}

/// tokenizer.json with its settings, alone, and a bare vocab.txt all stand for one tokenizer, and
/// what tokenizer.json says of cutting and padding (128 tokens) is left to others.
#[test]
fn every_layout_of_a_tokenizer_gives_the_same_ids() {
    for files in [
        &["tokenizer.json"][..],
        &["vocab.txt"],
        &["vocab.txt", "tokenizer_config.json"],
    ] {
        let dir = folder_with(files);
        let tokenizer = Tokenizer::load(dir.path()).unwrap();
        same_ids("wordpiece.jsonl", &tokenizer);
        same_ids("wordpiece_mask.jsonl", &tokenizer);
        assert_eq!(tokenizer.encode(&"good ".repeat(200)).len(), 200);
        assert_eq!(tokenizer.len(), 30522);
        assert_eq!(
            (tokenizer.token(2204), tokenizer.token(-1)),
            ("good".into(), "[UNK]".into())
        );
    }
}

#[test]
fn tokenizer_settings_are_those_of_tokenizer_config() {
    for file in ["tokenizer.json", "vocab.txt"] {
        let dir = folder_with(&[file]);
        let ids = |settings: &str, text: &str| {
            std::fs::write(dir.path().join("tokenizer_config.json"), settings).unwrap();
            Tokenizer::load(dir.path()).unwrap().encode(text)
        };
        assert_eq!(ids("{}", "Good CAFÉ"), ids("{}", "good cafe"));
        // The vocabulary has no capital letters: unknown, and the word.
        assert_eq!(ids(r#"{"do_lower_case": false}"#, "Good good"), [100, 2204]);
        assert_ne!(ids(r#"{"strip_accents": false}"#, "é"), ids("{}", "é"));
    }
}

/// A line of wordpiece_settings.jsonl.
#[derive(Deserialize)]
struct SettingsRow {
    normalizer: serde_json::Map<String, serde_json::Value>,
    config: serde_json::Value,
    ids: BTreeMap<String, Vec<i64>>,
}

#[test]
fn settings_stand_over_tokenizer_json_as_in_hugging_face() {
    let text = std::fs::read_to_string(minilm().join("tokenizer.json")).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = std::fs::read_to_string(goldens().join("wordpiece_settings.jsonl")).unwrap();
    assert!(rows.lines().count() > 8);
    for line in rows.lines() {
        let row: SettingsRow = serde_json::from_str(line).unwrap();
        let mut changed = whole.clone();
        for (key, value) in row.normalizer {
            changed["normalizer"][key] = value;
        }
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &serde_json::Value| {
            std::fs::write(dir.path().join(name), value.to_string()).unwrap();
        };
        write("tokenizer.json", &changed);
        write("tokenizer_config.json", &row.config);
        write("config.json", &serde_json::json!({"model_type": "bert"}));
        let tokenizer = Tokenizer::load(dir.path()).unwrap();
        for (text, ids) in row.ids {
            assert_eq!(tokenizer.encode(&text), ids, "{text}: {line}");
        }
    }
}

#[test]
fn tokenizers_that_cannot_be_used_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = || Tokenizer::load(dir.path()).err().unwrap().to_string();
    assert!(error().contains("no tokenizer.json and no vocab.txt"));
    std::fs::write(
        dir.path().join("vocab.txt"),
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\ngood\n",
    )
    .unwrap();
    assert!(error().contains("no `[MASK]`"), "{}", error());
    std::fs::write(dir.path().join("tokenizer.json"), "{").unwrap();
    assert!(error().contains("tokenizer.json"), "{}", error());
}

/// `forward`'s inputs from a golden file: looked-up words and the batch's shape.
fn inputs(model: &LanguageModel, golden: &BTreeMap<String, Tensor>) -> (Tensor, Shape) {
    let ids = &golden["input_ids"];
    let words = model.embeddings.index_select(0, &ids.reshape([-1]));
    let (batch, seq) = ids.size2().unwrap();
    let shape = Shape {
        keep: golden["attention_mask"].to_kind(Kind::Float),
        segments: Some(golden["token_type_ids"].shallow_clone()),
    };
    (words.view([batch, seq, -1]), shape)
}

#[test]
fn minilm_equals_hugging_face() {
    let (model, golden) = (
        LanguageModel::load_encoder(&minilm()).unwrap(),
        golden("minilm"),
    );
    let (words, shape) = inputs(&model, &golden);
    let hidden = model.encode(&words, &shape, None, Mode::Evaluate).unwrap();
    let tokens = shape.keep.unsqueeze(-1);
    let first = hidden.narrow(2, 0, 8);
    close(
        "hidden states",
        &(&first * &tokens),
        &(&golden["hidden_first_8"] * &tokens),
        1e-5,
    );
    let sum = (&hidden * &tokens).sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    let mean = sum / tokens.sum_dim_intlist([1i64].as_slice(), false, Kind::Float);
    let norm = mean.norm_scalaropt_dim(2, [1i64].as_slice(), true);
    close("sentences", &(mean / norm), &golden["sentence"], 1e-6);
}

/// The ids that stand in the golden batch are those that our tokenizer gives its sentences.
#[test]
fn minilm_sentences_have_hugging_faces_ids() {
    let tokenizer = Tokenizer::load(&minilm()).unwrap();
    let text = std::fs::read_to_string(goldens().join("minilm/sentences.json")).unwrap();
    let sentences: Vec<String> = serde_json::from_str(&text).unwrap();
    let golden = golden("minilm");
    for (i, sentence) in sentences.iter().enumerate() {
        let special = tokenizer.special();
        let mut ids = vec![special.cls];
        ids.extend(tokenizer.encode(sentence));
        ids.push(special.sep);
        let row = golden["input_ids"].get(i as i64);
        assert_eq!(
            Vec::<i64>::try_from(&row.narrow(0, 0, ids.len() as i64)).unwrap(),
            ids
        );
    }
}
