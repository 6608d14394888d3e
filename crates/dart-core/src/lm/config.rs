//! What `config.json` says of models of all families, and what helps to read it.

use serde::de::DeserializeOwned;

use crate::error::{CoreError, Result};

/// The feed-forward non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x Φ(x).
    Gelu,
    /// Its tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// max(x, 0).
    Relu,
    /// tanh(x).
    Tanh,
}

/// Settings that all families have; a family's own ones stand in its file.
#[derive(Clone, Debug, PartialEq)]
pub struct LmConfig {
    /// The family's name, for messages.
    pub family: &'static str,
    /// Whether positions see only what stands before them, so that the slot must stand last.
    pub causal: bool,
    /// V, rows of the vocabulary.
    pub vocab: i64,
    /// D, size of the word embeddings.
    pub embedding: i64,
    /// H, size of the hidden states.
    pub hidden: i64,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: i64,
    /// Size of the feed-forward layer.
    pub intermediate: i64,
    /// Non-linearity of the feed-forward layers.
    pub activation: Activation,
    /// Non-linearity of the masked-LM head, where there is one.
    pub head_activation: Activation,
    /// Rows of the position embeddings; the longest input where positions are relative.
    pub positions: i64,
    /// First position's row (RoBERTa: `pad_token_id + 1`).
    pub position_offset: i64,
    /// Rows of the segment embeddings; 0: none.
    pub token_types: i64,
    /// LayerNorm's ε.
    pub eps: f64,
    /// Dropout after embeddings, attention output and feed-forward, where the family has it and no
    /// rate of its own.
    pub dropout: f64,
    /// Dropout on the attention weights.
    pub attention_dropout: f64,
    /// Dropout in a classification head, as in transformers; `dropout` where its head has none.
    pub head_dropout: f64,
}

/// `text` as JSON of this form; keys that it does not name have no meaning for us.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    serde_json::from_str(text).map_err(|e| format!("not a model configuration: {e}"))
}

/// A count that must be there and positive.
pub(super) fn need(value: Option<i64>, key: &str) -> std::result::Result<i64, String> {
    match value {
        Some(v) if v > 0 => Ok(v),
        Some(v) => Err(format!("`{key}` is {v}; it must be positive")),
        None => Err(format!("`{key}` is missing")),
    }
}

/// Hidden sizes are divided among the heads.
pub(super) fn check_heads(hidden: i64, heads: i64) -> std::result::Result<(), String> {
    match hidden % heads {
        0 => Ok(()),
        _ => Err(format!(
            "hidden_size {hidden} is not a multiple of {heads} heads"
        )),
    }
}

/// Untied decoders are refused: E is input and output.
pub(super) fn check_tied(tied: Option<bool>) -> std::result::Result<(), String> {
    match tied {
        Some(false) => {
            Err("`tie_word_embeddings` is false; only tied decoders are supported".into())
        }
        _ => Ok(()),
    }
}

impl LmConfig {
    /// Longest input that the position embeddings allow, in tokens.
    pub fn max_length(&self) -> usize {
        (self.positions - self.position_offset).max(0) as usize
    }

    /// Refuses inputs of `seq` tokens where they are too long.
    pub(super) fn check_length(&self, seq: i64) -> Result<()> {
        if seq > self.max_length() as i64 {
            return Err(CoreError::Setting(format!(
                "an input of {seq} tokens is longer than the model's {}; lower max_length",
                self.max_length()
            )));
        }
        Ok(())
    }
}

/// A non-linearity by its name in `config.json`.
pub(super) fn activation(name: &str) -> std::result::Result<Activation, String> {
    match name {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
        "relu" => Ok(Activation::Relu),
        "tanh" => Ok(Activation::Tanh),
        other => Err(format!(
            "activation `{other}` is not supported; supported: gelu, gelu_new, relu, tanh"
        )),
    }
}
