//! States, files and settings that cannot work.

use dart_core::method::{PromptEncoderKind, RowInit};

use super::*;

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
    let changes: [(&str, Change); 16] = [
        ("batch", |s| s.batch = 0),
        ("accumulation", |s| s.accumulation = 0),
        ("steps", |s| s.steps = 0),
        ("eval_every", |s| s.eval_every = 0),
        ("threads", |s| s.threads = 0),
        ("threads", |s| s.threads = 1025),
        ("warmup", |s| s.warmup = 1.0),
        ("warmup", |s| s.warmup = -0.1),
        ("learning_rate", |s| s.learning_rate = 0.0),
        ("learning_rate", |s| s.learning_rate = f64::NAN),
        ("pseudo_learning_rate", |s| {
            s.pseudo_learning_rate = Some(-1.0)
        }),
        ("embedding_learning_rate", |s| {
            s.embedding_learning_rate = Some(0.0)
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
        assert!(error.starts_with(&format!("`{key}` is ")), "{key}: {error}");
        let refusal = build(&run.spec()).err().unwrap().to_string();
        assert_eq!(refusal, error, "without a fit too");
    }
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.device = "cuda:99".parse().unwrap();
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
fn evaluations_within_a_step_are_refused() {
    let mut run = Run::new(Method::Prompt(dart()));
    run.settings.count = Count::MicroBatches;
    run.settings.eval_every = 3;
    let error = run.error();
    let says = "`eval_every` (3) must be a multiple of `accumulation` (2)";
    assert!(error.contains(says), "{error}");
    run.settings.eval_every = 4;
    run.fit(&mut Watch::default()).unwrap();
}

#[test]
fn a_template_without_gradient_needs_something_else_to_train() {
    let refused = |template, train, full_vocab| {
        let run = Run::new(Method::Prompt(PromptMethod {
            template,
            train,
            full_vocab,
            labels: LabelRows::Words,
            template_gradient: false,
            ..dart()
        }));
        run.fit(&mut Watch::default()).err().map(|e| e.to_string())
    };
    let encoded = TemplateRows::Encoded {
        init: RowInit::Manual,
        tokens: None,
        encoder: PromptEncoderKind::Lstm,
    };
    let error = refused(encoded, TrainPart::Lm, false).unwrap();
    assert!(error.contains("encoder without a gradient"), "{error}");
    let pseudo = TemplateRows::PSEUDO;
    let error = refused(pseudo, TrainPart::Prompt, false).unwrap();
    assert!(error.contains("full_vocab: true"), "{error}");
    for (train, full_vocab) in [(TrainPart::Lm, false), (TrainPart::Prompt, true)] {
        assert_eq!(refused(pseudo, train, full_vocab), None);
    }
}

#[test]
fn a_method_with_nothing_to_train_is_refused() {
    let method = |template, train| {
        Method::Prompt(PromptMethod {
            template,
            train,
            labels: LabelRows::Words,
            fluency: None,
            ..dart()
        })
    };
    let encoded = TemplateRows::Encoded {
        init: RowInit::Manual,
        tokens: None,
        encoder: PromptEncoderKind::Lstm,
    };
    for (template, train, says) in [
        (TemplateRows::PSEUDO, TrainPart::Prompt, "nothing to train"),
        (TemplateRows::Hard, TrainPart::Prompt, "nothing to train"),
        (encoded, TrainPart::Lm, "no token to encode"),
    ] {
        let mut run = Run::new(method(template, train));
        run.task.template = "{a} [MASK]".into();
        let error = run.error();
        assert!(error.contains(says), "{template:?}: {error}");
    }
    // ModernBERT has no biases unless its configuration says so.
    let mut run = Run::new(method(TemplateRows::Hard, TrainPart::Bitfit));
    run.model = goldens().join("modernbert-tiny");
    assert!(run.error().contains("has no biases"), "{}", run.error());
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
