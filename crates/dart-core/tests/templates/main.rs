//! What a template's and the labels' pseudo tokens are: encoded by P-Tuning's prompt encoder
//! (tests/goldens/prompt_encoder.json), of another number, in places of the vocabulary; and the
//! variants of the fluency constraint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod fluency;
mod places;

use common::{close, dart, example, goldens, gradients, slopes, task, tensors, without_dropout};
use dart_core::build::{Built, build_as};
use dart_core::classifier::{MicroStep, PromptEncoder};
use dart_core::method::{
    LabelRows, Method, PromptEncoderKind, PromptMethod, RowInit, TemplateRows, TrainPart,
};
use dart_core::prompt::Encoded;
use dart_core::train::{RunSpec, TrainSettings};
use dart_core::{CoreError, Result};
use dart_data::Task;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

/// A method in float64 on bert-tiny, with the toy task's template and words.
fn built(method: &PromptMethod) -> Result<Built> {
    built_with(method, &task(), false)
}

fn built_with(method: &PromptMethod, task: &Task, recompute: bool) -> Result<Built> {
    let dir = without_dropout("bert-tiny");
    let method = Method::Prompt(method.clone());
    let settings = TrainSettings {
        max_length: 18,
        recompute,
        ..TrainSettings::default()
    };
    let built = build_as(
        &RunSpec {
            model: dir.path(),
            method: &method,
            settings: &settings,
            task,
            seed: 13,
            demonstrations: None,
        },
        Kind::Double,
    )?;
    tch::set_num_threads(1);
    for p in built.classifier.parameters() {
        let _ = p.tensor.set_requires_grad(true);
    }
    Ok(built)
}

fn refusal(method: &PromptMethod) -> String {
    refusal_on(method, &task())
}

fn refusal_on(method: &PromptMethod, task: &Task) -> String {
    match built_with(method, task, false) {
        Err(CoreError::Setting(message)) => message,
        other => panic!("{:?}", other.err()),
    }
}

fn encode(built: &Built, texts: &[(&str, usize)]) -> Vec<Encoded> {
    let examples: Vec<_> = texts.iter().map(|(t, y)| example(0, t, *y)).collect();
    built.encode(&examples).unwrap()
}

fn parameter(built: &Built, name: &str) -> Tensor {
    let mut all = built.classifier.parameters().into_iter();
    all.find(|p| p.name == name).unwrap().tensor
}

/// Class loss and fluency loss.
fn losses(built: &Built, examples: &[Encoded], step: u64) -> (f64, f64) {
    let examples: Vec<&Encoded> = examples.iter().collect();
    let place = MicroStep {
        seed: 13,
        step,
        micro: 0,
    };
    let losses = built.classifier.backward(&examples, place, 1.0).unwrap();
    (losses.class, losses.fluency.unwrap_or(0.0))
}

/// All numbers of a nested list in order, and its shape.
fn tensor(value: &Value) -> Tensor {
    match value {
        Value::Array(items) if items[0].is_number() => {
            let values: Vec<f64> = items.iter().map(|v| v.as_f64().unwrap()).collect();
            Tensor::from_slice(&values)
        }
        Value::Array(items) => Tensor::stack(&items.iter().map(tensor).collect::<Vec<_>>(), 0),
        other => panic!("{other}"),
    }
}

/// So many pseudo tokens, started as copies.
fn numbered(count: usize) -> TemplateRows {
    TemplateRows::Pseudo {
        init: RowInit::Manual,
        tokens: Some(count),
    }
}

fn encoded(kind: PromptEncoderKind) -> PromptMethod {
    PromptMethod {
        template: TemplateRows::Encoded {
            init: RowInit::Manual,
            tokens: None,
            encoder: kind,
        },
        ..dart()
    }
}

#[test]
fn the_prompt_encoder_equals_its_equations() {
    let text = std::fs::read_to_string(goldens().join("prompt_encoder.json")).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let options = (Kind::Double, Device::Cpu);
    for (kind, name) in [
        (PromptEncoderKind::Lstm, "lstm"),
        (PromptEncoderKind::Mlp, "mlp"),
    ] {
        let golden = &golden[name];
        let encoder = PromptEncoder::new(kind, 6, 1, options).unwrap();
        let parameters = encoder.parameters();
        assert_eq!(
            parameters.len(),
            golden["weights"].as_object().unwrap().len()
        );
        for p in parameters {
            let start = p.tensor.copy();
            let fan: f64 = if p.name.contains("lstm") { 3.0 } else { 6.0 };
            assert!(start.abs().max().double_value(&[]) <= 1.0 / fan.sqrt());
            let value = tensor(&golden["weights"][&p.name]);
            assert_eq!(value.size(), p.tensor.size(), "{}", p.name);
            p.tensor.shallow_clone().copy_(&value);
        }
        let rows = encoder.forward(&tensor(&golden["free"])).unwrap();
        close(name, &rows, &tensor(&golden["rows"]), 1e-12);
    }
    assert!(PromptEncoder::new(PromptEncoderKind::Lstm, 7, 1, options).is_err());
    assert!(PromptEncoder::new(PromptEncoderKind::Mlp, 7, 1, options).is_ok());
}

/// Through prompt encoder, model, L_C over V* and L_F; the encoder's every weight is reached.
#[test]
fn gradients_of_an_encoded_template_equal_finite_differences() {
    for kind in [PromptEncoderKind::Lstm, PromptEncoderKind::Mlp] {
        let method = PromptMethod {
            full_vocab: true,
            train: TrainPart::Prompt,
            ..encoded(kind)
        };
        let built = built(&method).unwrap();
        let texts = [("so dull", 0), ("", 1), ("a fun and bright movie", 2)];
        let examples = encode(&built, &texts);
        let loss = || {
            let (class, fluency) = losses(&built, &examples, 5);
            class + 0.7 * fluency
        };
        loss();
        let parameters = built.classifier.parameters();
        let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names[..2], ["pseudo.rows", "pseudo.bias"]);
        assert!(names[2..].iter().all(|n| n.starts_with("prompt_encoder.")));
        for (parameter, gradient) in parameters.iter().zip(gradients(&parameters)) {
            let largest = gradient.abs().max().double_value(&[]);
            assert!(largest > 0.0, "{} is not reached", parameter.name);
        }
        let places = |count| vec![0, count / 3, count - 1];
        slopes(&parameters, places, loss);
    }
}

/// "it was [MASK] ." with twice the tokens, with four, with two, with one.
#[test]
fn template_tokens_are_repeated_or_left_out_in_their_places() {
    let it_was_dot = [0usize, 1, 2];
    for (count, wanted, before) in [
        (6, vec![0, 0, 1, 1, 2, 2], 4),
        (4, vec![0, 0, 1, 2], 3),
        (3, it_was_dot.to_vec(), 2),
        (2, vec![0, 1], 2),
        (1, vec![0], 1),
    ] {
        let method = PromptMethod {
            template: numbered(count),
            ..dart()
        };
        let built = built(&method).unwrap();
        let example = &encode(&built, &[("fun", 2)])[0];
        let v = 128;
        let (text, slot, n) = (1, 2 + before, count as i64);
        assert_eq!(example.slot, slot, "{count}");
        let mut ids: Vec<i64> = (v..v + before as i64).collect();
        ids.push(built.tokenizer.special().mask);
        ids.extend(v + before as i64..v + n);
        assert_eq!(example.ids[1 + text..example.ids.len() - 1], ids, "{count}");
        // Each row starts as a copy of the token that it stands for.
        let model = tensors(&goldens().join("bert-tiny/model.safetensors"));
        let words = &model["bert.embeddings.word_embeddings.weight"];
        let sources = ["it", "was", "."].map(|word| built.tokenizer.encode(word)[0]);
        let rows = parameter(&built, "pseudo.rows");
        assert_eq!(rows.size()[0], n + 3);
        for (i, j) in wanted.iter().enumerate() {
            close("row", &rows.get(i as i64), &words.get(sources[*j]), 0.0);
        }
    }
    let method = PromptMethod {
        template: numbered(0),
        ..dart()
    };
    assert!(refusal(&method).contains("template_tokens"));
}

/// Six rows, as if they overwrote the vocabulary's last six.
#[test]
fn uniform_rows_fill_the_range_of_the_rows_that_they_would_overwrite() {
    let method = PromptMethod {
        template: TemplateRows::Pseudo {
            init: RowInit::Uniform,
            tokens: None,
        },
        labels: LabelRows::Pseudo {
            init: RowInit::Uniform,
        },
        ..dart()
    };
    let built = built(&method).unwrap();
    let (rows, biases) = (
        parameter(&built, "pseudo.rows"),
        parameter(&built, "pseudo.bias"),
    );
    let model = tensors(&goldens().join("bert-tiny/model.safetensors"));
    let words = &model["bert.embeddings.word_embeddings.weight"];
    let bias = &model["cls.predictions.bias"];
    assert_eq!((rows.size()[0], words.size()[0]), (6, 128));
    close("bias", &biases, &bias.narrow(0, 122, 6), 0.0);
    let bounds = words.narrow(0, 122, 6).abs().amax([1i64].as_slice(), true);
    let shares = &rows / bounds.to_kind(Kind::Double); // [6, D]
    let largest = shares.abs().amax([1i64].as_slice(), false);
    assert!(largest.max().double_value(&[]) <= 1.0 + 1e-6);
    assert!(largest.min().double_value(&[]) > 0.7, "{largest:?}");
    // Uniform on [-1, 1]: mean 0, variance 1/3.
    assert!(shares.mean(Kind::Double).double_value(&[]).abs() < 0.1);
    assert!((shares.square().mean(Kind::Double).double_value(&[]) - 1.0 / 3.0).abs() < 0.08);
    for i in 1..6 {
        assert_ne!(
            shares.get(0),
            shares.get(i),
            "each row has draws of its own"
        );
    }
}
