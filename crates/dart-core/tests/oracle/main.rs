//! Our models and tokenizers against rust-bert and rust_tokenizers, which share nothing with ours
//! but libtorch. Each place where those differ from Hugging Face's is a test of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod deberta;
mod encoders;
mod gpt2;
mod tokenizers;

use std::collections::BTreeMap;
use std::path::Path;

use common::{close, golden, goldens, tensors};
use dart_core::lm::weights::write;
use dart_core::lm::{LanguageModel, Mode, Shape};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tch::{Kind, Tensor, nn};

type Weights = BTreeMap<String, Tensor>;

/// Padded ids of a golden batch, `[batch, seq]`.
struct Batch {
    ids: Tensor,
    mask: Tensor,
    segments: Tensor,
}

impl Batch {
    fn of(name: &str) -> Batch {
        let mut golden = golden(name);
        let mut take = |name: &str| golden.remove(name).unwrap();
        Batch {
            ids: take("input_ids"),
            mask: take("attention_mask"),
            segments: take("token_type_ids"),
        }
    }

    /// Its first tokens.
    fn cut(&self, length: i64) -> Batch {
        let cut = |tensor: &Tensor| tensor.narrow(1, 0, length);
        Batch {
            ids: cut(&self.ids),
            mask: cut(&self.mask),
            segments: cut(&self.segments),
        }
    }

    /// The same with every pad a token.
    fn without_pads(self) -> Batch {
        let mask = self.mask.ones_like();
        Batch { mask, ..self }
    }

    /// Our hidden states, `[batch, seq, hidden]`, and logits, `[batch, seq, vocabulary]`.
    fn ours(&self, folder: &Path) -> (Tensor, Tensor) {
        let model = LanguageModel::load(folder).unwrap();
        let hidden = self.hidden(&model);
        let head = model.transform(&hidden).unwrap();
        let logits = LanguageModel::decode(&head, &model.embeddings, &model.bias).unwrap();
        (hidden, logits)
    }

    fn hidden(&self, model: &LanguageModel) -> Tensor {
        let words = model.embeddings.index_select(0, &self.ids.reshape([-1]));
        let (batch, seq) = self.ids.size2().unwrap();
        let segments = (model.config.token_types > 1).then(|| self.segments.shallow_clone());
        let keep = self.mask.to_kind(Kind::Float);
        let shape = Shape { keep, segments };
        let words = words.view([batch, seq, -1]);
        model.encode(&words, &shape, None, Mode::Evaluate).unwrap()
    }

    /// Asserts that both are equal at all tokens but pads.
    fn close(&self, what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f64) {
        let tokens = self.mask.unsqueeze(-1);
        close(what, &(ours * &tokens), &(theirs * &tokens), tolerance);
    }

    /// Asserts that they differ somewhere by more.
    fn apart(&self, what: &str, ours: &Tensor, theirs: &Tensor, least: f64) {
        let difference = (ours - theirs) * self.mask.unsqueeze(-1);
        let largest = difference.abs().max().double_value(&[]);
        assert!(largest > least, "{what}: differs by {largest:e} only");
    }
}

/// Copies a checkpoint's tensors into a rust-bert model and gives the names of its variables that
/// stand in no checkpoint, `own`; rust-bert ties no decoder to the word embeddings, so `tied` gets
/// a copy of these.
fn fill(store: &nn::VarStore, weights: &Weights, tied: [&str; 2], own: &[&str]) {
    let _no_grad = tch::no_grad_guard();
    let mut missing = Vec::new();
    for (name, mut variable) in store.variables() {
        let stored = if name == tied[0] { tied[1] } else { &name };
        match weights.get(stored) {
            Some(value) => {
                assert_eq!(value.size(), variable.size(), "{name}");
                variable.copy_(value);
            }
            None => missing.push(name),
        }
    }
    missing.sort();
    assert_eq!(missing, own);
}

/// A golden model's weights.
fn weights(name: &str) -> Weights {
    tensors(&goldens().join(name).join("model.safetensors"))
}

fn settings(name: &str) -> Value {
    let text = std::fs::read_to_string(goldens().join(name).join("config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// rust-bert's reading of a config.json.
fn parsed<T: DeserializeOwned>(settings: &Value) -> T {
    serde_json::from_value(settings.clone()).unwrap()
}

/// A model folder of these weights and settings.
fn folder(weights: &Weights, settings: &Value) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("model.safetensors"), weights).unwrap();
    std::fs::write(dir.path().join("config.json"), settings.to_string()).unwrap();
    dir
}
