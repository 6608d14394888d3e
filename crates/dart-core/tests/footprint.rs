//! The estimate of a run's memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{dart, goldens};
use dart_core::footprint::{Footprint, estimate};
use dart_core::lm::LanguageModel;
use dart_core::method::{Embeddings, HeadMethod, Method, PromptMethod, SentenceMethod, TrainPart};
use dart_core::train::{Precision, TrainSettings};

const MIB: f64 = 1024.0 * 1024.0;

fn settings() -> TrainSettings {
    TrainSettings {
        batch: 8,
        steps: 10,
        eval_every: 5,
        ..common::settings()
    }
}

fn of(method: &PromptMethod, settings: &TrainSettings) -> Footprint {
    let method = Method::Prompt(method.clone());
    estimate(&goldens().join("bert-tiny"), &method, settings, 3, &[18; 8]).unwrap()
}

/// Weights and what training keeps of them are counted, not guessed.
#[test]
fn weights_and_optimizer_are_what_the_model_has() {
    let lm = LanguageModel::load(&goldens().join("bert-tiny")).unwrap();
    let count = |trained: bool| -> f64 {
        let mut all = lm.parameters();
        if !trained {
            all.extend(lm.vocabulary_parameters());
        }
        all.iter().map(|p| p.tensor.numel() as f64).sum()
    };
    let memory = of(&dart(), &settings());
    assert!((memory.weights - 4.0 * count(false) / MIB).abs() < 1e-9);
    // The decoder's bias, one value a token, is counted though it is frozen.
    let bias = lm.config.vocab as f64;
    assert!((memory.training - 20.0 * (count(true) + bias) / MIB).abs() < 1e-9);
    let sharded = goldens().join("bert-tiny-sharded");
    let method = Method::Prompt(dart());
    let same = estimate(&sharded, &method, &settings(), 3, &[18; 8]).unwrap();
    assert!((same.weights - memory.weights).abs() < 1e-9);
}

#[test]
fn what_saves_memory_is_estimated_to_save_it() {
    let plain = of(&dart(), &settings());
    let with = |change: &dyn Fn(&mut TrainSettings)| {
        let mut settings = settings();
        change(&mut settings);
        of(&dart(), &settings)
    };
    assert!(with(&|s| s.recompute = true).activations < plain.activations);
    assert!(with(&|s| s.precision = Precision::BFloat16).activations < plain.activations);
    assert!(with(&|s| s.batch = 4).activations < plain.activations);
    assert!(with(&|s| s.max_length = 9).activations < plain.activations);
    assert_eq!(
        with(&|s| s.accumulation = 4),
        plain,
        "micro-batches follow each other"
    );
    let double = with(&|s| s.precision = Precision::Float64);
    assert!((double.weights - 2.0 * plain.weights).abs() < 1e-9);

    let method = |change: &dyn Fn(&mut PromptMethod)| {
        let mut method = dart();
        change(&mut method);
        of(&method, &settings())
    };
    assert!(method(&|m| m.fluency = None).activations < plain.activations);
    assert!(method(&|m| m.train = TrainPart::Prompt).training < plain.training);
    assert!(method(&|m| m.embeddings = Embeddings::Trained).training > plain.training);
    let zero_shot = method(&|m| {
        m.train = TrainPart::None;
        m.fluency = None;
    });
    assert_eq!((zero_shot.training, zero_shot.activations), (0.0, 0.0));
    assert!(zero_shot.peak < plain.peak);
}

/// SetFit's step embeds each example of the batch with two partners.
#[test]
fn pairs_are_counted_where_the_encoder_is_tuned_on_them() {
    let of = |method: &Method, batch: usize| {
        let settings = TrainSettings {
            batch,
            ..settings()
        };
        let model = goldens().join("bert-tiny");
        estimate(&model, method, &settings, 3, &[18; 24]).unwrap()
    };
    let (train, embeddings) = (TrainPart::Lm, Embeddings::Frozen);
    let sentence = |train| {
        Method::Sentence(SentenceMethod {
            train,
            embeddings,
            logreg_c: 1.0,
            encoder_prompt: None,
        })
    };
    let head = Method::Head(HeadMethod { train, embeddings });
    assert_eq!(of(&sentence(train), 8), of(&head, 24));
    assert!(of(&sentence(train), 8).activations > of(&head, 8).activations);
    assert_eq!(of(&sentence(TrainPart::None), 8).activations, 0.0);
}

#[test]
fn a_model_that_is_not_whole_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let from = goldens().join("bert-tiny");
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(from.join(name), dir.path().join(name)).unwrap();
    }
    let weights = dir.path().join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    let method = Method::Prompt(dart());
    for length in [0, 100, whole.len() - 1] {
        std::fs::write(&weights, &whole[..length]).unwrap();
        let refusal = estimate(dir.path(), &method, &settings(), 3, &[9]).unwrap_err();
        assert!(refusal.to_string().contains("fetch it again"), "{refusal}");
    }
}
