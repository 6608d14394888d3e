//! What a step changes.

use super::*;

/// After one step, with these changes to a run without dropout.
fn one_step(change: &dyn Fn(&mut Run)) -> BTreeMap<String, Tensor> {
    let model = without_dropout("bert-tiny");
    let mut run = Run::new(Method::Prompt(PromptMethod {
        fluency: None,
        ..dart()
    }));
    run.model = model.path().into();
    run.settings.steps = 1;
    run.settings.warmup = 0.0;
    change(&mut run);
    run.fit(&mut Watch::default()).unwrap();
    tensors(&run.path("best.safetensors"))
}

/// Weight decay moves matrices of linear layers alone.
#[test]
fn embeddings_norms_biases_and_pseudo_rows_do_not_decay() {
    let method = |run: &mut Run| {
        run.method = Method::Prompt(PromptMethod {
            embeddings: Embeddings::Trained,
            ..dart()
        });
    };
    let plain = one_step(&|run| {
        method(run);
        run.settings.weight_decay = 0.0;
    });
    let decayed = one_step(&|run| {
        method(run);
        run.settings.weight_decay = 0.5;
    });
    let changed: Vec<&String> = plain.keys().filter(|k| plain[*k] != decayed[*k]).collect();
    let matrix = |k: &&String| {
        k.ends_with("weight") && !k.contains("LayerNorm") && !k.contains("embeddings")
    };
    assert_eq!(changed, plain.keys().filter(matrix).collect::<Vec<_>>());
    assert!(changed.len() > 10);
}

#[test]
fn pseudo_rows_have_a_learning_rate_of_their_own() {
    let plain = one_step(&|_| ());
    let faster = one_step(&|run| run.settings.pseudo_learning_rate = Some(2e-3));
    let still = one_step(&|run| run.settings.learning_rate = 1e-30);
    for (name, tensor) in &plain {
        let step = tensor - &still[name];
        let wanted = match name.starts_with("pseudo.") {
            true => &step * 2.0,
            false => step,
        };
        close(name, &(&faster[name] - &still[name]), &wanted, 1e-6);
    }
}

#[test]
fn accumulated_micro_batches_make_the_step_of_the_whole_batch() {
    let apart = one_step(&|_| ()); // 2 × 3
    let whole = one_step(&|run| (run.settings.batch, run.settings.accumulation) = (6, 1));
    let other = one_step(&|run| run.settings.accumulation = 1);
    // Elsewhere Adam may step by the sign of a gradient that is nothing but rounding.
    let rows = "pseudo.rows";
    close(rows, &apart[rows], &whole[rows], 1e-5);
    assert!((&apart[rows] - &other[rows]).abs().max().double_value(&[]) > 1e-4);
}

/// Every epoch takes every example once: standing still, the mean loss of whole epochs is the
/// loss over the training examples.
#[test]
fn epochs_take_every_example_once() {
    let model = without_dropout("bert-tiny");
    let (train, _) = examples();
    let run = |train_part: TrainPart, batch: usize, steps: usize| {
        let mut run = Run::new(Method::Prompt(PromptMethod {
            fluency: None,
            train: train_part,
            ..dart()
        }));
        run.model = model.path().into();
        run.settings.learning_rate = 1e-30;
        (
            run.settings.batch,
            run.settings.accumulation,
            run.settings.steps,
        ) = (batch, 1, steps);
        let mut watch = Watch::default();
        let _alone = alone();
        let outcome = fit(&run.spec(), &train, &train, run.dir.path(), &mut watch).unwrap();
        (outcome.dev_loss, watch.steps)
    };
    let (wanted, _) = run(TrainPart::None, 1, 1);
    let (_, whole) = run(TrainPart::Lm, 7, 3);
    assert!(whole.iter().all(|s| (s.class_loss - wanted).abs() < 1e-5));
    let (_, parts) = run(TrainPart::Lm, 3, 7);
    let mean = parts.iter().map(|s| s.class_loss).sum::<f64>() / 7.0;
    assert!((mean - wanted).abs() < 1e-5, "{mean} {wanted}");
    let distinct = |s: &StepReport| (s.class_loss * 1e6) as i64;
    assert!(parts.iter().any(|s| distinct(s) != distinct(&parts[0])));
}
