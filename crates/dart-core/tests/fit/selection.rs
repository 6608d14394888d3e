//! Which weights are kept, and what is said of them.

use super::*;

/// The best file holds what is trained and nothing else, and everything in it moved.
#[test]
fn a_fit_moves_what_it_trains_and_saves_no_vocabulary() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.warmup = 0.0;
    run.fit(&mut Watch::default()).unwrap();
    let best = tensors(&run.path("best.safetensors"));
    let start = tensors(&run.model.join("model.safetensors"));
    let lm = LanguageModel::load(&run.model).unwrap();
    let mut names: Vec<String> = lm.parameters().into_iter().map(|p| p.name).collect();
    names.extend(["pseudo.rows".into(), "pseudo.bias".into()]);
    names.sort();
    assert_eq!(best.keys().cloned().collect::<Vec<_>>(), names);
    for (name, tensor) in &best {
        // No gradient but rounding: softmax does not see what is added to every score.
        if let Some(before) = start.get(name).filter(|_| !name.ends_with("self.key.bias")) {
            assert!(tensor != before, "{name} stayed");
        }
    }
}

/// The weights that `score` reads are those that were best on dev.
#[test]
fn score_uses_the_best_weights() {
    let frozen = sentence(TrainPart::None);
    let tuned = sentence(TrainPart::Lm);
    for method in [Method::Prompt(dart()), head(), frozen, tuned] {
        let run = Run::new(method);
        let outcome = run.fit(&mut Watch::default()).unwrap();
        let (_, dev) = examples();
        let scores = score(&run.spec(), &dev, run.dir.path()).unwrap();
        assert_eq!(
            (scores.metric, scores.loss),
            (outcome.dev, outcome.dev_loss)
        );
        assert_eq!(scores.predictions.len(), dev.len());
        for (prediction, example) in scores.predictions.iter().zip(&dev) {
            assert_eq!(
                (prediction.row, prediction.gold),
                (example.row, example.label)
            );
            let sum: f64 = prediction.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12);
            let top = prediction.probabilities[prediction.predicted];
            assert!(prediction.probabilities.iter().all(|&p| p <= top));
        }
    }
}

/// On dev, the better metric wins, then the lower loss, then the earlier step.
#[test]
fn selection_breaks_ties_by_loss_then_by_step() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.eval_every = 1;
    let mut watch = Watch::default();
    let outcome = run.fit(&mut watch).unwrap();
    let mut best = &watch.evaluations[0];
    for e in &watch.evaluations {
        if e.dev > best.dev || (e.dev == best.dev && e.dev_loss < best.dev_loss) {
            best = e;
        }
    }
    assert_eq!(
        (outcome.dev, outcome.dev_loss, outcome.best_step),
        (best.dev, best.dev_loss, best.step)
    );
    let ties = watch.evaluations.windows(2).any(|w| w[0].dev == w[1].dev);
    assert!(ties, "the data must make ties: {:?}", watch.evaluations);
    // Nothing changes at a learning rate this small: all evaluations tie, the first stays.
    let mut still = Run::new(Method::Prompt(dart()));
    still.settings.learning_rate = 1e-30;
    let mut watch = Watch::default();
    assert_eq!(still.fit(&mut watch).unwrap().best_step, 2);
    assert_eq!(watch.evaluations.len(), 5);
    assert!(watch.evaluations.iter().skip(1).all(|e| !e.best));
}

/// With equal metrics, the first or the last may be kept whatever the losses.
#[test]
fn ties_go_to_the_evaluation_that_is_asked_for() {
    let run = |ties: Ties| {
        let mut run = Run::new(Method::Prompt(dart()));
        run.settings.eval_every = 1;
        run.settings.ties = ties;
        let mut watch = Watch::default();
        let outcome = run.fit(&mut watch).unwrap();
        let kept = watch.evaluations.iter().rfind(|e| e.best).unwrap();
        assert_eq!((kept.step, kept.dev), (outcome.best_step, outcome.dev));
        let best = watch.evaluations.iter().map(|e| e.dev).fold(-1.0, f64::max);
        let mut at = watch.evaluations.iter().filter(|e| e.dev == best);
        let (first, last) = (at.next().unwrap().step, at.next_back().unwrap().step);
        (outcome.best_step, first, last)
    };
    let (kept, first, _) = run(Ties::Earlier);
    assert_eq!(kept, first);
    let (kept, _, last) = run(Ties::Later);
    assert_eq!(kept, last);
    // Nothing changes: the last is kept, and none is an improvement.
    let mut still = Run::new(Method::Prompt(dart()));
    still.settings.learning_rate = 1e-30;
    (still.settings.ties, still.settings.patience) = (Ties::Later, Some(2));
    let outcome = still.fit(&mut Watch::default()).unwrap();
    assert_eq!((outcome.best_step, outcome.steps), (6, 6));
}

#[test]
fn patience_stops_a_run_that_no_longer_improves() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.learning_rate = 1e-30;
    run.settings.patience = Some(2);
    let mut watch = Watch::default();
    let outcome = run.fit(&mut watch).unwrap();
    assert_eq!(
        (outcome.best_step, outcome.steps, watch.evaluations.len()),
        (2, 6, 3)
    );
    // Stopped at the last evaluation it would have had: nothing is left to do.
    let mut stopped = Run::new(Method::Prompt(dart()));
    stopped.settings = run.settings.clone();
    let mut first = Watch {
        stop_after: Some(6),
        at_evaluation: true,
        ..Watch::default()
    };
    assert!(stopped.fit(&mut first).is_err());
    assert_eq!(stopped.fit(&mut Watch::default()).unwrap(), outcome);
}

#[test]
fn majority_predicts_the_shares_of_the_training_examples() {
    let run = Run::new(Method::Majority);
    let outcome = run.fit(&mut Watch::default()).unwrap();
    let (_, dev) = examples();
    let scores = score(&run.spec(), &dev, run.dir.path()).unwrap();
    assert_eq!(
        (scores.metric, scores.loss),
        (outcome.dev, outcome.dev_loss)
    );
    assert_eq!(outcome.dev, 0.2); // class 1, the most frequent, has one of five rows
    for prediction in &scores.predictions {
        assert_eq!(prediction.predicted, 1);
        for (p, count) in prediction.probabilities.iter().zip([2.0, 3.0, 2.0]) {
            assert!((p - count / 7.0).abs() < 1e-12);
        }
    }
    let loss = -[2f64, 3.0, 2.0, 2.0, 2.0]
        .iter()
        .map(|c| (c / 7.0).ln())
        .sum::<f64>()
        / 5.0;
    assert!((outcome.dev_loss - loss).abs() < 1e-12);
}

/// Nothing trained: one evaluation, step 0, and score works from the untouched model.
#[test]
fn zero_shot_trains_nothing() {
    let method = PromptMethod {
        train: TrainPart::None,
        ..dart()
    };
    let run = Run::new(Method::Prompt(method));
    let mut watch = Watch::default();
    let outcome = run.fit(&mut watch).unwrap();
    assert_eq!(
        (outcome.best_step, outcome.steps, watch.evaluations.len()),
        (0, 0, 1)
    );
    let (_, dev) = examples();
    let scores = score(&run.spec(), &dev, run.dir.path()).unwrap();
    assert_eq!(scores.loss, outcome.dev_loss);
}

/// Inputs longer than `max_length` are counted.
#[test]
fn the_share_of_cut_inputs_is_reported() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.max_length = 11; // room for five tokens of text
    run.settings.steps = 1;
    let outcome = run.fit(&mut Watch::default()).unwrap();
    assert!(
        (outcome.truncated - 1.0 / 12.0).abs() < 1e-12,
        "{}",
        outcome.truncated
    );
    assert_eq!(outcome.truncated_demonstrations, 0.0);
    let (train, dev) = examples();
    let truncated = |rows: &[Example]| {
        let scores = score(&run.spec(), rows, run.dir.path()).unwrap();
        scores.truncated
    };
    assert_eq!((truncated(&train), truncated(&dev)), (1.0 / 7.0, 0.0));
}
