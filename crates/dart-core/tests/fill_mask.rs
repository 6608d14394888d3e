//! What stands in a `[MASK]`, by the model's own probabilities.
#![allow(clippy::unwrap_used)]

mod common;

use common::goldens;
use dart_core::fill_mask::fill_mask;
use dart_core::lm::{LanguageModel, Mode, Shape};
use dart_core::tokenizer::Tokenizer;
use tch::{Device, Kind, Tensor};

/// Candidates of a padded batch are those of each text alone, computed here from the model's parts.
#[test]
fn fill_mask_gives_the_models_own_probabilities() {
    let dir = goldens().join("bert-tiny");
    let (model, tokenizer) = (LanguageModel::load(&dir), Tokenizer::load(&dir));
    let (model, tokenizer) = (model.unwrap(), tokenizer.unwrap());
    let texts = [
        "It was a [MASK] movie .",
        "[MASK]",
        "so [MASK] and not [MASK] !",
    ]
    .map(String::from);
    let filled = fill_mask(&model, &tokenizer, &texts, 1000).unwrap();
    let places = [(0, 4), (1, 1), (2, 2), (2, 5)];
    assert_eq!(filled.len(), places.len());
    for (got, (text, position)) in filled.iter().zip(places) {
        assert_eq!((&got.text, got.position), (&texts[text], position));
        let mut ids = vec![tokenizer.special().cls];
        ids.extend(tokenizer.encode(&texts[text]));
        ids.push(tokenizer.special().sep);
        assert_eq!(got.ids, ids);
        let seq = ids.len() as i64;
        let words = model.embeddings.index_select(0, &Tensor::from_slice(&ids));
        let shape = Shape {
            keep: Tensor::ones([1, seq], (Kind::Float, Device::Cpu)),
            segments: None,
        };
        let words = words.view([1, seq, -1]);
        let hidden = model.encode(&words, &shape, None, Mode::Evaluate).unwrap();
        let head = model.transform(&hidden.get(0)).unwrap();
        let logits = LanguageModel::decode(&head, &model.embeddings, &model.bias).unwrap();
        let wanted = logits.get(position as i64).softmax(-1, Kind::Double);
        assert_eq!(got.top.len(), 128, "no more than the vocabulary");
        assert!(
            got.top
                .windows(2)
                .all(|w| w[0].probability >= w[1].probability)
        );
        for candidate in &got.top {
            let wanted = wanted.double_value(&[candidate.id]);
            assert!(
                (candidate.probability - wanted).abs() < 1e-5,
                "{candidate:?}: {wanted}"
            );
            assert_eq!(candidate.token, tokenizer.token(candidate.id));
        }
    }
    assert_eq!(
        fill_mask(&model, &tokenizer, &texts, 3).unwrap()[2].top,
        filled[2].top[..3]
    );
}

#[test]
fn fill_mask_says_what_it_cannot_fill() {
    let dir = goldens().join("bert-tiny");
    let (model, tokenizer) = (LanguageModel::load(&dir), Tokenizer::load(&dir));
    let (model, tokenizer) = (model.unwrap(), tokenizer.unwrap());
    let error = |text: &str| {
        let filled = fill_mask(&model, &tokenizer, &[text.to_string()], 5);
        filled.unwrap_err().to_string()
    };
    assert!(error("a movie").contains("`a movie`: there is no [MASK]"));
    let long = format!("{}[MASK]", "movie ".repeat(16));
    assert!(
        error(&long).contains("19 tokens, the model takes 18"),
        "{}",
        error(&long)
    );
}
