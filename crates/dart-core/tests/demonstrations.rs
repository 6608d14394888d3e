//! Demonstrations: which may be shown, what an input with them is, and that scores are averaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use common::{StopAfter, close, dart, example, slopes, task, tensors, without_dropout};
use dart_core::CoreError;
use dart_core::build::{Built, build_as};
use dart_core::classifier::MicroStep;
use dart_core::lm::{LanguageModel, Mode, weights};
use dart_core::method::{LabelRows, Method, PromptMethod, Shown, TemplateRows, TrainPart};
use dart_core::prompt::{Batch, Encoded, InputEncoder};
use dart_core::sentence::{Layout, SentenceEncoder, Similar};
use dart_core::tokenizer::Tokenizer;
use dart_core::train::{RunSpec, Source, TrainSettings, fit, score};
use dart_data::Example;
use tch::{Device, Kind, Tensor};

/// bert-tiny with 64 positions, the further ones copies of the first.
fn longer() -> tempfile::TempDir {
    let dir = without_dropout("bert-tiny");
    let mut model = tensors(&dir.path().join("model.safetensors"));
    let name = "bert.embeddings.position_embeddings.weight";
    let rows = &model[name];
    let copies: Vec<&Tensor> =
        std::iter::repeat_n(rows, 64 / rows.size()[0] as usize + 1).collect();
    let long = Tensor::cat(&copies, 0).narrow(0, 0, 64).contiguous();
    model.insert(name.into(), long);
    weights::write(&dir.path().join("model.safetensors"), &model).unwrap();
    let path = dir.path().join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["max_position_embeddings"] = 64.into();
    std::fs::write(&path, config.to_string()).unwrap();
    dir
}

fn list(rows: &[(&str, usize)]) -> Vec<Example> {
    let numbered = rows.iter().enumerate();
    numbered.map(|(i, (t, y))| example(i, t, *y)).collect()
}

fn train() -> Vec<Example> {
    list(&[
        ("so dull and bad", 0),
        ("a fun bright movie", 2),
        ("okay", 1),
        ("boring plot", 0),
        ("great music , great story", 2),
        ("it is not very good but not bad", 1),
        ("sad", 0),
        ("slow film", 0),
        ("happy", 2),
        ("a bad movie", 0),
    ])
}

fn dev() -> Vec<Example> {
    list(&[("love it", 2), ("maybe", 1), ("a slow and dull film", 0)])
}

fn shown(contexts: usize, share: f64) -> Option<Shown> {
    Some(Shown {
        contexts,
        tokens: 4,
        share,
        encoder_prompt: None,
    })
}

/// LM-BFF with demonstrations.
fn lm_bff(contexts: usize) -> PromptMethod {
    PromptMethod {
        demonstrations: shown(contexts, 0.5),
        ..PromptMethod::default()
    }
}

struct Lab {
    model: tempfile::TempDir,
    method: Method,
    settings: TrainSettings,
    train: Vec<Example>,
}

impl Lab {
    fn new(method: PromptMethod) -> Self {
        Lab {
            model: longer(),
            method: Method::Prompt(method),
            settings: TrainSettings {
                learning_rate: 1e-3,
                batch: 3,
                steps: 6,
                eval_every: 2,
                max_length: 64,
                ..TrainSettings::default()
            },
            train: train(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&RunSpec) -> T) -> T {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let model = self.model.path();
        work(&RunSpec {
            model,
            method: &self.method,
            settings: &self.settings,
            task: &task(),
            seed: 42,
            demonstrations: Some(Source {
                train: &self.train,
                encoder: model,
            }),
        })
    }

    fn built(&self, kind: Kind) -> Built {
        let built = self.with(|spec| build_as(spec, kind)).unwrap();
        tch::set_num_threads(1);
        built
    }

    fn refusal(&self) -> String {
        let built = self.with(|spec| build_as(spec, Kind::Float));
        built.err().unwrap().to_string()
    }
}

/// Ranked by hand: by the cosine of the embeddings, within the class, without the input itself.
#[test]
fn the_most_similar_half_of_each_class_may_be_shown() {
    let dir = longer();
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let lm = LanguageModel::load_encoder(dir.path()).unwrap();
    let sentences = SentenceEncoder::new(lm, &tokenizer, &Layout::default()).unwrap();
    let encoder = InputEncoder::head(64);
    let embed = |example: &Example| {
        let encoded = encoder.encode(example, &tokenizer).unwrap();
        let row = sentences.embed_all(&[encoded]).unwrap().get(0);
        Vec::<f64>::try_from(&row).unwrap()
    };
    let similar = Similar::new(&train(), 3, 0.5, dir.path(), None, Device::Cpu).unwrap();
    let all = Similar::new(&train(), 3, 1.0, Path::new("nowhere"), None, Device::Cpu).unwrap();
    // Class 0 has five examples, 1 two, 2 three; of one's own class one fewer.
    for (inputs, counts) in [
        (dev(), [[2, 1, 1]; 3]),
        (train()[..3].to_vec(), [[2, 1, 1]; 3]),
    ] {
        let found = similar.candidates(&inputs).unwrap();
        let every = all.candidates(&inputs).unwrap();
        for ((input, found), (every, counts)) in
            inputs.iter().zip(&found).zip(every.iter().zip(counts))
        {
            let x = embed(input);
            for class in 0..3 {
                let mut ranked: Vec<(f64, usize)> = (0..train().len())
                    .filter(|&i| train()[i].label == class && train()[i] != *input)
                    .map(|i| {
                        let products = x.iter().zip(embed(&train()[i])).map(|(a, b)| a * b);
                        (products.sum(), i)
                    })
                    .collect();
                ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
                let order: Vec<usize> = ranked.iter().map(|(_, i)| *i).collect();
                assert_eq!(found[class].len(), counts[class], "{}", input.text_a);
                assert_eq!(found[class], order[..counts[class]], "{}", input.text_a);
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(every[class], sorted);
            }
        }
    }
}

/// `[CLS] input [MASK] template [SEP]`, then demonstrations with their words, within the length.
#[test]
fn inputs_hold_demonstrations_of_all_classes_within_the_length() {
    for labels in [LabelRows::Words, LabelRows::PSEUDO] {
        let mut lab = Lab::new(PromptMethod {
            labels,
            ..lm_bff(5)
        });
        // Template "it was [MASK] ." and three demonstrations of 4 + 3 + 2 tokens.
        lab.settings.max_length = 27 + 12;
        let built = lab.built(Kind::Float);
        let tokenizer = &built.tokenizer;
        let long = "slow ".repeat(30);
        let inputs = list(&[("love it", 2), (&long, 1)]);
        let encoded = built.encode(&inputs).unwrap();
        assert_eq!((encoded[0].truncated, encoded[1].truncated), (false, true));
        for example in &encoded {
            let contexts = built.classifier.contexts(example);
            assert_eq!(contexts.len(), 5);
            for context in &contexts {
                assert!(context.ids.len() <= lab.settings.max_length);
                let n = example.ids.len();
                assert_eq!(context.ids[..n], example.ids);
                assert_eq!(context.slot, example.slot);
                assert!(context.segments[..n].iter().all(|s| *s == 0));
                assert!(context.segments[n..].iter().all(|s| *s == 1));
                let mut words: Vec<i64> = (0..3)
                    .map(|class| match labels {
                        LabelRows::Words => tokenizer.encode(&task().words[class])[0],
                        LabelRows::Pseudo { .. } => 128 + class as i64,
                    })
                    .collect();
                words.retain(|id| !context.ids[n..].contains(id));
                assert!(words.is_empty(), "each class is shown: {words:?}");
                let mask = tokenizer.special().mask;
                assert!(!context.ids[n..].contains(&mask));
            }
            assert!(contexts.iter().any(|c| c.ids != contexts[0].ids));
        }
        lab.settings.max_length = 30;
        assert!(
            lab.refusal()
                .contains("3 demonstrations take 27 of max_length 30")
        );
    }
}

/// Two of the ten texts are longer than the four tokens that are shown, one is longer than the six
/// that an input has left.
#[test]
fn cut_demonstrations_and_cut_inputs_are_counted() {
    let mut lab = Lab::new(PromptMethod {
        train: TrainPart::None,
        ..lm_bff(2)
    });
    lab.settings.max_length = 27 + 12;
    let dir = tempfile::tempdir().unwrap();
    let mut watch = StopAfter(None);
    let outcome = lab.with(|spec| fit(spec, &train(), &dev(), dir.path(), &mut watch));
    let outcome = outcome.unwrap();
    assert_eq!(outcome.truncated_demonstrations, 2.0 / 10.0);
    assert_eq!(outcome.truncated, 1.0 / 13.0);
    let test = [dev(), train()[5..6].to_vec()].concat();
    let scores = lab.with(|spec| score(spec, &test, dir.path())).unwrap();
    assert_eq!(scores.truncated, 1.0 / 4.0);
}

#[test]
fn class_scores_are_the_mean_over_the_contexts() {
    let lab = Lab::new(PromptMethod {
        train: TrainPart::None,
        ..lm_bff(4)
    });
    let dir = tempfile::tempdir().unwrap();
    let mut watch = StopAfter(None);
    let outcome = lab.with(|spec| fit(spec, &train(), &dev(), dir.path(), &mut watch));
    assert_eq!(outcome.unwrap().steps, 0, "in context, nothing is trained");
    let scores = lab.with(|spec| score(spec, &dev(), dir.path())).unwrap();
    let built = lab.built(Kind::Float);
    let encoded = built.encode(&dev()).unwrap();
    for (prediction, example) in scores.predictions.iter().zip(&encoded) {
        let mut mean = Tensor::zeros([3], (Kind::Double, Device::Cpu));
        for context in built.classifier.contexts(example) {
            let batch = Batch::new(&[&context], 0, Device::Cpu).unwrap();
            let logits = built.classifier.logits(&batch, Mode::Evaluate).unwrap();
            mean += logits.get(0).to_kind(Kind::Double) / 4.0;
        }
        let got = Tensor::from_slice(&prediction.probabilities);
        close("probabilities", &got, &mean.softmax(-1, Kind::Double), 1e-6);
    }
    // Without others beside it, an input is seen in the same contexts.
    let alone = lab
        .with(|spec| score(spec, &dev()[2..], dir.path()))
        .unwrap();
    let (a, b) = (&alone.predictions[0], &scores.predictions[2]);
    let far = a
        .probabilities
        .iter()
        .zip(&b.probabilities)
        .map(|(x, y)| (x - y).abs());
    assert!(far.fold(0.0, f64::max) < 1e-6);
}

/// The labels' pseudo rows are inputs here too, behind every example.
#[test]
fn gradients_through_demonstrations_equal_finite_differences() {
    let lab = Lab::new(PromptMethod {
        demonstrations: shown(2, 1.0),
        template: TemplateRows::PSEUDO,
        train: TrainPart::Prompt,
        ..dart()
    });
    let built = lab.built(Kind::Double);
    let parameters = built.classifier.parameters();
    for p in &parameters {
        let _ = p.tensor.set_requires_grad(true);
    }
    let encoded = built.encode(&train()[..3]).unwrap();
    let examples: Vec<&Encoded> = encoded.iter().collect();
    let place = MicroStep {
        seed: 42,
        step: 4,
        micro: 0,
    };
    let loss = || {
        let losses = built.classifier.backward(&examples, place, 1.0).unwrap();
        losses.class + 0.7 * losses.fluency.unwrap()
    };
    loss();
    let columns = parameters[0].tensor.size()[1];
    let places =
        [(0, 0), (2, 5), (3, 1), (4, 7), (5, 3)].map(|(row, column)| row * columns + column);
    slopes(&parameters[..1], |_| places.to_vec(), loss);
}

#[test]
fn a_resumed_run_equals_an_undisturbed_one() {
    let lab = Lab::new(lm_bff(2));
    let run =
        |dir: &Path, stop| lab.with(|spec| fit(spec, &train(), &dev(), dir, &mut StopAfter(stop)));
    let whole = tempfile::tempdir().unwrap();
    let outcome = run(whole.path(), None).unwrap();
    let wanted = std::fs::read(whole.path().join("best.safetensors")).unwrap();
    for stop in 1..6 {
        let dir = tempfile::tempdir().unwrap();
        let stopped = run(dir.path(), Some(stop));
        assert!(matches!(stopped, Err(CoreError::Interrupted)));
        assert_eq!(run(dir.path(), None).unwrap(), outcome, "stopped at {stop}");
        let got = std::fs::read(dir.path().join("best.safetensors")).unwrap();
        assert!(got == wanted, "stopped at {stop}");
    }
}

#[test]
fn what_cannot_be_shown_is_said() {
    let refusal = |demonstrations| {
        let method = PromptMethod {
            demonstrations,
            ..lm_bff(2)
        };
        Lab::new(method).refusal()
    };
    assert!(refusal(shown(2, 0.0)).contains("the share"));
    assert!(refusal(shown(2, 1.5)).contains("the share"));
    assert!(refusal(shown(0, 0.5)).contains("a context"));
}
