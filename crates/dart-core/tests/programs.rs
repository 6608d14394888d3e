//! Ten steps of DART as each of the authors' two programs trains it, against the same steps in
//! PyTorch (scripts/goldens/make_programs.py): inputs, losses, rates, norms, rows, predictions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::{Mutex, PoisonError};

use common::{example, goldens, task, tensors, without_dropout};
use dart_core::build::build;
use dart_core::control::Control;
use dart_core::method::{
    BiasInit, Embeddings, Fluency, FluencyLabels, FluencyMask, FluencyMean, FluencyPass,
    LabelPieces, LabelRows, Method, Places, PromptMethod, TemplateRows,
};
use dart_core::train::{
    Count, DecayedEmbeddings, EvalReport, Observer, RunSpec, Schedule, StepReport, Ties,
    TrainSettings, fit, score,
};
use dart_data::{Example, Task};
use serde_json::Value;
use tch::{Kind, Tensor};

const TOLERANCE: f64 = 1e-4;

#[test]
fn the_program_of_january_2022_is_met() {
    for case in ["plain", "accumulated", "extra_mask", "published"] {
        met("reference-2022", case, year_2022);
    }
}

#[test]
fn its_rewrite_is_met() {
    for case in [
        "class_alone",
        "reference",
        "full_vocab",
        "corrected",
        "published",
    ] {
        met("reference", case, rewrite);
    }
}

/// What both share: pseudo rows in the places of other rows, all of E trained, no dropout.
fn both(case: &Value) -> (PromptMethod, TrainSettings) {
    let of = &case["settings"];
    let count = |key: &str| of[key].as_u64().unwrap() as usize;
    let method = PromptMethod {
        template: TemplateRows::PSEUDO,
        labels: LabelRows::PSEUDO,
        label_pieces: LabelPieces::First,
        full_vocab: of["full_vocab"].as_bool().unwrap(),
        bias_init: BiasInit::Place,
        embeddings: Embeddings::Trained,
        ..PromptMethod::default()
    };
    let settings = TrainSettings {
        learning_rate: of["lm_rate"].as_f64().unwrap(),
        weight_decay: of["weight_decay"].as_f64().unwrap(),
        batch: count("batch"),
        accumulation: count("accumulation"),
        steps: count("steps"),
        max_length: 18,
        // Of ten steps the last is evaluated, so the best weights are the last.
        eval_every: 20,
        ..TrainSettings::default()
    };
    (method, settings)
}

/// λ L_F as a case has it.
fn fluency(case: &Value, mask: FluencyMask) -> Option<Fluency> {
    let weight = case["settings"]["fluency"].as_f64().unwrap();
    (weight > 0.0).then(|| Fluency {
        weight,
        mask,
        mean: FluencyMean::Masks,
        ..Fluency::default()
    })
}

fn mask_rate(case: &Value) -> f64 {
    case["settings"]["mask_rate"].as_f64().unwrap()
}

fn year_2022(case: &Value) -> (PromptMethod, TrainSettings) {
    let (method, settings) = both(case);
    let fluency = fluency(case, FluencyMask::Share(mask_rate(case)));
    let method = PromptMethod {
        places: Places::Unused,
        share_equal_tokens: true,
        template_gradient: false,
        fluency: fluency.map(|fluency| Fluency {
            pass: FluencyPass::Same,
            ..fluency
        }),
        ..method
    };
    let settings = TrainSettings {
        embedding_learning_rate: case["settings"]["words_rate"].as_f64(),
        embedding_schedule: Some(Schedule::Constant),
        decay_embeddings: DecayedEmbeddings::Positions,
        warmup: 0.0,
        ties: Ties::Later,
        ..settings
    };
    (method, settings)
}

fn rewrite(case: &Value) -> (PromptMethod, TrainSettings) {
    let (method, settings) = both(case);
    let fluency = fluency(case, FluencyMask::Rate(mask_rate(case)));
    let method = PromptMethod {
        places: Places::Tail,
        sep_after_text: true,
        fluency: fluency.map(|fluency| Fluency {
            labels: FluencyLabels::Sampled,
            reference_bug: case["settings"]["slot"] == "word",
            ..fluency
        }),
        ..method
    };
    let micro_batches = (settings.steps * settings.accumulation) as f64;
    let settings = TrainSettings {
        decay_embeddings: DecayedEmbeddings::All,
        warmup: case["settings"]["warmup"].as_f64().unwrap() / micro_batches,
        count: Count::MicroBatches,
        ties: Ties::Earlier,
        ..settings
    };
    (method, settings)
}

#[derive(Default)]
struct Steps(Vec<StepReport>);

impl Observer for Steps {
    fn step(&mut self, report: &StepReport) -> Control {
        self.0.push(report.clone());
        Control::Continue
    }

    fn evaluation(&mut self, _: &EvalReport) -> Control {
        Control::Continue
    }
}

/// One run at a time: libtorch's threads are the process's.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
fn near(what: &str, got: f64, wanted: f64, scale: f64) {
    let most = TOLERANCE * scale.max(1.0);
    assert!((got - wanted).abs() <= most, "{what}: {got}, not {wanted}");
}

/// Numbers of an array, however nested.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

#[track_caller]
fn near_all(what: &str, got: &Tensor, wanted: &[f64]) {
    let got = got.to_kind(Kind::Double).reshape([-1]).contiguous();
    let got: Vec<f64> = Vec::try_from(&got).unwrap();
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (got, wanted) in got.iter().zip(wanted) {
        near(what, *got, *wanted, 1.0);
    }
}

fn met(file: &str, name: &str, of: fn(&Value) -> (PromptMethod, TrainSettings)) {
    let _alone = alone();
    let path = goldens().join(format!("programs/{file}.json"));
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (case, at) = (&golden[name], |what: &str| format!("{file} {name}: {what}"));
    let (method, settings) = of(case);
    let method = Method::Prompt(method);
    let words = golden["words"].as_array().unwrap().iter();
    let task = Task {
        template: golden["template"].as_str().unwrap().into(),
        words: words.map(|word| word.as_str().unwrap().into()).collect(),
        ..task()
    };
    let texts = golden["examples"].as_array().unwrap().iter().enumerate();
    let examples: Vec<Example> = texts
        .map(|(row, pair)| {
            let label = pair[1].as_u64().unwrap() as usize;
            example(row, pair[0].as_str().unwrap(), label)
        })
        .collect();
    let model = without_dropout("bert-tiny");
    let spec = RunSpec {
        model: model.path(),
        method: &method,
        settings: &settings,
        task: &task,
        seed: golden["seed"].as_u64().unwrap(),
        demonstrations: None,
    };
    inputs(&golden, &spec, &examples);

    let dir = tempfile::tempdir().unwrap();
    let mut steps = Steps::default();
    fit(&spec, &examples, &examples, dir.path(), &mut steps).unwrap();
    let wanted = case["steps"].as_array().unwrap();
    assert_eq!(steps.0.len(), wanted.len());
    for (got, wanted) in steps.0.iter().zip(wanted) {
        let micro = wanted["micro"].as_array().unwrap();
        let mean = |key: &str| {
            let losses: Option<Vec<f64>> = micro.iter().map(|m| m[key].as_f64()).collect();
            losses.map(|losses| losses.iter().sum::<f64>() / micro.len() as f64)
        };
        let number = |key: &str| wanted[key].as_f64().unwrap();
        let at = |what: &str| at(&format!("step {}, {what}", got.step));
        let class = mean("class").unwrap();
        near(&at("L_C"), got.class_loss, class, 1.0);
        assert_eq!(got.fluency_loss.is_some(), mean("fluency").is_some());
        if let (Some(got), Some(wanted)) = (got.fluency_loss, mean("fluency")) {
            near(&at("L_F"), got, wanted, 1.0);
        }
        let norm = number("gradient_norm");
        near(&at("norm"), got.gradient_norm, norm, norm);
        let rate = number("learning_rate_lm");
        assert!((got.learning_rate - rate).abs() < 1e-12, "{}", at("rate"));
        let embeddings = got.embedding_learning_rate.unwrap_or(got.learning_rate);
        let rate = number("learning_rate_words");
        assert!((embeddings - rate).abs() < 1e-12, "{}", at("E's rate"));
    }

    let weights = tensors(&dir.path().join("best.safetensors"));
    let end = &case["end"];
    let joined = |keys: [&str; 2]| keys.map(|key| numbers(&end[key])).concat();
    let rows = joined(["template", "label"]);
    near_all(&at("rows"), &weights["pseudo.rows"], &rows);
    let biases = joined(["template_bias", "label_bias"]);
    near_all(&at("biases"), &weights["pseudo.bias"], &biases);
    let embeddings = &weights["bert.embeddings.word_embeddings.weight"];
    let vocabulary = std::fs::read_to_string(model.path().join("vocab.txt")).unwrap();
    let id = |word: &str| vocabulary.lines().position(|line| line == word).unwrap() as i64;
    for (word, row) in end["rows"].as_object().unwrap() {
        near_all(&at(word), &embeddings.get(id(word)), &numbers(row));
        let bias = &weights["cls.predictions.bias"].get(id(word));
        near_all(&at(word), bias, &numbers(&end["bias"][word]));
    }
    let places = numbers(&golden["places"]["rows"]);
    let kept: Vec<i64> = (0..embeddings.size()[0])
        .filter(|id| !places.contains(&(*id as f64)))
        .collect();
    for (name, norm) in end["norms"].as_object().unwrap() {
        let tensor = match name.as_str() {
            "words" => &embeddings.index_select(0, &Tensor::from_slice(&kept)),
            name => &weights[name],
        };
        let norm = norm.as_f64().unwrap();
        let got = tensor.to_kind(Kind::Double).norm().double_value(&[]);
        near(&at(name), got, norm, norm);
    }

    let scores = score(&spec, &examples, dir.path()).unwrap();
    for (row, prediction) in scores.predictions.iter().enumerate() {
        let logits = Tensor::from_slice(&numbers(&case["logits"][row]));
        let wanted = logits.softmax(-1, Kind::Double);
        let got = Tensor::from_slice(&prediction.probabilities);
        near_all(&at("predictions"), &got, &Vec::try_from(&wanted).unwrap());
    }
}

/// Ids from V on mean the pseudo rows, which the golden has in their places.
fn inputs(golden: &Value, spec: &RunSpec, examples: &[Example]) {
    let places = numbers(&golden["places"]["rows"]);
    let placed = |id: i64| match usize::try_from(id - 128) {
        Ok(row) => places[row],
        Err(_) => id as f64,
    };
    let encoded = build(spec).unwrap().encode(examples).unwrap();
    for (got, wanted) in encoded.iter().zip(golden["inputs"].as_array().unwrap()) {
        let ids: Vec<f64> = got.ids.iter().map(|id| placed(*id)).collect();
        assert_eq!(ids, numbers(&wanted["ids"]));
        let segments: Vec<f64> = got.segments.iter().map(|s| *s as f64).collect();
        assert_eq!(segments, numbers(&wanted["segments"]));
        assert_eq!(got.slot as f64, wanted["slot"].as_f64().unwrap());
        let maskable: Vec<f64> = got.maskable.iter().map(|p| *p as f64).collect();
        assert_eq!(maskable, numbers(&wanted["maskable"]));
    }
}
