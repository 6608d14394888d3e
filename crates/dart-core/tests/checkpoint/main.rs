//! Checkpoints: what is read back is what was trained, and nothing else is taken for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use common::{StopAfter, dart, goldens, task, without_dropout};
use dart_core::CoreError;
use dart_core::build::Built;
use dart_core::checkpoint::{CARD, Card, Contents, Origin, contents, load, save};
use dart_core::device::DeviceChoice;
use dart_core::fill_mask::fill_mask;
use dart_core::lm::LanguageModel;
use dart_core::method::{
    Embeddings, HeadMethod, LabelRows, Method, PromptMethod, RowInit, TemplateRows, TrainPart,
};
use dart_core::tokenizer::Tokenizer;
use dart_core::train::{FitOutcome, Precision, RunSpec, TrainSettings, fit, load_best, score};
use dart_data::{Example, Task};
use tempfile::TempDir;

fn settings() -> TrainSettings {
    TrainSettings {
        learning_rate: 3e-3,
        steps: 4,
        eval_every: 4,
        ..common::settings()
    }
}

fn examples() -> Vec<Example> {
    let texts = [
        ("so dull and bad", 0),
        ("okay", 1),
        ("a fun bright movie", 2),
        ("", 1),
        ("great music , great story that is not very slow", 2),
    ];
    common::examples(&texts)
}

/// A trained run on a model without dropout.
struct Run {
    model: TempDir,
    method: Method,
    settings: TrainSettings,
    task: Task,
    dir: TempDir,
    outcome: Option<FitOutcome>,
}

impl Run {
    fn new(model: TempDir, method: Method) -> Self {
        let mut run = Run {
            model,
            method,
            settings: settings(),
            task: task(),
            dir: tempfile::tempdir().unwrap(),
            outcome: None,
        };
        fs::create_dir(run.dir.path().join("state")).unwrap();
        let outcome = fit(
            &run.spec(),
            &examples(),
            &examples(),
            &run.state(),
            &mut StopAfter(None),
        );
        run.outcome = Some(outcome.unwrap());
        run
    }

    fn spec(&self) -> RunSpec<'_> {
        RunSpec {
            model: self.model.path(),
            method: &self.method,
            settings: &self.settings,
            task: &self.task,
            seed: 42,
            demonstrations: None,
        }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn built(&self) -> Built {
        load_best(&self.spec(), &self.state(), DeviceChoice::Cpu).unwrap()
    }

    fn save(&self, contents: Contents) -> Result<Card, CoreError> {
        let origin = Origin {
            spec: &self.spec(),
            outcome: self.outcome.as_ref().unwrap(),
            run: "toy-run",
            base: "bert-tiny",
        };
        save(&self.built(), &origin, contents, &self.out())
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// Probabilities of the examples, as the run itself scores them.
    fn scored(&self) -> Vec<Vec<f64>> {
        let scores = score(&self.spec(), &examples(), &self.state()).unwrap();
        scores
            .predictions
            .into_iter()
            .map(|p| p.probabilities)
            .collect()
    }

    fn predicted(&self) -> Vec<Vec<f64>> {
        let checkpoint = load(&self.out(), None, DeviceChoice::Cpu).unwrap();
        checkpoint.predict(&examples()).unwrap()
    }
}

fn bert(method: Method) -> Run {
    Run::new(without_dropout("bert-tiny"), method)
}

fn prompt_alone() -> Method {
    Method::Prompt(PromptMethod {
        train: TrainPart::Prompt,
        fluency: None,
        ..dart()
    })
}

#[test]
fn a_checkpoint_predicts_with_the_run_s_bits() {
    let methods = [
        Method::Prompt(dart()),
        Method::Prompt(PromptMethod {
            embeddings: Embeddings::Trained,
            labels: LabelRows::Pseudo {
                init: RowInit::Random,
            },
            ..dart()
        }),
        Method::Prompt(PromptMethod {
            template: TemplateRows::Hard,
            labels: LabelRows::Words,
            ..dart()
        }),
        Method::Prompt(PromptMethod {
            template: TemplateRows::Hard,
            labels: LabelRows::Words,
            fluency: None,
            train: TrainPart::None,
            ..dart()
        }),
        prompt_alone(),
        Method::Head(HeadMethod {
            train: TrainPart::Lm,
            embeddings: Embeddings::Frozen,
        }),
    ];
    for method in methods {
        let run = bert(method);
        let card = run.save(contents(&run.method)).unwrap();
        assert_eq!(Card::read(&run.out()).unwrap(), card);
        assert_eq!(run.predicted(), run.scored(), "{:?}", run.method);
        let alone = matches!(&run.method, Method::Prompt(m) if m.train == TrainPart::Prompt);
        assert_eq!(card.contents == Contents::Prompt, alone);
    }
}

/// In the exported folder the pseudo tokens are tokens like others: a text that spells them out is
/// the run's prompt, and the slot's logits over the whole vocabulary are the run's.
#[test]
fn an_exported_model_is_an_ordinary_masked_language_model() {
    let run = bert(Method::Prompt(dart()));
    let card = run.save(Contents::Model).unwrap();
    let (lm, tokenizer) = (
        LanguageModel::load(&run.out()).unwrap(),
        Tokenizer::load(&run.out()).unwrap(),
    );
    let m = card.template_rows as usize;
    assert_eq!((m, card.pseudo_tokens.len()), (3, 6));
    assert_eq!(lm.config.vocab, card.vocab + 6);
    assert_eq!(tokenizer.len() as i64, lm.config.vocab);
    let text = format!(
        "a fun bright movie {} {} [MASK] {}",
        card.pseudo_tokens[0], card.pseudo_tokens[1], card.pseudo_tokens[2]
    );
    let every = lm.config.vocab as usize;
    let filled = fill_mask(&lm, &tokenizer, &[text], every)
        .unwrap()
        .remove(0);
    let encoded = run.built().encode(&examples()[2..3]).unwrap().remove(0);
    assert_eq!(filled.ids, encoded.ids);
    let of = |class: usize| {
        let id = card.vocab + (m + class) as i64;
        filled.top.iter().find(|c| c.id == id).unwrap().probability
    };
    let labels: Vec<f64> = (0..3).map(of).collect();
    let sum: f64 = labels.iter().sum();
    for (got, wanted) in labels.iter().zip(&run.scored()[2]) {
        assert!((got / sum - wanted).abs() < 1e-5, "{labels:?}");
    }
}

/// A vocabulary with more rows than the tokenizer has tokens: the pseudo tokens stand behind both.
#[test]
fn a_gap_between_tokenizer_and_vocabulary_is_filled() {
    let model = without_dropout("bert-tiny");
    let path = model.path().join("vocab.txt");
    let vocabulary = fs::read_to_string(&path).unwrap();
    let fewer: Vec<&str> = vocabulary.lines().take(124).collect();
    fs::write(&path, fewer.join("\n") + "\n").unwrap();
    let run = Run::new(model, Method::Prompt(dart()));
    let card = run.save(Contents::Model).unwrap();
    let tokenizer = Tokenizer::load(&run.out()).unwrap();
    assert_eq!((card.vocab, tokenizer.len()), (128, 134));
    for (id, token) in (128..).zip(&card.pseudo_tokens) {
        assert_eq!(tokenizer.encode(&format!("fun {token}movie"))[1], id);
    }
    assert_eq!(tokenizer.token(124), "[dart-unused-124]");
    assert_eq!(run.predicted(), run.scored());
}

#[test]
fn weights_are_float32_with_the_metadata_that_transformers_wants() {
    let run = bert(Method::Prompt(dart()));
    run.save(Contents::Model).unwrap();
    let bytes = fs::read(run.out().join("model.safetensors")).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let format = metadata.metadata().as_ref().unwrap().get("format");
    assert_eq!(format.map(String::as_str), Some("pt"));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert!(
        file.tensors()
            .iter()
            .all(|(_, t)| t.dtype() == safetensors::Dtype::F32)
    );
    let words = file
        .tensor("bert.embeddings.word_embeddings.weight")
        .unwrap();
    assert_eq!(words.shape(), [134, 48]);
    let config = fs::read_to_string(run.out().join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["vocab_size"], 134);
    assert_eq!(config["architectures"][0], "BertForMaskedLM");
}

/// Also one that is computed in bfloat16, which rounds by more than the answers may differ.
#[test]
fn a_run_in_bfloat16_is_exported() {
    let mut run = bert(prompt_alone());
    for contents in [Contents::Model, Contents::Prompt] {
        run.settings.precision = Precision::BFloat16;
        run.dir = tempfile::tempdir().unwrap();
        fs::create_dir(run.state()).unwrap();
        let (spec, state) = (run.spec(), run.state());
        let outcome = fit(
            &spec,
            &examples(),
            &examples(),
            &state,
            &mut StopAfter(None),
        );
        run.outcome = Some(outcome.unwrap());
        run.save(contents).unwrap();
        assert_eq!(run.predicted(), run.scored(), "{contents:?}");
    }
}

#[test]
fn the_whole_model_of_a_prompt_alone_predicts_the_same() {
    let run = bert(prompt_alone());
    run.save(Contents::Model).unwrap();
    assert_eq!(run.predicted(), run.scored());
}
