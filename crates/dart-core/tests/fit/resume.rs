//! The seed and the step decide, however often a run is stopped.

use super::*;

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

/// With rates, schedules and ties as the authors' programs have them.
#[test]
fn a_run_of_two_rates_is_resumed_to_the_same_bits() {
    let new = || {
        let mut run = Run::new(Method::Prompt(PromptMethod {
            embeddings: Embeddings::Trained,
            template_gradient: false,
            ..dart()
        }));
        let s = &mut run.settings;
        s.embedding_learning_rate = Some(5e-3);
        s.embedding_schedule = Some(Schedule::Constant);
        (s.count, s.ties, s.patience) = (Count::MicroBatches, Ties::Later, Some(5));
        run
    };
    let whole = new();
    let outcome = whole.fit(&mut Watch::default()).unwrap();
    let best = std::fs::read(whole.path("best.safetensors")).unwrap();
    // Patience may end it before its last step.
    assert!(outcome.steps >= 4, "{outcome:?}");
    for stop in [1, outcome.steps / 2, outcome.steps - 1] {
        let run = new();
        let mut first = Watch {
            stop_after: Some(stop),
            ..Watch::default()
        };
        assert!(run.fit(&mut first).is_err());
        assert_eq!(run.fit(&mut Watch::default()).unwrap(), outcome);
        assert!(std::fs::read(run.path("best.safetensors")).unwrap() == best);
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
    {
        let _alone = alone();
        tch::manual_seed(5);
    }
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
        let place = MicroStep { seed, step, micro };
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
