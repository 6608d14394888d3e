//! Runs: resumed equals undisturbed, selection, refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{close, dart, goldens, task, tensors, without_dropout};
use dart_core::build::build;
use dart_core::classifier::Place;
use dart_core::control::Control;
use dart_core::lm::LanguageModel;
use dart_core::method::{Embeddings, HeadMethod, Method, PromptMethod, SentenceMethod, TrainPart};
use dart_core::train::{
    EvalReport, FitOutcome, Observer, RunSpec, StepReport, TrainSettings, fit, score,
};
use dart_core::{CoreError, Result};
use dart_data::{Example, Task};
use tch::Tensor;
use tempfile::TempDir;

fn settings() -> TrainSettings {
    TrainSettings {
        accumulation: 2,
        steps: 9,
        warmup: 0.2,
        ..common::settings()
    }
}

fn examples() -> (Vec<Example>, Vec<Example>) {
    let train = [
        ("so dull and bad", 0),
        ("okay", 1),
        ("a fun bright movie", 2),
        ("", 1),
        ("boring plot", 0),
        ("great music , great story", 2),
        ("it is not very good but not bad", 1),
    ];
    let dev = [
        ("sad", 0),
        ("maybe", 1),
        ("love it", 2),
        ("slow film", 0),
        ("happy", 2),
    ];
    (common::examples(&train), common::examples(&dev))
}

/// Records reports; stops after a step, or after that step's evaluation.
#[derive(Default)]
struct Watch {
    stop_after: Option<usize>,
    at_evaluation: bool,
    saves: bool,
    steps: Vec<StepReport>,
    evaluations: Vec<EvalReport>,
}

impl Watch {
    fn answer(&self, step: usize, evaluation: bool) -> Control {
        match self.stop_after == Some(step) && self.at_evaluation == evaluation {
            true => Control::Stop,
            false => Control::Continue,
        }
    }
}

impl Observer for Watch {
    fn save_due(&mut self) -> bool {
        self.saves
    }

    fn step(&mut self, report: &StepReport) -> Control {
        self.steps.push(report.clone());
        self.answer(report.step, false)
    }

    fn evaluation(&mut self, report: &EvalReport) -> Control {
        self.evaluations.push(report.clone());
        self.answer(report.step, true)
    }
}

/// Dropout draws from the process's one generator, so a run has the process for itself: here by
/// waiting for the other tests.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything a run needs, with its folder.
struct Run {
    model: std::path::PathBuf,
    method: Method,
    settings: TrainSettings,
    task: Task,
    seed: u64,
    dir: TempDir,
}

impl Run {
    /// With bert-tiny's dropout of 0.1.
    fn new(method: Method) -> Self {
        Run {
            model: goldens().join("bert-tiny"),
            method,
            settings: settings(),
            task: task(),
            seed: 42,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn spec(&self) -> RunSpec<'_> {
        RunSpec {
            model: &self.model,
            method: &self.method,
            settings: &self.settings,
            task: &self.task,
            seed: self.seed,
            demonstrations: None,
        }
    }

    fn fit(&self, watch: &mut Watch) -> Result<FitOutcome> {
        let _alone = alone();
        let (train, dev) = examples();
        fit(&self.spec(), &train, &dev, self.dir.path(), watch)
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.dir.path().join(file)
    }

    fn score_error(&self) -> String {
        let (_, dev) = examples();
        let scored = score(&self.spec(), &dev, self.dir.path());
        scored.unwrap_err().to_string()
    }

    fn error(&self) -> String {
        self.fit(&mut Watch::default()).unwrap_err().to_string()
    }
}

fn head() -> Method {
    Method::Head(HeadMethod {
        train: TrainPart::Lm,
        embeddings: Embeddings::Trained,
    })
}

fn sentence(train: TrainPart) -> Method {
    Method::Sentence(SentenceMethod {
        train,
        embeddings: Embeddings::Trained,
        logreg_c: 1.0,
    })
}

/// With accumulation and dropout, for every step at which a run can be stopped, before and after
/// that step's evaluation, whether or not the state was saved before.
#[test]
fn a_resumed_run_equals_an_undisturbed_one() {
    for method in [Method::Prompt(dart()), head(), sentence(TrainPart::Lm)] {
        let whole = Run::new(method.clone());
        let mut undisturbed = Watch::default();
        let outcome = whole.fit(&mut undisturbed).unwrap();
        let best = std::fs::read(whole.path("best.safetensors")).unwrap();
        for stop in 1..9 {
            for at_evaluation in [false, true] {
                if at_evaluation && stop % 2 != 0 {
                    continue;
                }
                let run = Run::new(method.clone());
                let mut first = Watch {
                    stop_after: Some(stop),
                    at_evaluation,
                    saves: stop > 4,
                    ..Watch::default()
                };
                let stopped = run.fit(&mut first);
                assert!(matches!(stopped, Err(CoreError::Interrupted)));
                let mut second = Watch::default();
                assert_eq!(run.fit(&mut second).unwrap(), outcome, "stopped at {stop}");
                let resumed = std::fs::read(run.path("best.safetensors")).unwrap();
                assert!(resumed == best, "weights differ, stopped at {stop}");
                assert_eq!(first.steps.len() + second.steps.len(), 9);
                for (a, b) in undisturbed.steps.iter().skip(stop).zip(&second.steps) {
                    assert_eq!(format!("{a:?}"), format!("{b:?}"));
                }
            }
        }
    }
}

/// A finished run is not done again, and its outcome does not need the data.
#[test]
fn a_finished_run_gives_its_outcome_again() {
    let run = Run::new(Method::Prompt(dart()));
    let outcome = run.fit(&mut Watch::default()).unwrap();
    assert!(!run.path("state.safetensors").exists());
    let mut again = Watch::default();
    assert_eq!(run.fit(&mut again).unwrap(), outcome);
    assert!(again.steps.is_empty());
}

/// The same seed gives the same bits whatever ran before; another seed does not.
#[test]
fn the_seed_decides() {
    let bytes = |seed: u64| {
        let mut run = Run::new(Method::Prompt(dart()));
        run.seed = seed;
        run.fit(&mut Watch::default()).unwrap();
        std::fs::read(run.path("best.safetensors")).unwrap()
    };
    let first = bytes(13);
    tch::manual_seed(5);
    assert!(bytes(21) != first);
    assert!(bytes(13) == first);
}

/// Dropout depends on seed, step and micro-batch, and on nothing that ran before.
#[test]
fn dropout_is_drawn_for_its_place() {
    let method = PromptMethod {
        fluency: None,
        ..dart()
    };
    let run = Run::new(Method::Prompt(method));
    let _alone = alone();
    let built = build(&run.spec()).unwrap();
    for parameter in built.classifier.parameters() {
        let _ = parameter.tensor.set_requires_grad(true);
    }
    let encoded = built.encode(&examples().0).unwrap();
    let encoded: Vec<_> = encoded.iter().collect();
    let loss = |seed, step, micro| {
        let place = Place { seed, step, micro };
        built
            .classifier
            .backward(&encoded, place, 1.0)
            .unwrap()
            .class
    };
    let first = loss(13, 4, 1);
    for other in [(14, 4, 1), (13, 5, 1), (13, 4, 0)] {
        assert_ne!(loss(other.0, other.1, other.2), first, "{other:?}");
    }
    assert_eq!(loss(13, 4, 1), first);
}

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
}

fn stopped() -> Run {
    let run = Run::new(Method::Prompt(dart()));
    let mut watch = Watch {
        stop_after: Some(3),
        ..Watch::default()
    };
    assert!(matches!(run.fit(&mut watch), Err(CoreError::Interrupted)));
    run
}

#[test]
fn a_state_of_other_settings_is_refused() {
    let changes: [fn(&mut Run); 5] = [
        |run| run.seed = 13,
        |run| run.settings.learning_rate = 2e-3,
        |run| run.settings.threads = 2,
        |run| run.task.words[0] = "sad".into(),
        |run| run.method = head(),
    ];
    for change in changes {
        let mut run = stopped();
        change(&mut run);
        let error = run.error();
        assert!(
            error.contains("other settings") && error.contains("state.safetensors"),
            "{error}"
        );
    }
    let mut run = Run::new(Method::Majority);
    run.fit(&mut Watch::default()).unwrap();
    run.seed = 13;
    assert!(run.error().contains("fit.json"), "{}", run.error());
    let error = run.score_error();
    assert!(error.contains("other settings"), "{error}");
}

#[test]
fn damaged_files_are_refused_by_name() {
    let run = stopped();
    let path = run.path("state.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 4, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = run.error();
        assert!(
            error.contains("state.safetensors: not a complete safetensors"),
            "{error}"
        );
    }
    // A whole file of something else.
    std::fs::copy(run.model.join("model.safetensors"), &path).unwrap();
    let error = run.error();
    assert!(error.contains("state.safetensors: "), "{error}");
    std::fs::remove_file(&path).unwrap();

    run.fit(&mut Watch::default()).unwrap();
    let best = run.path("best.safetensors");
    let bytes = std::fs::read(&best).unwrap();
    std::fs::write(&best, &bytes[..bytes.len() - 9]).unwrap();
    let error = run.score_error();
    assert!(
        error.contains("best.safetensors: not a complete safetensors"),
        "{error}"
    );
    std::fs::copy(run.model.join("model.safetensors"), &best).unwrap();
    let error = run.score_error();
    assert!(error.contains("`pseudo.rows` is missing"), "{error}");
    std::fs::write(run.path("fit.json"), "[1, {").unwrap();
    assert!(run.error().contains("fit.json"), "{}", run.error());
}

#[test]
fn scoring_before_a_fit_is_refused() {
    let run = stopped();
    let error = run.score_error();
    assert!(error.contains("no finished fit"), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    type Change = fn(&mut TrainSettings);
    let changes: [(&str, Change); 14] = [
        ("batch", |s| s.batch = 0),
        ("accumulation", |s| s.accumulation = 0),
        ("steps", |s| s.steps = 0),
        ("eval_every", |s| s.eval_every = 0),
        ("threads", |s| s.threads = 0),
        ("warmup", |s| s.warmup = 1.0),
        ("warmup", |s| s.warmup = -0.1),
        ("learning_rate", |s| s.learning_rate = 0.0),
        ("learning_rate", |s| s.learning_rate = f64::NAN),
        ("pseudo_learning_rate", |s| {
            s.pseudo_learning_rate = Some(-1.0)
        }),
        ("weight_decay", |s| s.weight_decay = -0.1),
        ("clip", |s| s.clip = f64::INFINITY),
        ("patience", |s| s.patience = Some(0)),
        ("max_length", |s| s.max_length = 2),
    ];
    for (key, change) in changes {
        let mut run = Run::new(Method::Prompt(dart()));
        change(&mut run.settings);
        let error = run.error();
        assert!(error.starts_with(&format!("{key} is ")), "{key}: {error}");
    }
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.device = "tpu".into();
    assert!(run.error().contains("device `tpu`"));
    run.settings.device = "cuda:99".into();
    assert!(run.error().contains("device `cuda:99` is not there"));
    let (train, _) = examples();
    let run = Run::new(Method::Majority);
    let none = fit(
        &run.spec(),
        &train,
        &[],
        run.dir.path(),
        &mut Watch::default(),
    );
    assert!(none.unwrap_err().to_string().contains("no dev example"));
}

#[test]
fn a_task_without_a_word_for_each_class_is_refused() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.task.words.pop();
    let error = run.error();
    assert!(error.contains("3 labels but 2 label words"), "{error}");
    run.task.words = ["terrible", "great", "great"].map(String::from).to_vec();
    assert!(
        run.error().contains("`great` and `great`"),
        "{}",
        run.error()
    );
    run.task.words[2] = "\u{4e2d}".into();
    assert!(run.error().contains("no token"), "{}", run.error());
    assert!(build(&run.spec()).is_err());
}
