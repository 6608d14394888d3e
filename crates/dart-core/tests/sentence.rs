//! Logistic regression against scikit-learn (tests/goldens/logistic.json), and sentence classifiers
//! on it: frozen, and tuned on pairs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{close, example, golden, goldens, minilm, slopes, without_dropout};
use dart_core::classifier::{Classifier, MicroStep, SentenceClassifier};
use dart_core::lm::{LanguageModel, Mode};
use dart_core::logistic;
use dart_core::method::{Embeddings, SentenceMethod, TrainPart};
use dart_core::prompt::{Batch, Encoded, InputEncoder};
use dart_core::sentence::{Layout, SentenceEncoder};
use dart_core::tokenizer::Tokenizer;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Case {
    name: String,
    c: f64,
    classes: usize,
    x: Option<Vec<Vec<f64>>>,
    labels: Vec<usize>,
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
    probabilities: Vec<Vec<f64>>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(goldens().join("logistic.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn matrix(rows: &[Vec<f64>]) -> Tensor {
    let flat: Vec<f64> = rows.concat();
    Tensor::from_slice(&flat).view([rows.len() as i64, -1])
}

/// Coefficients, intercepts and probabilities of `x`, of the classes present.
fn compare(case: &Case, x: &Tensor) {
    let fitted = logistic::fit(x, &case.labels, case.classes, case.c).unwrap();
    let logits = x
        .to_kind(Kind::Double)
        .linear(&fitted.weight, Some(&fitted.bias));
    let probabilities = logits.softmax(1, Kind::Double);
    let present: Vec<i64> = (0..case.classes)
        .filter(|y| case.labels.contains(y))
        .map(|y| y as i64)
        .collect();
    for y in (0..case.classes as i64).filter(|y| !present.contains(y)) {
        let largest = probabilities.select(1, y).max().double_value(&[]);
        assert_eq!(largest, 0.0, "{}: class {y} has no example", case.name);
    }
    let at = Tensor::from_slice(&present);
    let got = probabilities.index_select(1, &at);
    close(&case.name, &got, &matrix(&case.probabilities), 1e-6);
    let (mut weight, mut bias) = (
        fitted.weight.index_select(0, &at),
        fitted.bias.index_select(0, &at),
    );
    if present.len() == 2 {
        close(&case.name, &weight.get(0), &weight.get(0).zeros_like(), 0.0);
        (weight, bias) = (weight.narrow(0, 1, 1), bias.narrow(0, 1, 1));
    }
    let wanted = matrix(&case.weight);
    let size = wanted.abs().max().double_value(&[]).max(1.0);
    close(&case.name, &weight, &wanted, 1e-4 * size);
    close(
        &case.name,
        &bias,
        &Tensor::from_slice(&case.bias),
        1e-4 * size,
    );
}

#[test]
fn coefficients_equal_scikit_learn() {
    let cases = cases();
    let mut compared = 0;
    for case in &cases {
        if let Some(x) = &case.x {
            compare(case, &matrix(x));
            compared += 1;
        }
    }
    assert_eq!(compared, 8);
}

/// The whole way from a text: the packaged encoder's embeddings and their regression.
#[test]
fn sentences_of_the_packaged_encoder_give_scikit_learns_coefficients() {
    let tokenizer = Tokenizer::load(&minilm()).unwrap();
    let lm = LanguageModel::load_encoder(&minilm()).unwrap();
    let sentences = SentenceEncoder::new(lm, &tokenizer, &Layout::default()).unwrap();
    let text = std::fs::read_to_string(goldens().join("minilm/sentences.json")).unwrap();
    let texts: Vec<String> = serde_json::from_str(&text).unwrap();
    let encoder = InputEncoder::head(128);
    let encoded: Vec<Encoded> = texts
        .iter()
        .map(|t| encoder.encode(&example(0, t, 0), &tokenizer).unwrap())
        .collect();
    let x = sentences.embed_all(&encoded).unwrap();
    // The golden's second sentence has a second segment in it.
    let wanted = &golden("minilm")["sentence"];
    for row in [0, 2, 3] {
        close("sentence", &x.get(row), &wanted.get(row), 1e-6);
    }
    let case = cases().into_iter().find(|c| c.name == "sentences").unwrap();
    compare(&case, wanted);
}

fn method(train: TrainPart) -> SentenceMethod {
    SentenceMethod {
        train,
        embeddings: Embeddings::Trained,
        logreg_c: 2.0,
        encoder_prompt: None,
    }
}

/// A classifier in float64 on bert-tiny, shown `train`, with that encoded.
fn toy(method: &SentenceMethod, train: &[(&str, usize)]) -> (SentenceClassifier, Vec<Encoded>) {
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let mut lm = LanguageModel::load_encoder(dir.path()).unwrap();
    lm.to(Device::Cpu, Kind::Double).unwrap();
    let encoder = InputEncoder::head(18);
    let encoded: Vec<Encoded> = train
        .iter()
        .map(|(t, y)| encoder.encode(&example(0, t, *y), &tokenizer).unwrap())
        .collect();
    let sentences = SentenceEncoder::new(lm, &tokenizer, &Layout::default()).unwrap();
    let classifier = SentenceClassifier::new(sentences, method, encoder, 3).unwrap();
    for p in classifier.parameters() {
        let _ = p.tensor.set_requires_grad(true);
    }
    (classifier, encoded)
}

fn embedding(classifier: &SentenceClassifier, example: &Encoded) -> Vec<f64> {
    let x = classifier
        .sentences()
        .embed_all(std::slice::from_ref(example));
    Vec::<f64>::try_from(&x.unwrap().get(0)).unwrap()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn place(step: u64) -> MicroStep {
    MicroStep {
        seed: 13,
        step,
        micro: 0,
    }
}

/// Two texts a class, so that the partner of the same class is known, and one of the other two.
#[test]
fn the_loss_is_that_of_cosines_within_and_between_classes() {
    let texts = [
        ("so dull", 0),
        ("a bad movie", 0),
        ("fun", 2),
        ("very good", 2),
    ];
    let (classifier, encoded) = toy(&method(TrainPart::Lm), &texts);
    classifier.prepare(&encoded).unwrap();
    let e: Vec<Vec<f64>> = encoded.iter().map(|x| embedding(&classifier, x)).collect();
    let within = (cosine(&e[0], &e[1]) - 1.0).powi(2);
    let between = [2, 3].map(|other| (within + cosine(&e[0], &e[other]).powi(2)) / 2.0);
    let mut seen = [0, 0];
    for step in 0..40 {
        let loss = classifier.backward(&[&encoded[0]], place(step), 1.0);
        let loss = loss.unwrap().class;
        let at = between.iter().position(|b| (b - loss).abs() < 1e-12);
        seen[at.expect("a pair of these classes")] += 1;
    }
    assert!(seen.iter().all(|&n| n >= 10), "both are drawn: {seen:?}");
    // A batch's is the mean of its examples'.
    let twice = [&encoded[0], &encoded[0]];
    let both = classifier.backward(&twice, place(3), 1.0).unwrap().class;
    let middle = (between[0] + between[1]) / 2.0;
    let near = |value: f64| (both - value).abs() < 1e-12;
    assert!([between[0], middle, between[1]].into_iter().any(near));
}

/// With one text in its class, a text is its own partner: nothing to learn within.
#[test]
fn a_class_of_one_has_itself_for_a_partner() {
    let (classifier, encoded) = toy(&method(TrainPart::Lm), &[("fun", 0), ("so dull", 1)]);
    classifier.prepare(&encoded).unwrap();
    let e: Vec<Vec<f64>> = encoded.iter().map(|x| embedding(&classifier, x)).collect();
    let loss = classifier.backward(&[&encoded[0]], place(0), 1.0).unwrap();
    assert!((loss.class - cosine(&e[0], &e[1]).powi(2) / 2.0).abs() < 1e-12);
    let (classifier, encoded) = toy(&method(TrainPart::Lm), &[("fun", 1), ("so dull", 1)]);
    let refusal = classifier.prepare(&encoded).unwrap_err().to_string();
    assert!(refusal.contains("two classes"), "{refusal}");
}

#[test]
fn gradients_of_tuning_equal_finite_differences() {
    let texts = [
        ("so dull", 0),
        ("a bad movie", 0),
        ("fun", 2),
        ("", 2),
        ("okay", 1),
    ];
    let (classifier, encoded) = toy(&method(TrainPart::Lm), &texts);
    classifier.prepare(&encoded).unwrap();
    let examples: Vec<&Encoded> = encoded.iter().collect();
    let loss = || {
        let losses = classifier.backward(&examples, place(5), 1.0);
        losses.unwrap().class
    };
    loss();
    let mut parameters = classifier.parameters();
    let regression = parameters.split_off(parameters.len() - 2);
    for p in &regression {
        assert!(p.name.starts_with("logistic.") && !p.tensor.grad().defined());
    }
    let slopes = slopes(&parameters, |count| vec![count / 3, count - 1], loss);
    let reached = slopes.iter().filter(|slope| slope.abs() > 1e-8).count();
    assert!(reached > 10, "{reached} slopes that are not 0");
}

/// The regression is that of the training examples' embeddings as the encoder then sees them.
#[test]
fn the_regression_is_fitted_anew_to_the_embeddings() {
    let texts = [
        ("so dull", 0),
        ("a bad movie", 0),
        ("fun", 2),
        ("good", 2),
        ("okay", 1),
    ];
    let (classifier, encoded) = toy(&method(TrainPart::None), &texts);
    assert!(!classifier.has_steps());
    let refusal = classifier.refit().unwrap_err().to_string();
    assert!(refusal.contains("no training examples"), "{refusal}");
    classifier.prepare(&encoded).unwrap();
    let examples: Vec<&Encoded> = encoded.iter().collect();
    let batch = Batch::new(&examples, 0, Device::Cpu).unwrap();
    for shift in [0.0, 0.3] {
        let words = classifier.sentences().lm.embeddings.detach();
        let _ = tch::no_grad(|| words.narrow(1, 0, 3).g_add_scalar_(shift));
        classifier.refit().unwrap();
        let x = classifier.sentences().embed_all(&encoded).unwrap();
        let fitted = logistic::fit(&x, &[0, 0, 2, 2, 1], 3, 2.0).unwrap();
        let wanted = x.linear(&fitted.weight, Some(&fitted.bias));
        let got = classifier.logits(&batch, Mode::Evaluate).unwrap();
        close("logits", &got, &wanted, 1e-9);
    }
}

#[test]
fn settings_without_a_meaning_are_refused() {
    let refused = |method: SentenceMethod| {
        let dir = without_dropout("bert-tiny");
        let lm = LanguageModel::load_encoder(dir.path()).unwrap();
        let tokenizer = Tokenizer::load(dir.path()).unwrap();
        let sentences = SentenceEncoder::new(lm, &tokenizer, &Layout::default()).unwrap();
        let classifier = SentenceClassifier::new(sentences, &method, InputEncoder::head(18), 3);
        classifier.err().unwrap().to_string()
    };
    assert!(refused(method(TrainPart::Prompt)).contains("train: prompt"));
    for logreg_c in [0.0, -1.0, f64::NAN] {
        let method = SentenceMethod {
            logreg_c,
            ..method(TrainPart::Lm)
        };
        assert!(refused(method).contains("logreg_c"));
    }
}
