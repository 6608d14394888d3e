//! The learned rows are read back under their names, with the words that lie nearest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{dart, goldens, task, tensors};
use dart_core::classifier::PromptEncoder;
use dart_core::learned_rows::{LearnedRow, RowKind, learned};
use dart_core::lm::weights::write;
use dart_core::method::{
    LabelRows, Method, PromptEncoderKind, PromptMethod, RowInit, TemplateRows,
};
use dart_core::train::RunSpec;
use tch::Tensor;

fn read(method: &Method, state: &Path) -> Vec<LearnedRow> {
    let spec = RunSpec {
        model: &goldens().join("bert-tiny"),
        method,
        settings: &common::settings(),
        task: &task(),
        seed: 1,
        demonstrations: None,
    };
    learned(&spec, state, 2).unwrap()
}

/// Rows of these words with a little of another row mixed in.
fn rows(words: &[&str]) -> Tensor {
    let model = tensors(&goldens().join("bert-tiny/model.safetensors"));
    let (_, vocabulary) = model
        .iter()
        .find(|(name, _)| name.ends_with("word_embeddings.weight"))
        .unwrap();
    let text = std::fs::read_to_string(goldens().join("bert-tiny/vocab.txt")).unwrap();
    let list: Vec<&str> = text.lines().collect();
    let id = |word: &&str| list.iter().position(|w| w == word).unwrap() as i64;
    let row = |word| vocabulary.get(id(word)) + vocabulary.get(3) * 0.05;
    Tensor::stack(&words.iter().map(row).collect::<Vec<_>>(), 0)
}

#[test]
fn rows_have_names_values_and_neighbours() {
    let state = tempfile::tempdir().unwrap();
    let learned = rows(&["it", "was", ".", "terrible", "okay", "great"]);
    let tensors = BTreeMap::from([("pseudo.rows".to_owned(), learned.shallow_clone())]);
    write(&state.path().join("best.safetensors"), &tensors).unwrap();
    let read = read(&Method::Prompt(dart()), state.path());

    let named: Vec<(RowKind, &str, &str)> = read[..6]
        .iter()
        .map(|row| (row.kind, row.name.as_str(), row.near[0].as_str()))
        .collect();
    let (template, label) = (RowKind::Template, RowKind::Label);
    let expected = [
        (template, "it", "it"),
        (template, "was", "was"),
        (template, ".", "."),
        (label, "bad", "terrible"),
        (label, "okay", "okay"),
        (label, "good", "great"),
    ];
    assert_eq!(named, expected);
    for (i, row) in read[..6].iter().enumerate() {
        assert_eq!(
            row.values,
            Vec::<f32>::try_from(learned.get(i as i64)).unwrap()
        );
        assert_eq!(row.near.len(), 2);
    }
    // Each near word once.
    let words = &read[6..];
    let mut names: Vec<&str> = words.iter().map(|row| row.name.as_str()).collect();
    assert!(
        words
            .iter()
            .all(|row| row.kind == RowKind::Word && row.near.is_empty())
    );
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), words.len());
    for row in &read[..6] {
        assert!(row.near.iter().all(|word| names.contains(&word.as_str())));
    }
}

#[test]
fn only_what_is_pseudo_is_there() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("best.safetensors");
    let labels = Method::Prompt(PromptMethod {
        template: TemplateRows::Hard,
        labels: LabelRows::Pseudo {
            init: RowInit::Random,
        },
        ..dart()
    });
    let tensors = BTreeMap::from([("pseudo.rows".to_owned(), rows(&["sad", "okay", "fun"]))]);
    write(&path, &tensors).unwrap();
    let kinds: Vec<RowKind> = read(&labels, state.path())
        .iter()
        .map(|row| row.kind)
        .collect();
    assert_eq!(
        kinds[..4],
        [
            RowKind::Label,
            RowKind::Label,
            RowKind::Label,
            RowKind::Word
        ]
    );

    let none = Method::Prompt(PromptMethod {
        template: TemplateRows::Hard,
        labels: LabelRows::Words,
        ..dart()
    });
    write(
        &path,
        &BTreeMap::from([("x".to_owned(), Tensor::zeros([2, 2], tch::kind::FLOAT_CPU))]),
    )
    .unwrap();
    assert_eq!(read(&none, state.path()), []);
    assert_eq!(read(&Method::Majority, Path::new("nowhere")), []);
}

/// The free vectors of an encoded template are not what the model sees.
#[test]
fn rows_of_an_encoded_template_are_those_that_its_encoder_computes() {
    let kind = PromptEncoderKind::Lstm;
    let method = PromptMethod {
        template: TemplateRows::Encoded {
            init: RowInit::Manual,
            tokens: None,
            encoder: kind,
        },
        ..dart()
    };
    let state = tempfile::tempdir().unwrap();
    let free = rows(&["it", "was", ".", "terrible", "okay", "great"]);
    let options = (free.kind(), free.device());
    let encoder = PromptEncoder::new(kind, free.size()[1], 7, options).unwrap();
    let mut tensors = BTreeMap::from([("pseudo.rows".to_owned(), free.shallow_clone())]);
    tensors.extend(encoder.parameters().into_iter().map(|p| (p.name, p.tensor)));
    let path = state.path().join("best.safetensors");
    write(&path, &tensors).unwrap();

    let read = read(&Method::Prompt(method), state.path());
    let wanted = tch::no_grad(|| encoder.rows(&free, 3)).unwrap();
    for (i, row) in read[..6].iter().enumerate() {
        let wanted = Vec::<f32>::try_from(wanted.get(i as i64)).unwrap();
        assert_eq!(row.values, wanted, "{}", row.name);
    }
    assert_eq!(
        (read[1].name.as_str(), read[3].name.as_str()),
        ("was", "bad")
    );
    let label = Vec::<f32>::try_from(free.get(3)).unwrap();
    assert_eq!(read[3].values, label);
    assert_ne!(read[1].values, Vec::<f32>::try_from(free.get(1)).unwrap());
}
