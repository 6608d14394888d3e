//! What the families do their own way: tensor names, settings, and the causal model's slot (numbers
//! against Hugging Face: encoder.rs).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod causal;
mod checkpoints;
#[path = "../common/mod.rs"]
mod common;

use std::path::Path;

use common::{close, dart, example, goldens, task};
use dart_core::build::{Built, build_as};
use dart_core::device::DeviceChoice;
use dart_core::lm::Mode;
use dart_core::method::{LabelRows, Method, TemplateRows};
use dart_core::prompt::{Batch, Encoded};
use dart_core::train::{Precision, RunSpec, TrainSettings};
use dart_data::{Example, Task};
use tch::{Device, Kind, Tensor};

const FAMILIES: [&str; 7] = [
    "modernbert-tiny",
    "modernbert-biased-tiny",
    "deberta-tiny",
    "deberta-v2-tiny",
    "deberta-v3-tiny",
    "gpt2-tiny",
    "mpnet-tiny",
];

fn spec<'a>(
    model: &'a Path,
    method: &'a Method,
    task: &'a Task,
    settings: &'a TrainSettings,
) -> RunSpec<'a> {
    RunSpec {
        model,
        method,
        settings,
        task,
        seed: 13,
        demonstrations: None,
    }
}

fn settings(max_length: usize) -> TrainSettings {
    TrainSettings {
        learning_rate: 1e-3,
        pseudo_learning_rate: None,
        batch: 2,
        accumulation: 1,
        steps: 2,
        warmup: 0.0,
        weight_decay: 0.0,
        clip: 1.0,
        eval_every: 1,
        patience: None,
        max_length,
        threads: 1,
        device: DeviceChoice::Cpu,
        precision: Precision::Float32,
        recompute: false,
        ..TrainSettings::default()
    }
}

/// DART without fluency, with these parts.
fn plain(template: TemplateRows, labels: LabelRows) -> Method {
    let mut method = dart();
    (method.template, method.labels, method.fluency) = (template, labels, None);
    Method::Prompt(method)
}

fn built(name: &str, method: &Method, template: &str) -> Built {
    let task = Task {
        template: template.into(),
        ..task()
    };
    let (model, settings) = (goldens().join(name), settings(18));
    build_as(&spec(&model, method, &task, &settings), Kind::Double).unwrap()
}

fn logits(built: &Built, examples: &[Example]) -> Tensor {
    let encoded = built.encode(examples).unwrap();
    let encoded: Vec<&Encoded> = encoded.iter().collect();
    let batch = Batch::new(&encoded, built.pad, Device::Cpu).unwrap();
    tch::no_grad(|| built.classifier.logits(&batch, Mode::Evaluate)).unwrap()
}

fn texts() -> [Example; 3] {
    [
        example(0, "a fun and bright movie , musics", 2),
        example(1, "", 1),
        example(2, "so dull", 0),
    ]
}

#[test]
fn dart_starts_with_the_logits_of_zero_shot_in_every_family() {
    for name in FAMILIES {
        let method = plain(TemplateRows::Hard, LabelRows::Words);
        let wanted = logits(&built(name, &method, "{a} it was [MASK] ."), &texts());
        for (template, labels) in [
            (TemplateRows::PSEUDO, LabelRows::PSEUDO),
            (TemplateRows::PSEUDO, LabelRows::Words),
            (TemplateRows::Hard, LabelRows::PSEUDO),
        ] {
            let method = plain(template, labels);
            let got = logits(&built(name, &method, "{a} it was [MASK] ."), &texts());
            close(name, &got, &wanted, 1e-9);
        }
    }
}
