//! Runs: resumed equals undisturbed, selection, refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod refusals;
mod resume;
mod selection;
mod steps;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{close, dart, goldens, task, tensors, without_dropout};
use dart_core::build::build;
use dart_core::classifier::MicroStep;
use dart_core::control::Control;
use dart_core::lm::LanguageModel;
use dart_core::method::{
    Embeddings, HeadMethod, LabelRows, Method, PromptMethod, SentenceMethod, TemplateRows,
    TrainPart,
};
use dart_core::tokenizer::Tokenizer;
use dart_core::train::{
    Count, EvalReport, FitOutcome, Observer, RunSpec, Schedule, StepReport, Ties, TrainSettings,
    fit, score,
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
        encoder_prompt: None,
    })
}
