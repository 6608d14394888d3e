//! Number formats and recomputation: the same losses and gradients by other means.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{StopAfter, dart, goldens, task, without_dropout};
use dart_core::build::{Built, build};
use dart_core::classifier::MicroStep;
use dart_core::lm::Parameter;
use dart_core::method::{
    Embeddings, HeadMethod, LabelRows, Method, PromptMethod, TemplateRows, TrainPart,
};
use dart_core::train::{Precision, RunSpec, TrainSettings, fit, score};
use dart_data::{Example, Task};
use tch::{Kind, Tensor};

fn settings(precision: Precision, recompute: bool) -> TrainSettings {
    TrainSettings {
        precision,
        recompute,
        ..common::settings()
    }
}

fn examples() -> Vec<Example> {
    let texts = [
        ("so dull and bad", 0),
        ("okay", 1),
        ("a fun bright movie", 2),
        ("great music , great story", 2),
    ];
    common::examples(&texts)
}

/// One of each family that computes its layers its own way.
const FAMILIES: [&str; 8] = [
    "bert-tiny",
    "albert-tiny",
    "modernbert-tiny",
    "deberta-tiny",
    "deberta-v2-tiny",
    "deberta-v3-tiny",
    "gpt2-tiny",
    "mpnet-tiny",
];

/// ALBERT's vocabulary has other words.
fn task_of(model: &str) -> Task {
    match model {
        "albert-tiny" => Task {
            template: "{a} w20 w21 [MASK] w22".into(),
            words: ["w30", "w31", "w32"].map(String::from).to_vec(),
            ..task()
        },
        _ => task(),
    }
}

/// DART; a causal model has no fluency constraint.
fn trained(model: &str, train: TrainPart) -> Method {
    let dart = dart();
    Method::Prompt(PromptMethod {
        train,
        fluency: dart.fluency.filter(|_| model != "gpt2-tiny"),
        ..dart
    })
}

/// Dropout draws from the process's one generator, so a run has the process for itself: here by
/// waiting for the other tests.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn head() -> Method {
    Method::Head(HeadMethod {
        train: TrainPart::Lm,
        embeddings: Embeddings::Trained,
    })
}

/// The classifier of these settings, its parameters ready for gradients.
fn built(model: &Path, method: &Method, settings: &TrainSettings, task: &Task) -> Built {
    let built = build(&RunSpec {
        model,
        method,
        settings,
        task,
        seed: 42,
        demonstrations: None,
    })
    .unwrap();
    for parameter in built.classifier.parameters() {
        let _ = parameter.tensor.set_requires_grad(true);
    }
    built
}

const PLACE: MicroStep = MicroStep {
    seed: 7,
    step: 3,
    micro: 1,
};

/// L_C + λ L_F, its gradients added to what the parameters hold.
fn backward(built: &Built) -> f64 {
    let encoded = built.encode(&examples()).unwrap();
    let encoded: Vec<_> = encoded.iter().collect();
    let losses = built.classifier.backward(&encoded, PLACE, 1.0).unwrap();
    losses.class + 0.7 * losses.fluency.unwrap_or(0.0)
}

/// The loss and every gradient, zeros where no loss reaches.
fn gradients(built: &Built) -> (f64, Vec<(String, Tensor)>) {
    let loss = backward(built);
    let gradient = |p: Parameter| {
        let gradient = p.tensor.grad();
        let gradient = match gradient.defined() {
            true => gradient.copy(),
            false => p.tensor.zeros_like(),
        };
        (p.name, gradient)
    };
    let parameters = built.classifier.parameters();
    (loss, parameters.into_iter().map(gradient).collect())
}

#[test]
fn recomputed_layers_give_the_same_gradients() {
    let _alone = alone();
    for model in FAMILIES {
        let (task, dir) = (task_of(model), without_dropout(model));
        let methods = [
            trained(model, TrainPart::Lm),
            trained(model, TrainPart::Bitfit),
            trained(model, TrainPart::Prompt),
            // Rows of E are decoder rows and inputs at once.
            Method::Prompt(PromptMethod {
                template: TemplateRows::Hard,
                labels: LabelRows::Words,
                embeddings: Embeddings::Trained,
                fluency: None,
                ..dart()
            }),
            head(),
        ];
        for method in &methods {
            let of = |recompute| {
                let settings = settings(Precision::Float64, recompute);
                gradients(&built(dir.path(), method, &settings, &task))
            };
            let ((loss, plain), (same_loss, recomputed)) = (of(false), of(true));
            assert!((loss - same_loss).abs() < 1e-12, "{model}, {method:?}");
            for ((name, a), (_, b)) in plain.iter().zip(&recomputed) {
                let (difference, size) = ((a - b).norm(), a.norm());
                let relative = difference.double_value(&[]) / size.double_value(&[]).max(1e-6);
                assert!(relative < 1e-9, "{model}, {name}: {relative:e}, {method:?}");
            }
            assert!(plain.iter().any(|(_, g)| g.norm().double_value(&[]) > 1e-6));
        }
    }
}

/// The layers' dropout is drawn again as it was: the gradients are those of the loss that the
/// forward pass gave, as moving the weights of the first layer shows.
#[test]
fn recomputed_dropout_is_the_forward_pass_s() {
    let _alone = alone();
    for (model, wanted) in [
        (
            "bert-tiny",
            ["layer.0.attention.self.value.weight", "LayerNorm.bias"],
        ),
        (
            "deberta-v3-tiny",
            ["encoder.rel_embeddings.weight", "encoder.LayerNorm.weight"],
        ),
        ("gpt2-tiny", ["h.0.attn.c_attn.weight", "ln_f.bias"]),
        (
            "mpnet-tiny",
            [
                "relative_attention_bias.weight",
                "layer.0.attention.attn.v.weight",
            ],
        ),
    ] {
        let dir = goldens().join(model);
        for method in [trained(model, TrainPart::Lm), head()] {
            let settings = settings(Precision::Float64, true);
            let built = built(&dir, &method, &settings, &task());
            let (loss, all) = gradients(&built);
            assert_eq!(backward(&built), loss, "the place decides");
            let plain = TrainSettings {
                recompute: false,
                ..settings.clone()
            };
            let other = gradients(&self::built(&dir, &method, &plain, &task()));
            assert_ne!(other.0, loss, "there is dropout");
            for wanted in wanted {
                let (name, gradient) = all.iter().find(|(name, _)| name.contains(wanted)).unwrap();
                check_direction(&built, name, gradient);
            }
        }
    }
}

/// The slope of the loss along a random direction of this parameter is the gradient's.
fn check_direction(built: &Built, name: &str, gradient: &Tensor) {
    let parameters = built.classifier.parameters();
    let parameter = parameters.iter().find(|p| p.name == name).unwrap();
    tch::manual_seed(5);
    let direction = gradient.randn_like();
    let step = 1e-6;
    let moved = |by: f64| {
        tch::no_grad(|| {
            let _ = parameter.tensor.shallow_clone().g_add_(&(&direction * by));
        });
        backward(built)
    };
    let (up, down) = (moved(step), moved(-2.0 * step));
    moved(step);
    let numeric = (up - down) / (2.0 * step);
    let ours = (gradient * &direction).sum(Kind::Double).double_value(&[]);
    let relative = (numeric - ours).abs() / ours.abs();
    assert!(relative < 1e-5, "{name}: {ours} {numeric}");
}

#[test]
fn bfloat16_is_close_to_float32_and_keeps_its_weights() {
    let _alone = alone();
    for model in FAMILIES {
        let (task, dir) = (task_of(model), without_dropout(model));
        for (method, recompute) in [
            (trained(model, TrainPart::Lm), false),
            (trained(model, TrainPart::Lm), true),
            (head(), false),
        ] {
            let of = |precision| {
                let settings = settings(precision, recompute);
                let built = built(dir.path(), &method, &settings, &task);
                let gradients = gradients(&built);
                let kinds = built.classifier.parameters();
                assert!(kinds.iter().all(|p| p.tensor.kind() == Kind::Float));
                gradients
            };
            let (single, short) = (of(Precision::Float32), of(Precision::BFloat16));
            assert_ne!(single.0, short.0, "{model}: another format");
            assert!(
                (single.0 - short.0).abs() < 0.02 * single.0,
                "{model}: {} {}",
                single.0,
                short.0
            );
            let flat = |all: &[(String, Tensor)]| {
                let flat: Vec<Tensor> = all.iter().map(|(_, g)| g.reshape([-1])).collect();
                Tensor::cat(&flat, 0).to_kind(Kind::Double)
            };
            let (a, b) = (flat(&single.1), flat(&short.1));
            let cosine = (a.dot(&b) / (a.norm() * b.norm())).double_value(&[]);
            // ModernBERT adds up its layers in bfloat16 without a LayerNorm between.
            let least = if model == "modernbert-tiny" {
                0.98
            } else {
                0.99
            };
            assert!(cosine > least, "{model}: {cosine}");
        }
    }
}

/// In every format, with recomputation and dropout: a stopped run goes on to the same bits, and
/// scoring sees the weights that were best.
#[test]
fn runs_of_every_format_resume_and_score() {
    let _alone = alone();
    let model = goldens().join("bert-tiny");
    let (method, task) = (Method::Prompt(dart()), task());
    let mut losses = Vec::new();
    for precision in [Precision::Float32, Precision::BFloat16, Precision::Float64] {
        let settings = settings(precision, true);
        let spec = RunSpec {
            model: &model,
            method: &method,
            settings: &settings,
            task: &task,
            seed: 42,
            demonstrations: None,
        };
        let run = |stops: &[Option<usize>]| {
            let dir = tempfile::tempdir().unwrap();
            let mut outcome = None;
            for stop in stops {
                let mut observer = StopAfter(*stop);
                outcome = fit(&spec, &examples(), &examples(), dir.path(), &mut observer).ok();
            }
            let bytes = std::fs::read(dir.path().join("best.safetensors")).unwrap();
            let scores = score(&spec, &examples(), dir.path()).unwrap();
            let outcome = outcome.unwrap();
            assert_eq!(scores.loss, outcome.dev_loss);
            (outcome, bytes)
        };
        let undisturbed = run(&[None]);
        let resumed = run(&[Some(3), None]);
        assert!(undisturbed == resumed, "{precision:?}");
        losses.push(undisturbed.0.dev_loss);
    }
    assert!((losses[0] - losses[2]).abs() < 1e-3, "{losses:?}");
    // Dropout's draws depend on the format, so bfloat16 trains with others.
    assert!((losses[0] - losses[1]).abs() < 0.3, "{losses:?}");
    assert!(losses[0] != losses[1] && losses[0] != losses[2]);
}

/// A run's identity is made of its settings as JSON: those that stand at their defaults must not
/// make finished runs look like others.
#[test]
fn later_settings_are_not_written_at_their_defaults() {
    let text = serde_json::to_string(&settings(Precision::Float32, false)).unwrap();
    assert!(text.ends_with(r#""device":"cpu"}"#), "{text}");
    let other = settings(Precision::BFloat16, true);
    let text = serde_json::to_string(&other).unwrap();
    assert!(
        text.contains(r#""precision":"bfloat16","recompute":true"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<TrainSettings>(&text).unwrap(), other);
}
