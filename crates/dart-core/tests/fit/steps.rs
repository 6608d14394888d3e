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

/// Beside the language model, E and the pseudo rows have a rate; decoder biases have the model's.
#[test]
fn embeddings_have_a_learning_rate_of_their_own() {
    let trained = |run: &mut Run| {
        run.method = Method::Prompt(PromptMethod {
            fluency: None,
            full_vocab: true,
            embeddings: Embeddings::Trained,
            ..dart()
        });
    };
    let changed = |change: &dyn Fn(&mut Run)| {
        one_step(&|run| {
            trained(run);
            change(run);
        })
    };
    let plain = changed(&|_| ());
    let faster = changed(&|run| run.settings.embedding_learning_rate = Some(2e-3));
    let still = changed(&|run| run.settings.learning_rate = 1e-30);
    let mut twice = 0;
    for (name, tensor) in &plain {
        let step = tensor - &still[name];
        let wanted = match name.contains("word_embeddings") || name == "pseudo.rows" {
            true => {
                twice += 1;
                &step * 2.0
            }
            false => step,
        };
        close(name, &(&faster[name] - &still[name]), &wanted, 1e-6);
    }
    assert_eq!(twice, 2);
}

#[test]
fn reports_tell_the_rates_of_both_groups() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.warmup = 0.0;
    let rates = |run: &Run| -> Vec<(f64, Option<f64>)> {
        let mut watch = Watch::default();
        run.fit(&mut watch).unwrap();
        let steps = watch.steps.iter();
        steps
            .map(|s| (s.learning_rate, s.embedding_learning_rate))
            .collect()
    };
    run.settings.embedding_learning_rate = Some(5e-3);
    run.settings.embedding_schedule = Some(Schedule::Constant);
    for (step, (model, embeddings)) in rates(&run).into_iter().enumerate() {
        let wanted = 1e-3 * (9 - step) as f64 / 9.0;
        assert!((model - wanted).abs() < 1e-12, "{model}");
        assert!((embeddings.unwrap() - 5e-3).abs() < 1e-12);
    }
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.schedule = Schedule::Constant;
    let all = rates(&run);
    assert!(
        all.iter().skip(2).all(|rate| *rate == (1e-3, None)),
        "{all:?}"
    );
}

/// Without a gradient as inputs, the template's rows move where a loss over V* reads them alone.
#[test]
fn template_rows_without_gradient_as_inputs_move_as_outputs_alone() {
    let rows = |fluency: bool, template_gradient: bool, steps: usize| {
        let best = one_step(&|run| {
            let with = dart();
            let fluency = with.fluency.clone().filter(|_| fluency);
            run.method = Method::Prompt(PromptMethod {
                fluency,
                template_gradient,
                ..with
            });
            run.settings.steps = steps;
        });
        best["pseudo.rows"].copy()
    };
    let m = 3; // it was .
    let start = {
        let words = tensors(&goldens().join("bert-tiny/model.safetensors"));
        let tokenizer = Tokenizer::load(&goldens().join("bert-tiny")).unwrap();
        let ids: Vec<i64> = ["it", "was", ".", "terrible", "okay", "great"]
            .iter()
            .map(|word| tokenizer.encode(word)[0])
            .collect();
        words["bert.embeddings.word_embeddings.weight"].index_select(0, &Tensor::from_slice(&ids))
    };
    for (fluency, gradient, moves) in [
        (false, true, true),
        (false, false, false),
        (true, false, true),
    ] {
        let rows = rows(fluency, gradient, 3);
        let template = rows.narrow(0, 0, m) != start.narrow(0, 0, m);
        assert_eq!(template, moves, "{fluency} {gradient}");
        let labels = rows.narrow(0, m, 3) != start.narrow(0, m, 3);
        assert!(labels, "labels move as outputs");
    }
}

/// Recomputation gives the same gradients where inputs have none.
#[test]
fn template_gradient_and_recomputation_agree() {
    for train in [TrainPart::Lm, TrainPart::Prompt] {
        let rows = |recompute: bool| {
            one_step(&|run| {
                run.method = Method::Prompt(PromptMethod {
                    train,
                    template_gradient: false,
                    ..dart()
                });
                run.settings.recompute = recompute;
            })
        };
        let (kept, again) = (rows(false), rows(true));
        for (name, tensor) in &kept {
            close(name, &again[name], tensor, 1e-5);
        }
    }
}

/// Evaluations stand where so many micro-batches are done.
#[test]
fn micro_batches_are_counted_where_asked() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.count = Count::MicroBatches;
    run.settings.eval_every = 6;
    let mut watch = Watch::default();
    run.fit(&mut watch).unwrap();
    let at: Vec<usize> = watch.evaluations.iter().map(|e| e.step).collect();
    assert_eq!(at, [3, 6, 9]);
    let last = watch.steps[8].learning_rate;
    assert!((last - 1e-3 * 10.0 / 15.0).abs() < 1e-12, "{last}");
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
