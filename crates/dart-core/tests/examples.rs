//! The programs in `examples/` do what they say.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[path = "../examples/fill_mask.rs"]
#[allow(dead_code)]
mod fill_mask;
#[path = "../examples/predict.rs"]
#[allow(dead_code)]
mod predict;
#[path = "../examples/train_dart.rs"]
#[allow(dead_code)]
mod train_dart;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/minilm-mlm");

#[test]
fn a_mask_is_filled() {
    let likeliest = fill_mask::likeliest(Path::new(MODEL), "It was a [MASK] movie.").unwrap();
    let tokens: Vec<&str> = likeliest.iter().map(|c| c.token.as_str()).collect();
    assert_eq!(tokens.len(), 5);
    assert_eq!(tokens[0], "good", "{tokens:?}");
}

#[test]
fn what_is_trained_is_read_back_and_classifies() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("mine");
    let joy = "A joy from start to end.";
    let answer = train_dart::train(Path::new(MODEL), &out, joy).unwrap();
    assert!(answer[1] > 0.5, "{answer:?}");
    let texts = [joy, "A dull and stupid film."].map(String::from);
    let labels = predict::classify(&out, &texts).unwrap();
    assert_eq!(labels, ["positive", "negative"]);
}

#[test]
fn the_readme_shows_a_part_of_an_example() {
    let readme = include_str!("../../../README.md");
    let (_, code) = readme.split_once("```rust\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    assert!(include_str!("../examples/predict.rs").contains(code));
}
