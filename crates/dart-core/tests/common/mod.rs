//! What the tests share: golden files and comparisons.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dart_core::device::DeviceChoice;
use dart_core::lm::Parameter;
use dart_core::method::{
    Fluency, FluencyLabels, FluencyMask, LabelRows, PromptMethod, TemplateRows,
};
use dart_core::train::{Control, EvalReport, Observer, StepReport, TrainSettings};
use dart_data::{Catalog, Example, Metric, Task};
use tch::{Kind, Tensor};

/// The folder of golden files.
pub fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A golden folder's `golden.safetensors`.
pub fn golden(name: &str) -> BTreeMap<String, Tensor> {
    tensors(&goldens().join(name).join("golden.safetensors"))
}

/// All tensors of a safetensors file.
pub fn tensors(path: &Path) -> BTreeMap<String, Tensor> {
    Tensor::read_safetensors(path)
        .unwrap()
        .into_iter()
        .collect()
}

/// Asserts equal shapes and a largest absolute difference of at most `tolerance`.
pub fn close(what: &str, got: &Tensor, wanted: &Tensor, tolerance: f64) {
    assert_eq!(got.size(), wanted.size(), "{what}");
    let difference = got.to_kind(Kind::Double) - wanted.to_kind(Kind::Double);
    let largest = difference.abs().max().double_value(&[]);
    assert!(
        largest <= tolerance,
        "{what}: differs by {largest:e}, more than {tolerance:e}"
    );
}

/// The gradients of the last backward pass; 0 where it had none.
pub fn gradients(parameters: &[Parameter]) -> Vec<Tensor> {
    let gradient = |p: &Parameter| match p.tensor.grad() {
        gradient if gradient.defined() => gradient.copy(),
        _ => p.tensor.detach().zeros_like(),
    };
    parameters.iter().map(gradient).collect()
}

/// Asserts that the gradients of a backward pass of `loss` equal its central differences at some
/// places of each parameter, which `places` chooses of so many numbers; gives the gradients there.
pub fn slopes(
    parameters: &[Parameter],
    places: impl Fn(i64) -> Vec<i64>,
    loss: impl Fn() -> f64,
) -> Vec<f64> {
    let mut all = Vec::new();
    for (parameter, gradient) in parameters.iter().zip(gradients(parameters)) {
        let flat = parameter.tensor.detach().view([-1]);
        for at in places(flat.size()[0]) {
            let shift = |by: f64| {
                let _ = flat.get(at).g_add_scalar_(by);
            };
            shift(1e-5);
            let above = loss();
            shift(-2e-5);
            let below = loss();
            shift(1e-5);
            let slope = (above - below) / 2e-5;
            let wanted = gradient.view([-1]).double_value(&[at]);
            assert!(
                (slope - wanted).abs() < 1e-6 * wanted.abs().max(1.0),
                "{}[{at}]: {slope} is not {wanted}",
                parameter.name
            );
            all.push(wanted);
        }
    }
    all
}

/// Goes on to the end, or stops after a step.
pub struct StopAfter(pub Option<usize>);

impl Observer for StopAfter {
    fn step(&mut self, report: &StepReport) -> Control {
        match self.0 == Some(report.step) {
            true => Control::Stop,
            false => Control::Continue,
        }
    }

    fn evaluation(&mut self, _: &EvalReport) -> Control {
        Control::Continue
    }
}

/// The packaged sentence encoder, which `just setup` fetches.
pub fn minilm() -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/all-minilm-l6-v2");
    assert!(
        dir.join("model.safetensors").is_file(),
        "{} is not there: run `just setup`",
        dir.display()
    );
    dir
}

/// A copy of a golden model's folder without dropout, to be trained in tests. ALBERT's has no
/// vocabulary: word i of the one it gets is `wi`.
pub fn without_dropout(name: &str) -> tempfile::TempDir {
    let (from, dir) = (goldens().join(name), tempfile::tempdir().unwrap());
    let text = std::fs::read_to_string(from.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, value) in config.as_object_mut().unwrap() {
        if key.contains("dropout") || key.ends_with("_pdrop") {
            *value = 0.0.into();
        }
    }
    std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    let copy = |file: &str| std::fs::copy(from.join(file), dir.path().join(file)).unwrap();
    copy("model.safetensors");
    if from.join("tokenizer.json").is_file() {
        copy("tokenizer.json");
    } else if name == "albert-tiny" {
        let vocabulary: String = (0..90).map(albert_word).collect();
        std::fs::write(dir.path().join("vocab.txt"), vocabulary).unwrap();
    } else {
        copy("vocab.txt");
    }
    dir
}

fn albert_word(id: i64) -> String {
    match id {
        0 => "[PAD]\n".into(),
        1 => "[UNK]\n".into(),
        2 => "[CLS]\n".into(),
        3 => "[SEP]\n".into(),
        4 => "[MASK]\n".into(),
        _ => format!("w{id}\n"),
    }
}

/// A task of three classes on bert-tiny's vocabulary.
pub fn task() -> Task {
    let three = |words: [&str; 3]| words.map(String::from).to_vec();
    let catalog = Catalog::embedded().unwrap();
    Task {
        name: "toy".into(),
        labels: three(["bad", "okay", "good"]),
        metric: Metric::Accuracy,
        template: "{a} it was [MASK] .".into(),
        words: three(["terrible", "okay", "great"]),
        ..catalog.task("sst-2").unwrap().clone()
    }
}

/// An example of one text.
pub fn example(row: usize, text: &str, label: usize) -> Example {
    Example {
        row,
        text_a: text.into(),
        text_b: None,
        entities: None,
        label,
    }
}

/// Examples of one text each, numbered from 0.
pub fn examples(texts: &[(&str, usize)]) -> Vec<Example> {
    let rows = texts.iter().enumerate();
    rows.map(|(row, (text, label))| example(row, text, *label))
        .collect()
}

/// A short run on the CPU.
pub fn settings() -> TrainSettings {
    TrainSettings {
        learning_rate: 1e-3,
        pseudo_learning_rate: None,
        batch: 3,
        accumulation: 1,
        steps: 6,
        warmup: 0.0,
        weight_decay: 0.01,
        clip: 1.0,
        eval_every: 2,
        patience: None,
        max_length: 18,
        threads: 1,
        device: DeviceChoice::Cpu,
        ..TrainSettings::default()
    }
}

/// DART as the paper has it.
pub fn dart() -> PromptMethod {
    PromptMethod {
        template: TemplateRows::PSEUDO,
        labels: LabelRows::PSEUDO,
        fluency: Some(Fluency {
            weight: 0.7,
            labels: FluencyLabels::All,
            mask: FluencyMask::One,
            ..Fluency::default()
        }),
        ..PromptMethod::default()
    }
}
