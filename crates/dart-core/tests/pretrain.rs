//! Masked-token training: it learns, touches one row of the vocabulary, and resumes to the bit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;

use common::without_dropout;
use dart_core::CoreError;
use dart_core::control::Control;
use dart_core::lm::LanguageModel;
use dart_core::lm::weights::write;
use dart_core::pretrain::{Blocks, PretrainReport, PretrainSettings, Pretraining, score};
use dart_core::rng::Rng;
use dart_core::tokenizer::Tokenizer;
use tempfile::TempDir;

fn pretrain_settings() -> PretrainSettings {
    PretrainSettings {
        block: 12,
        held_out: 0.1,
        batch: 8,
        steps: 200,
        mask_rate: 0.3,
        mask_rate_end: 0.15,
        learning_rate: 3e-3,
        warmup: 0.1,
        beta1: 0.9,
        beta2: 0.98,
        eps: 1e-6,
        weight_decay: 0.01,
        clip: 1.0,
        head_scale: 1.0,
        eval_every: 100,
        save_every: 1000,
        seed: 7,
        threads: 1,
    }
}

/// bert-tiny's encoder as a base checkpoint, and blocks of two sentences over and over.
fn toy_corpus() -> (TempDir, Tokenizer, Blocks) {
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let mut rng = Rng::new(3, "corpus", &[]);
    let mut ids = Vec::new();
    for _ in 0..400 {
        let sentence = ["the movie was great .", "a book is not so bad ,"][rng.below(2)];
        ids.extend(tokenizer.encode(sentence));
    }
    let blocks = Blocks::cut(&[ids], tokenizer.special(), &pretrain_settings());
    (dir, tokenizer, blocks)
}

fn start(dir: &Path, tokenizer: &Tokenizer, blocks: &Blocks, s: &PretrainSettings) -> Pretraining {
    let model = LanguageModel::load_encoder(dir).unwrap();
    Pretraining::new(model, tokenizer.special(), s, blocks).unwrap()
}

#[test]
fn threads_that_libtorch_cannot_compute_with_are_refused() {
    let (dir, tokenizer, blocks) = toy_corpus();
    for threads in [0, 1025, usize::MAX] {
        let settings = PretrainSettings {
            threads,
            ..pretrain_settings()
        };
        let model = LanguageModel::load_encoder(dir.path()).unwrap();
        let refusal = Pretraining::new(model, tokenizer.special(), &settings, &blocks);
        let refusal = refusal.err().unwrap().to_string();
        assert!(refusal.starts_with("`threads` is "), "{refusal}");
    }
}

#[test]
fn blocks_are_cut_and_held_out_by_file() {
    let (_dir, tokenizer, blocks) = toy_corpus();
    let special = tokenizer.special();
    let count = blocks.train.len() + blocks.held_out.len();
    assert_eq!(blocks.held_out.len(), (count / 10).max(8));
    for block in blocks.train.iter().chain(&blocks.held_out) {
        assert_eq!(
            (block.len(), block[0], block[11]),
            (12, special.cls, special.sep)
        );
    }
    let small = Blocks::cut(&[vec![20; 95], vec![21; 9]], special, &pretrain_settings());
    assert_eq!((small.train.len(), small.held_out.len()), (1, 8));
}

#[test]
fn masked_token_training_learns_and_touches_one_row_of_the_vocabulary() {
    let (dir, tokenizer, blocks) = toy_corpus();
    let settings = pretrain_settings();
    let state = dir.path().join("state.safetensors");
    let mut training = start(dir.path(), &tokenizer, &blocks, &settings);
    let before = training.score(&blocks.held_out).unwrap();
    let mut reports = Vec::new();
    let after = training
        .run(&blocks, &state, &mut |report: &PretrainReport| {
            reports.push(report.clone());
            Control::Continue
        })
        .unwrap();
    assert!(
        after.loss < 0.7 * before.loss && after.top1 > before.top1,
        "{before:?} {after:?}"
    );
    assert!(after.top1 <= after.top5 && after.top5 <= 1.0);
    assert_eq!(reports.len(), 202);

    let exported = training.export().unwrap();
    let out = tempfile::tempdir().unwrap();
    write(&out.path().join("model.safetensors"), &exported).unwrap();
    for file in ["config.json", "vocab.txt"] {
        std::fs::copy(dir.path().join(file), out.path().join(file)).unwrap();
    }
    let model = LanguageModel::load(out.path()).unwrap();
    let original = LanguageModel::load(dir.path()).unwrap();
    let half = original
        .embeddings
        .to_kind(tch::Kind::Half)
        .to_kind(tch::Kind::Float);
    let differs = model.embeddings.ne_tensor(&half).any_dim(1, false);
    let rows = Vec::<i64>::try_from(&differs.nonzero().reshape([-1])).unwrap();
    assert_eq!(rows, [tokenizer.special().mask]);

    // The exported model scores as the trained one, up to float16.
    let scores = score(model, tokenizer.special(), &settings, &blocks.held_out).unwrap();
    assert!(
        (scores.loss - after.loss).abs() < 0.02,
        "{scores:?} {after:?}"
    );
}

#[test]
fn masked_token_training_decays_matrices_alone() {
    let (dir, tokenizer, blocks) = toy_corpus();
    let after = |weight_decay: f64| {
        let settings = PretrainSettings {
            steps: 1,
            learning_rate: 0.05,
            warmup: 0.0,
            weight_decay,
            ..pretrain_settings()
        };
        let state = dir.path().join(format!("{weight_decay}.safetensors"));
        let mut training = start(dir.path(), &tokenizer, &blocks, &settings);
        training
            .run(&blocks, &state, &mut |_| Control::Continue)
            .unwrap();
        training.export().unwrap()
    };
    let (plain, decayed) = (after(0.0), after(0.5));
    for (name, tensor) in &plain {
        let matrix =
            name.ends_with("weight") && !name.contains("LayerNorm") && !name.contains("embeddings");
        assert_eq!(*tensor != decayed[name], matrix, "{name}");
    }
}

#[test]
fn resumed_masked_token_training_equals_an_undisturbed_one() {
    let (dir, tokenizer, blocks) = toy_corpus();
    let settings = PretrainSettings {
        steps: 14,
        eval_every: 5,
        save_every: 4,
        ..pretrain_settings()
    };
    let finished = |stops: &[usize]| {
        let out = tempfile::tempdir().unwrap();
        let state = out.path().join("state.safetensors");
        for &stop in stops {
            let mut training = start(dir.path(), &tokenizer, &blocks, &settings);
            training.resume(&state).unwrap();
            let stopped = training.run(&blocks, &state, &mut |report| match report {
                PretrainReport::Step { step, .. } if *step == stop => Control::Stop,
                _ => Control::Continue,
            });
            assert!(matches!(stopped, Err(CoreError::Interrupted)));
            assert_eq!(training.step(), stop);
        }
        let mut training = start(dir.path(), &tokenizer, &blocks, &settings);
        training.resume(&state).unwrap();
        let scores = training
            .run(&blocks, &state, &mut |_| Control::Continue)
            .unwrap();
        let file = out.path().join("model.safetensors");
        write(&file, &training.export().unwrap()).unwrap();
        (std::fs::read(&file).unwrap(), scores)
    };
    let undisturbed = finished(&[]);
    assert!(finished(&[5, 7]) == undisturbed);
    assert!(finished(&[13]) == undisturbed);
}

#[test]
fn masked_token_training_refuses_a_damaged_or_foreign_state() {
    let (dir, tokenizer, blocks) = toy_corpus();
    let settings = PretrainSettings {
        steps: 2,
        ..pretrain_settings()
    };
    let state = dir.path().join("state.safetensors");
    let mut training = start(dir.path(), &tokenizer, &blocks, &settings);
    training
        .run(&blocks, &state, &mut |_| Control::Continue)
        .unwrap();
    let resume = |settings: &PretrainSettings| {
        let mut training = start(dir.path(), &tokenizer, &blocks, settings);
        training.resume(&state).map(|()| training.step())
    };
    assert_eq!(resume(&settings).unwrap(), 2);
    let other = PretrainSettings {
        learning_rate: 1e-3,
        ..settings.clone()
    };
    let error = resume(&other).unwrap_err().to_string();
    assert!(error.contains("other settings"), "{error}");
    let mut less = blocks.clone();
    less.train.pop();
    let mut training = start(dir.path(), &tokenizer, &less, &settings);
    let error = training.resume(&state).unwrap_err().to_string();
    assert!(error.contains("other text"), "{error}");
    let bytes = std::fs::read(&state).unwrap();
    std::fs::write(&state, &bytes[..bytes.len() / 3]).unwrap();
    let error = resume(&settings).unwrap_err().to_string();
    assert!(error.contains("not a complete safetensors"), "{error}");
}
