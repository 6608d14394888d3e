//! Optimisation in two stages, pseudo rows first, and weight decay on embeddings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use common::{StopAfter, close, dart, example, goldens, task, tensors};
use dart_core::adamw::{AdamW, Betas, linear_schedule};
use dart_core::lm::{Parameter, Role};
use dart_core::method::{Embeddings, LabelRows, Method, PromptMethod, TemplateRows};
use dart_core::tokenizer::Tokenizer;
use dart_core::train::{DecayedEmbeddings, FitOutcome, RunSpec, TrainSettings, fit};
use dart_core::{CoreError, Result};
use dart_data::Example;
use tch::{Kind, Tensor};

fn examples() -> Vec<Example> {
    let texts = [("so dull", 0), ("okay", 1), ("a fun movie", 2), ("sad", 0)];
    let numbered = texts.iter().enumerate();
    numbered.map(|(i, (t, y))| example(i, t, *y)).collect()
}

/// Fits on bert-tiny with its dropout, one fit at a time, since dropout's generator is the
/// process's.
fn run(
    method: &PromptMethod,
    settings: &TrainSettings,
    dir: &Path,
    stop: Option<usize>,
) -> Result<FitOutcome> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let method = Method::Prompt(method.clone());
    let spec = RunSpec {
        model: &goldens().join("bert-tiny"),
        method: &method,
        settings,
        task: &task(),
        seed: 42,
        demonstrations: None,
    };
    fit(&spec, &examples(), &examples(), dir, &mut StopAfter(stop))
}

fn settings(prompt_first: f64) -> TrainSettings {
    TrainSettings {
        learning_rate: 1e-2,
        batch: 3,
        steps: 6,
        warmup: 0.0,
        eval_every: 6,
        max_length: 18,
        prompt_first,
        ..TrainSettings::default()
    }
}

#[test]
fn the_pseudo_rows_alone_are_trained_in_the_first_stage() {
    let start = tensors(&goldens().join("bert-tiny/model.safetensors"));
    for (share, moves) in [(0.9, false), (0.5, true)] {
        let dir = tempfile::tempdir().unwrap();
        run(&dart(), &settings(share), dir.path(), None).unwrap();
        let best = tensors(&dir.path().join("best.safetensors"));
        // 0.9 of 6 steps are 5, and the learning rate of the sixth is a sixth of the first.
        let name = "bert.encoder.layer.0.output.dense.weight";
        let far = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        let moved = far(&best[name], &start[name]);
        assert_eq!(moved > 3e-3, moves, "{share}: {moved}");
        let tokenizer = Tokenizer::load(&goldens().join("bert-tiny")).unwrap();
        let it = tokenizer.encode("it")[0];
        let row = start["bert.embeddings.word_embeddings.weight"].get(it);
        assert!(far(&best["pseudo.rows"].get(0), &row) > 1e-2);
    }
    let hard = PromptMethod {
        template: TemplateRows::Hard,
        labels: LabelRows::Words,
        ..dart()
    };
    let dir = tempfile::tempdir().unwrap();
    let refusal = run(&hard, &settings(0.5), dir.path(), None).unwrap_err();
    assert!(refusal.to_string().contains("prompt_first"), "{refusal}");
}

/// A first stage that finds nothing better does not end the run before the second has begun.
#[test]
fn patience_does_not_count_in_the_first_stage() {
    let steps = |prompt_first| {
        let settings = TrainSettings {
            // No step changes dev.
            learning_rate: 1e-30,
            steps: 12,
            eval_every: 1,
            patience: Some(2),
            ..settings(prompt_first)
        };
        let dir = tempfile::tempdir().unwrap();
        run(&dart(), &settings, dir.path(), None).unwrap().steps
    };
    assert_eq!([steps(0.0), steps(0.5)], [3, 8]);
}

#[test]
fn a_run_resumed_in_either_stage_equals_an_undisturbed_one() {
    let whole = tempfile::tempdir().unwrap();
    run(&dart(), &settings(0.5), whole.path(), None).unwrap();
    let wanted = std::fs::read(whole.path().join("best.safetensors")).unwrap();
    for stop in 1..6 {
        let dir = tempfile::tempdir().unwrap();
        let stopped = run(&dart(), &settings(0.5), dir.path(), Some(stop));
        assert!(matches!(stopped, Err(CoreError::Interrupted)));
        run(&dart(), &settings(0.5), dir.path(), None).unwrap();
        let got = std::fs::read(dir.path().join("best.safetensors")).unwrap();
        assert!(got == wanted, "stopped at {stop}");
    }
}

/// A held parameter stays, has no part in the norm, and then is updated as by a new optimizer.
#[test]
fn a_held_parameter_starts_when_it_is_let_go() {
    let parameter =
        |name: &str, values: &[f64]| Parameter::new(name, Tensor::from_slice(values), Role::Matrix);
    let (a, b) = (parameter("a", &[1.0, 2.0]), parameter("b", &[3.0, -1.0]));
    let slots = [(a.clone(), 0.01, 0), (b.clone(), 0.01, 0)];
    let mut optimizer = AdamW::new(&slots, Betas::default()).unwrap();
    optimizer.hold(3, &[false, true]).unwrap();
    let alone = parameter("b", &[3.0, -1.0]);
    let mut fresh = AdamW::new(&[(alone.clone(), 0.01, 0)], Betas::default()).unwrap();
    for step in 0..6 {
        optimizer.zero_gradients();
        let loss =
            a.tensor.square().sum(Kind::Double) + b.tensor.pow_tensor_scalar(3).sum(Kind::Double);
        let norm_of_a = 2.0 * a.tensor.norm().double_value(&[]);
        loss.backward();
        let norm = optimizer.step(&[0.1], 1e9).unwrap();
        if step < 3 {
            assert!((norm - norm_of_a).abs() < 1e-12, "{norm}");
            close("held", &b.tensor, &Tensor::from_slice(&[3.0, -1.0]), 0.0);
            continue;
        }
        assert!(norm > norm_of_a);
        fresh.zero_gradients();
        alone
            .tensor
            .pow_tensor_scalar(3)
            .sum(Kind::Double)
            .backward();
        fresh.step(&[0.1], 1e9).unwrap();
        close("let go", &b.tensor, &alone.tensor, 0.0);
    }
}

/// A word that no text and no label has is moved by decay alone.
#[test]
fn decay_of_embeddings_shrinks_rows_that_nothing_reaches() {
    let start = tensors(&goldens().join("bert-tiny/model.safetensors"));
    let name = |which: &str| format!("bert.embeddings.{which}_embeddings.weight");
    for (decay_embeddings, words, segments) in [
        (DecayedEmbeddings::None, false, false),
        (DecayedEmbeddings::Positions, false, true),
        (DecayedEmbeddings::All, true, true),
    ] {
        let settings = TrainSettings {
            decay_embeddings,
            weight_decay: 0.5,
            ..settings(0.0)
        };
        let method = PromptMethod {
            embeddings: Embeddings::Trained,
            fluency: None,
            ..dart()
        };
        let dir = tempfile::tempdir().unwrap();
        run(&method, &settings, dir.path(), None).unwrap();
        let best = tensors(&dir.path().join("best.safetensors"));
        let keep = |step| 1.0 - 0.5 * 1e-2 * linear_schedule(step, 6, 0.0);
        let shrunk: f64 = (0..6).map(keep).product();
        // [PAD], and the second segment.
        for (which, row, decays) in [("word", 0, words), ("token_type", 1, segments)] {
            let factor = if decays { shrunk } else { 1.0 };
            let wanted = start[&name(which)].get(row) * factor;
            close(which, &best[&name(which)].get(row), &wanted, 1e-6);
        }
    }
}
