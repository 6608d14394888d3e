//! Sentence encoders as sentence-transformers lays them out, against its own embeddings
//! (tests/goldens/sentences, made by scripts/goldens/sentences.py).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod refusals;

use std::collections::BTreeMap;
use std::path::Path;

use common::{close, example, goldens, slopes, tensors};
use dart_core::classifier::{Classifier, MicroStep, SentenceClassifier};
use dart_core::lm::{LanguageModel, Mode};
use dart_core::method::{Embeddings, SentenceMethod, TrainPart};
use dart_core::prompt::Encoded;
use dart_core::sentence::{Layout, SentenceEncoder, is_part};
use dart_core::tokenizer::{FILES, Tokenizer};
use serde::Deserialize;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Case {
    model: String,
    tokenizer: String,
    prompts: Vec<Option<String>>,
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cases() -> BTreeMap<String, Case> {
    read(&goldens().join("sentences/cases.json"))
}

fn texts() -> Vec<String> {
    read(&goldens().join("sentences/texts.json"))
}

fn copy(from: &Path, into: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = into.join(path.file_name().unwrap());
        match path.is_dir() {
            true => {
                std::fs::create_dir_all(&to).unwrap();
                copy(&path, &to);
            }
            false => drop(std::fs::copy(&path, &to).unwrap()),
        }
    }
}

/// The whole encoder of a case: transformer, tokenizer and what stands beside them.
fn folder(name: &str) -> tempfile::TempDir {
    let (dir, case) = (tempfile::tempdir().unwrap(), &cases()[name]);
    let take = |from: &str, file: &str| {
        let path = goldens().join(from).join(file);
        if path.exists() {
            std::fs::copy(path, dir.path().join(file)).unwrap();
        }
    };
    for file in ["config.json", "model.safetensors"] {
        take(&case.model, file);
    }
    for file in FILES {
        take(&case.tokenizer, file);
    }
    copy(&goldens().join("sentences").join(name), dir.path());
    dir
}

/// A change of a JSON file in a folder.
fn change(dir: &Path, file: &str, change: impl Fn(&mut Value)) {
    let mut value: Value = read(&dir.join(file));
    change(&mut value);
    std::fs::write(dir.join(file), value.to_string()).unwrap();
}

/// An encoder with what makes its inputs.
struct Loaded {
    sentences: SentenceEncoder,
    tokenizer: Tokenizer,
    layout: Layout,
}

impl Loaded {
    fn new(dir: &Path, prompt: Option<&str>, kind: Kind) -> Self {
        let layout = Layout::read(dir, prompt).unwrap();
        let tokenizer = layout.tokenizer(Tokenizer::load(dir).unwrap()).unwrap();
        let mut lm = LanguageModel::load_encoder(dir).unwrap();
        lm.to(Device::Cpu, kind).unwrap();
        Loaded {
            sentences: SentenceEncoder::new(lm, &tokenizer, &layout).unwrap(),
            tokenizer,
            layout,
        }
    }

    fn encode(&self, texts: &[String]) -> Vec<Encoded> {
        let inputs = self.layout.inputs(self.sentences.lm.config.max_length());
        let encode = |text: &String| inputs.encode(&example(0, text, 0), &self.tokenizer);
        texts.iter().map(|text| encode(text).unwrap()).collect()
    }

    fn embed(&self, texts: &[String]) -> Tensor {
        self.sentences.embed_all(&self.encode(texts)).unwrap()
    }
}

#[test]
fn embeddings_equal_sentence_transformers() {
    let mut compared = 0;
    for (name, case) in cases() {
        let dir = folder(&name);
        let golden = tensors(&dir.path().join("embeddings.safetensors"));
        for prompt in &case.prompts {
            for kind in [Kind::Float, Kind::Double] {
                let loaded = Loaded::new(dir.path(), prompt.as_deref(), kind);
                let key = prompt.as_deref().unwrap_or("None");
                let wanted = &golden[key];
                assert_eq!(loaded.sentences.size(), wanted.size()[1], "{name}");
                let got = loaded.embed(&texts());
                close(&format!("{name} {key}"), &got, wanted, 1e-5);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 22);
}

/// What a case says counts: without it, its embeddings would be others.
#[test]
fn every_part_of_a_layout_changes_the_embeddings() {
    let far = |name: &str, file: &str, how: &dyn Fn(&mut Value)| {
        let dir = folder(name);
        let before = Loaded::new(dir.path(), None, Kind::Float).embed(&texts());
        change(dir.path(), file, how);
        let after = Loaded::new(dir.path(), None, Kind::Float);
        let after = after.embed(&texts());
        assert!(
            before.size() != after.size() || (before - after).abs().max().double_value(&[]) > 1e-2,
            "{name} {file}"
        );
    };
    let pooling = "1_Pooling/config.json";
    far("mpnet", "modules.json", &|m| {
        drop(m.as_array_mut().unwrap().pop())
    });
    far("mpnet", "sentence_bert_config.json", &|m| {
        m["max_seq_length"] = 18.into()
    });
    far("mpnet", pooling, &|m| {
        m["pooling_mode_max_tokens"] = true.into()
    });
    far("bert-dense", pooling, &|m| {
        (m["pooling_mode_cls_token"], m["pooling_mode_mean_tokens"]) = (false.into(), true.into());
    });
    far("bert-dense", "2_Dense/config.json", &|m| {
        m["activation_function"] = "torch.nn.modules.linear.Identity".into();
    });
    far("deberta-cased", "sentence_bert_config.json", &|m| {
        m["do_lower_case"] = false.into()
    });
    far("deberta", "tokenizer_config.json", &|m| {
        m["model_max_length"] = 18.into()
    });
    far("modernbert", pooling, &|m| {
        m["include_prompt"] = true.into()
    });
    let prompts = "config_sentence_transformers.json";
    far("modernbert", prompts, &|m| {
        m["default_prompt_name"] = Value::Null
    });
}

#[test]
fn a_folder_without_modules_is_pooled_by_its_mean_to_length_1() {
    let dir = folder("mpnet");
    let wanted = Loaded::new(dir.path(), None, Kind::Float).embed(&texts()[..4]);
    std::fs::remove_file(dir.path().join("modules.json")).unwrap();
    let loaded = Loaded::new(dir.path(), None, Kind::Float);
    assert_eq!(loaded.layout.max_length(), None);
    close("mean", &loaded.embed(&texts()[..4]), &wanted, 0.0);
    assert_eq!(loaded.layout.fingerprint().unwrap(), "");
}

/// What a run's identity is made of.
#[test]
fn a_layout_is_told_by_its_files() {
    let prints = |how: &dyn Fn(&Path)| {
        let dir = folder("bert-dense");
        how(dir.path());
        Layout::read(dir.path(), None)
            .unwrap()
            .fingerprint()
            .unwrap()
    };
    let same = prints(&|_| {});
    assert_eq!(same.len(), 64);
    assert_eq!(same, prints(&|_| {}));
    let another = prints(&|dir| {
        let weights = dir.join("2_Dense/model.safetensors");
        let mut bytes = std::fs::read(&weights).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(weights, bytes).unwrap();
    });
    let third = prints(&|dir| {
        change(dir, "1_Pooling/config.json", |m| {
            m["include_prompt"] = true.into()
        })
    });
    assert!(same != another && same != third && another != third);

    for name in [
        "modules.json",
        "sentence_bert_config.json",
        "2_Dense/model.safetensors",
    ] {
        assert!(is_part(name), "{name}");
    }
    for name in [
        "config.json",
        "onnx/model.safetensors",
        "2_Dense/x/config.json",
        "2_Dense/a.bin",
    ] {
        assert!(!is_part(name), "{name}");
    }
}

/// Tuning moves the dense layer too; the loss is one of cosines though the embeddings are not of
/// length 1, which is what the regression sees.
#[test]
fn an_encoder_with_a_dense_layer_is_tuned_whole() {
    let dir = folder("bert-several");
    change(dir.path(), "config.json", |config| {
        config["hidden_dropout_prob"] = 0.into();
        config["attention_probs_dropout_prob"] = 0.into();
    });
    let loaded = Loaded::new(dir.path(), None, Kind::Double);
    let mut encoded = loaded.encode(&texts()[..4]);
    for (i, example) in encoded.iter_mut().enumerate() {
        example.label = i % 2;
    }
    let method = SentenceMethod {
        train: TrainPart::Lm,
        embeddings: Embeddings::Frozen,
        logreg_c: 1.0,
        encoder_prompt: None,
    };
    let inputs = loaded.layout.inputs(18);
    let classifier = SentenceClassifier::new(loaded.sentences, &method, inputs, 2).unwrap();
    let mut parameters = classifier.parameters();
    let regression = parameters.split_off(parameters.len() - 2);
    assert_eq!(regression[0].tensor.size(), [2, 20]);
    for parameter in &parameters {
        let _ = parameter.tensor.set_requires_grad(true);
    }
    classifier.prepare(&encoded).unwrap();
    let examples: Vec<&Encoded> = encoded.iter().collect();
    let at = MicroStep {
        seed: 13,
        step: 5,
        micro: 0,
    };
    let loss = || classifier.backward(&examples, at, 1.0).unwrap().class;
    let dense = parameters.last().unwrap();
    assert_eq!(dense.name, "2_Dense.linear.weight");
    let before = loss();
    let slopes = slopes(std::slice::from_ref(dense), |n| vec![3, n / 2], loss);
    assert!(slopes.iter().all(|slope| slope.abs() > 1e-8), "{slopes:?}");
    tch::no_grad(|| drop(dense.tensor.shallow_clone().g_mul_scalar_(3.0)));
    assert!((loss() - before).abs() < 1e-9, "cosines know no length");

    classifier.refit().unwrap();
    let batch = classifier.sentences().batch(&examples).unwrap();
    let x = classifier
        .sentences()
        .embed(&batch, Mode::Evaluate)
        .unwrap();
    let norms = x.norm_scalaropt_dim(2.0, [1i64].as_slice(), false);
    assert!(norms.min().double_value(&[]) > 1.5, "{norms:?}");
    let logits = x.linear(&regression[0].tensor, Some(&regression[1].tensor));
    let got = classifier.logits(&batch, Mode::Evaluate).unwrap();
    close("logits", &got, &logits, 1e-9);
}
