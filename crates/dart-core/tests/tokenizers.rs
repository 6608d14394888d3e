//! Tokenizers of every kind against Hugging Face's on the same files (tests/goldens/tokenizers,
//! made by scripts/goldens/make_tokenizers.py).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{example, goldens};
use dart_core::method::LabelPieces;
use dart_core::prompt::{InputEncoder, Template, Verbalizer};
use dart_core::tokenizer::Tokenizer;
use dart_data::Example;
use serde::Deserialize;

const NAMES: [&str; 8] = [
    "roberta",
    "gpt2",
    "deberta",
    "albert",
    "xlm-roberta",
    "deberta-v2",
    "modernbert",
    "mpnet",
];

fn folder(name: &str) -> PathBuf {
    goldens().join("tokenizers").join(name)
}

fn tokenizer(name: &str) -> Tokenizer {
    Tokenizer::load(&folder(name)).unwrap()
}

fn json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(folder(name)).unwrap()).unwrap()
}

fn lines<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(folder(name)).unwrap();
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

/// Asserts that every awkward string gets the expected ids.
fn same_ids(what: &str, tokenizer: &Tokenizer, wanted: &[Vec<i64>]) {
    let texts: Vec<String> = json("texts.json");
    assert_eq!(texts.len(), wanted.len());
    assert!(texts.len() > 400);
    let mask = tokenizer.mask_token().unwrap_or("[MASK]");
    let mut wrong = Vec::new();
    for (text, wanted) in texts.iter().zip(wanted) {
        let got = tokenizer.encode(&text.replace("[MASK]", mask));
        if got != *wanted {
            let pieces: Vec<_> = got.iter().map(|id| tokenizer.token(*id)).collect();
            wrong.push(format!("{text:?}: {got:?} {pieces:?}, wanted {wanted:?}"));
        }
    }
    let count = wrong.len();
    assert!(
        wrong.is_empty(),
        "{what}: {count} differ:\n{}",
        wrong.join("\n")
    );
}

#[derive(Deserialize)]
struct Framed {
    a: String,
    b: String,
    one: Vec<i64>,
    one_segments: Vec<i64>,
    two: Vec<i64>,
    two_segments: Vec<i64>,
}

/// Asserts that one text and two are framed as transformers frames them.
fn same_frame(what: &str, tokenizer: &Tokenizer, wanted: &Framed) {
    let pair = |text_b: Option<&String>| Example {
        text_b: text_b.cloned(),
        ..example(0, &wanted.a, 0)
    };
    let encoder = InputEncoder::head(64);
    let one = encoder.encode(&pair(None), tokenizer).unwrap();
    let two = encoder.encode(&pair(Some(&wanted.b)), tokenizer).unwrap();
    assert_eq!(one.ids, wanted.one, "{what}");
    assert_eq!(two.ids, wanted.two, "{what}");
    assert_eq!(one.segments, wanted.one_segments, "{what}");
    if !tokenizer.frame().between.is_empty() {
        assert_eq!(two.segments, wanted.two_segments, "{what}");
    }
}

#[test]
fn ids_equal_hugging_face() {
    for name in NAMES {
        let wanted: Vec<Vec<i64>> = lines(&format!("{name}.jsonl"));
        same_ids(name, &tokenizer(name), &wanted);
    }
}

#[test]
fn texts_are_framed_as_hugging_face_does() {
    let frames: BTreeMap<String, Framed> = json("frames.json");
    assert_eq!(frames.len(), NAMES.len() + 4);
    for (name, wanted) in frames {
        same_frame(&name, &tokenizer(&name), &wanted);
    }
}

#[derive(Deserialize)]
struct Variant {
    of: String,
    files: BTreeMap<String, serde_json::Value>,
    size: usize,
    frame: Framed,
    differ: BTreeMap<usize, Vec<i64>>,
}

/// Settings and special tokens in the files beside a vocabulary mean what they mean to
/// transformers, and `save_pretrained`'s layout is the bare files' equal.
#[test]
fn settings_and_special_tokens_are_those_of_the_files_beside() {
    let variants: Vec<Variant> = lines("variants.jsonl");
    assert!(variants.iter().filter(|v| !v.differ.is_empty()).count() > 5);
    for variant in variants {
        let dir = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(folder(&variant.of)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
        }
        for (file, value) in &variant.files {
            std::fs::write(dir.path().join(file), value.to_string()).unwrap();
        }
        let what = format!("{} with {:?}", variant.of, variant.files);
        let tokenizer = Tokenizer::load(dir.path()).unwrap();
        let base = variant.of.trim_end_matches("-json");
        let mut wanted: Vec<Vec<i64>> = lines(&format!("{base}.jsonl"));
        for (i, ids) in variant.differ {
            wanted[i] = ids;
        }
        same_ids(&what, &tokenizer, &wanted);
        assert_eq!(tokenizer.len(), variant.size, "{what}");
        same_frame(&what, &tokenizer, &variant.frame);
    }
}

#[test]
fn special_tokens_have_the_families_own_ids() {
    let ids = |name: &str| {
        let special = tokenizer(name).special();
        let s = [special.cls, special.pad, special.sep, special.unknown];
        (s, special.mask)
    };
    let last = |name: &str| tokenizer(name).len() as i64 - 1;
    assert_eq!(ids("roberta"), ([0, 1, 2, 3], last("roberta")));
    assert_eq!(ids("xlm-roberta"), ([0, 1, 2, 3], last("xlm-roberta")));
    assert_eq!(ids("deberta"), ([1, 0, 2, 3], last("deberta")));
    assert_eq!(ids("albert"), ([2, 0, 3, 1], 4));
    assert_eq!(ids("deberta-v2"), ([1, 0, 2, 3], last("deberta-v2")));
    assert_eq!(ids("mpnet"), ([0, 1, 2, 6], last("mpnet")));
    assert_eq!(tokenizer("mpnet").token(6), "[UNK]", "not <unk>");
    let gpt2 = tokenizer("gpt2");
    assert_eq!(ids("gpt2"), ([last("gpt2"); 4], last("gpt2")));
    assert_eq!(gpt2.mask_token(), None);
    assert!(gpt2.frame().start.is_empty() && gpt2.frame().end.is_empty());
    for name in NAMES {
        let tokenizer = tokenizer(name);
        let special = tokenizer.special();
        for id in [
            special.cls,
            special.sep,
            special.mask,
            special.pad,
            special.unknown,
        ] {
            assert!(tokenizer.is_special(id), "{name} {id}");
        }
        let word = tokenizer.encode("great");
        assert!(word.iter().all(|&id| !tokenizer.is_special(id)), "{name}");
    }
}

/// LM-BFF's prompt for one text: ` It was`, the mask and `.` directly after it.
#[test]
fn prompts_have_their_spaces_where_lm_bff_has_them() {
    let check = |name: &str, template: &str, pieces: &[&str]| {
        let tokenizer = tokenizer(name);
        let template = Template::parse(template).unwrap();
        let encoder = InputEncoder::prompt(&template, None, &tokenizer, 64).unwrap();
        let example = Example {
            text_b: Some("It was good".into()),
            ..example(0, "The movie", 0)
        };
        let encoded = encoder.encode(&example, &tokenizer).unwrap();
        let got: Vec<String> = encoded.ids.iter().map(|id| tokenizer.token(*id)).collect();
        assert_eq!(got, pieces, "{name}");
        assert_eq!(encoded.ids[encoded.slot], tokenizer.special().mask);
        assert_eq!(encoded.segments, vec![0; encoded.ids.len()]);
    };
    let plain = "{a} It was [MASK] .";
    check(
        "roberta",
        plain,
        &[
            "<s>", "The", "Ġmovie", "Ġ", "It", "Ġwas", "<mask>", ".", "</s>",
        ],
    );
    check(
        "roberta",
        "{a:chop} ? [MASK] , {b:lower}",
        &[
            "<s>", "The", "Ġmov", "i", "?", "<mask>", ",", "Ġit", "Ġwas", "Ġgood", "</s>",
        ],
    );
    check(
        "roberta",
        "[MASK] : {a}",
        &["<s>", "<mask>", ":", "Ġ", "The", "Ġmovie", "</s>"],
    );
    check(
        "deberta",
        plain,
        &[
            "[CLS]", "The", "Ġmovie", "Ġ", "It", "Ġwas", "[MASK]", ".", "[SEP]",
        ],
    );
    check(
        "mpnet",
        plain,
        &["<s>", "the", "movie", "it", "was", "<mask>", ".", "</s>"],
    );
    check(
        "xlm-roberta",
        plain,
        &[
            "<s>", "▁Th", "e", "▁movie", "▁It", "▁was", "<mask>", "▁.", "</s>",
        ],
    );
    check(
        "deberta-v2",
        plain,
        &[
            "[CLS]", "▁Th", "e", "▁movie", "▁It", "▁was", "[MASK]", "▁.", "[SEP]",
        ],
    );
}

/// ` great` is one token and `great` another; the label word is the one inside a sentence.
#[test]
fn label_words_are_single_tokens_with_their_space() {
    let words = ["great", "terrible"].map(String::from);
    for (name, wanted) in [
        ("roberta", ["Ġgreat", "Ġterrible"]),
        ("deberta", ["Ġgreat", "Ġterrible"]),
        ("modernbert", ["Ġgreat", "Ġterrible"]),
        ("albert", ["▁great", "▁terrible"]),
        ("xlm-roberta", ["▁great", "▁terrible"]),
    ] {
        let tokenizer = tokenizer(name);
        let verbalizer = Verbalizer::new(&words, LabelPieces::Mean, &tokenizer).unwrap();
        for (pieces, wanted) in verbalizer.pieces.iter().zip(wanted) {
            let got: Vec<String> = pieces.iter().map(|id| tokenizer.token(*id)).collect();
            assert_eq!(got, [wanted], "{name}");
        }
    }
}

#[test]
fn a_prompt_needs_a_mask_token() {
    let template = Template::parse("{a} It was [MASK] .").unwrap();
    let tokenizer = tokenizer("gpt2");
    let encoder = InputEncoder::prompt(&template, None, &tokenizer, 64).unwrap();
    let error = encoder
        .encode(&example(0, "movie", 0), &tokenizer)
        .unwrap_err();
    assert!(error.to_string().contains("no mask token"), "{error}");
}

/// A copy of a folder with one file replaced.
fn broken(name: &str, file: &str, text: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder(name)).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    std::fs::write(dir.path().join(file), text).unwrap();
    Tokenizer::load(dir.path()).err().unwrap().to_string()
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let pairs = {
        // A trainer's settings that say: byte pairs.
        let mut bytes = std::fs::read(folder("albert").join("spiece.model")).unwrap();
        bytes.extend([0x12, 2, 0x18, 2]);
        bytes
    };
    let cases: [(&str, &str, &[u8], [&str; 2]); 8] = [
        (
            "albert",
            "spiece.model",
            b"<html>",
            ["spiece.model", "not a sentencepiece model"],
        ),
        (
            "albert",
            "spiece.model",
            &pairs,
            ["not of the unigram kind", "tokenizer.json"],
        ),
        (
            "roberta",
            "vocab.json",
            b"{\"a\": 0}",
            ["vocab.json", "out of vocabulary"],
        ),
        (
            "roberta",
            "config.json",
            b"{\"model_type\": \"deberta\"}",
            ["no `[UNK]` in it", "save_pretrained"],
        ),
        (
            "roberta",
            "tokenizer_config.json",
            b"[]",
            ["tokenizer_config.json", "map"],
        ),
        (
            "roberta",
            "tokenizer_config.json",
            b"{\"mask_token\": 3}",
            ["tokenizer_config.json", "`mask_token`"],
        ),
        (
            "modernbert",
            "tokenizer_config.json",
            b"{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}",
            ["tokenizer.json", "name it in tokenizer_config.json"],
        ),
        (
            "roberta",
            "tokenizer_config.json",
            b"{\"tokenizer_class\": \"T5Tokenizer\"}",
            ["no tokenizer.json", "save_pretrained"],
        ),
    ];
    for (name, file, text, parts) in cases {
        let error = broken(name, file, text);
        for part in parts {
            assert!(error.contains(part), "{file}: {error}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(
        folder("roberta").join("vocab.json"),
        dir.path().join("vocab.json"),
    )
    .unwrap();
    std::fs::write(
        dir.path().join("config.json"),
        "{\"model_type\": \"roberta\"}",
    )
    .unwrap();
    let error = Tokenizer::load(dir.path()).err().unwrap().to_string();
    assert!(error.contains("no tokenizer.json and no vocab.json with merges.txt"));
}
