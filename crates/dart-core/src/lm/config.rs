//! `config.json` of a Hugging Face folder.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::backbone::Blueprint;
use super::names::{self, Names};
use super::{deberta, gpt2, modernbert};
use crate::error::{CoreError, Result};

/// A model family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// BERT (Devlin et al., 2019).
    Bert,
    /// RoBERTa (Liu et al., 2019) and XLM-R.
    Roberta,
    /// DistilBERT (Sanh et al., 2019).
    DistilBert,
    /// ELECTRA's generator (Clark et al., 2020).
    Electra,
    /// ALBERT (Lan et al., 2020): one set of layer weights for all layers.
    Albert,
    /// ModernBERT (Warner et al., 2024).
    ModernBert,
    /// DeBERTa (He et al., 2021) and its versions 2 and 3.
    Deberta,
    /// GPT-2 (Radford et al., 2019): causal.
    Gpt2,
}

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
    /// Which family's names and rules apply.
    pub family: Family,
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
    /// Dropout after embeddings, attention output (not DistilBERT's) and feed-forward (not
    /// ALBERT's), where the family has no rate of its own.
    pub dropout: f64,
    /// Dropout on the attention weights.
    pub attention_dropout: f64,
    /// Dropout in a classification head, as in transformers; GPT-2, whose head has none there,
    /// takes `dropout`.
    pub head_dropout: f64,
}

/// `config.json` as far as it says what it is.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
}

/// What `config.json` describes, or what is wrong with it.
pub(super) type Parsed = std::result::Result<(LmConfig, Box<dyn Blueprint>), String>;

/// Reads `config.json` in `dir`.
pub(super) fn read(dir: &Path) -> Result<(LmConfig, Box<dyn Blueprint>)> {
    let path = dir.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|e| CoreError::io(&path, e))?;
    parse(&text).map_err(|message| CoreError::model(&path, message))
}

fn parse(text: &str) -> Parsed {
    let kind: Kind = from_json(text)?;
    match kind.model_type.as_deref().unwrap_or("bert") {
        "bert" => encoder(text, Family::Bert, &names::BERT),
        "roberta" | "xlm-roberta" | "camembert" => encoder(text, Family::Roberta, &names::ROBERTA),
        "distilbert" => encoder(text, Family::DistilBert, &names::DISTILBERT),
        "electra" => encoder(text, Family::Electra, &names::ELECTRA),
        "albert" => encoder(text, Family::Albert, &names::ALBERT),
        "modernbert" => modernbert::parse(text),
        "deberta" => deberta::parse(text, false),
        "deberta-v2" => deberta::parse(text, true),
        "gpt2" => gpt2::parse(text),
        other => Err(format!(
            "model_type `{other}` is not supported; supported: bert, roberta, xlm-roberta, \
             camembert, distilbert, electra, albert, modernbert, deberta, deberta-v2, gpt2"
        )),
    }
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

/// The keys that the encoder's families have.
#[derive(Deserialize)]
struct Raw {
    vocab_size: Option<i64>,
    embedding_size: Option<i64>,
    #[serde(alias = "dim")]
    hidden_size: Option<i64>,
    #[serde(alias = "n_layers")]
    num_hidden_layers: Option<usize>,
    num_hidden_groups: Option<i64>,
    inner_group_num: Option<i64>,
    #[serde(alias = "n_heads")]
    num_attention_heads: Option<i64>,
    #[serde(alias = "hidden_dim")]
    intermediate_size: Option<i64>,
    #[serde(alias = "activation")]
    hidden_act: Option<String>,
    max_position_embeddings: Option<i64>,
    position_embedding_type: Option<String>,
    type_vocab_size: Option<i64>,
    layer_norm_eps: Option<f64>,
    pad_token_id: Option<i64>,
    tie_word_embeddings: Option<bool>,
    #[serde(alias = "dropout")]
    hidden_dropout_prob: Option<f64>,
    #[serde(alias = "attention_dropout")]
    attention_probs_dropout_prob: Option<f64>,
    /// DistilBERT's rate in a classification head.
    seq_classif_dropout: Option<f64>,
    /// ALBERT's.
    classifier_dropout_prob: Option<f64>,
    /// The others'.
    classifier_dropout: Option<f64>,
}

impl LmConfig {
    /// Reads `config.json` in `dir`.
    ///
    /// # Errors
    /// The file is missing, is not JSON, lacks a key, or names a family that is not supported.
    pub fn read(dir: &Path) -> Result<Self> {
        Ok(read(dir)?.0)
    }

    fn encoder(raw: &Raw, family: Family) -> std::result::Result<Self, String> {
        if let Some(kind) = raw
            .position_embedding_type
            .as_deref()
            .filter(|k| *k != "absolute")
        {
            return Err(format!(
                "position_embedding_type `{kind}` is not supported; only absolute"
            ));
        }
        check_tied(raw.tie_word_embeddings)?;
        if raw.num_hidden_groups.unwrap_or(1) != 1 || raw.inner_group_num.unwrap_or(1) != 1 {
            return Err("only ALBERT with one group of one layer is supported".into());
        }
        let hidden = need(raw.hidden_size, "hidden_size")?;
        let heads = need(raw.num_attention_heads, "num_attention_heads")?;
        check_heads(hidden, heads)?;
        let default_activation = if family == Family::Albert {
            "gelu_new"
        } else {
            "gelu"
        };
        let activation = activation(raw.hidden_act.as_deref().unwrap_or(default_activation))?;
        let (default_types, default_eps) = match family {
            Family::DistilBert => (0, 1e-12),
            Family::Roberta => (1, 1e-5),
            _ => (2, 1e-12),
        };
        let default_dropout = match family {
            Family::Albert => 0.0,
            _ => 0.1,
        };
        let dropout = raw.hidden_dropout_prob.unwrap_or(default_dropout);
        let own_embedding = matches!(family, Family::Electra | Family::Albert);
        let embedding = if own_embedding {
            raw.embedding_size.or(Some(128))
        } else {
            Some(hidden)
        };
        Ok(LmConfig {
            family,
            vocab: need(raw.vocab_size, "vocab_size")?,
            embedding: need(embedding, "embedding_size")?,
            hidden,
            layers: raw
                .num_hidden_layers
                .ok_or("`num_hidden_layers` is missing")?,
            heads,
            intermediate: need(raw.intermediate_size, "intermediate_size")?,
            activation,
            head_activation: match family {
                Family::Electra | Family::Roberta => Activation::Gelu,
                _ => activation,
            },
            positions: need(raw.max_position_embeddings, "max_position_embeddings")?,
            position_offset: match family {
                Family::Roberta => raw.pad_token_id.unwrap_or(1) + 1,
                _ => 0,
            },
            token_types: match family {
                Family::DistilBert => 0,
                _ => raw.type_vocab_size.unwrap_or(default_types),
            },
            eps: match family {
                Family::DistilBert => 1e-12,
                _ => raw.layer_norm_eps.unwrap_or(default_eps),
            },
            dropout,
            attention_dropout: raw.attention_probs_dropout_prob.unwrap_or(default_dropout),
            head_dropout: match family {
                Family::DistilBert => raw.seq_classif_dropout.unwrap_or(0.2),
                Family::Albert => raw.classifier_dropout_prob.unwrap_or(0.1),
                _ => raw.classifier_dropout.unwrap_or(dropout),
            },
        })
    }

    /// Longest input that the position embeddings allow, in tokens.
    pub fn max_length(&self) -> usize {
        (self.positions - self.position_offset).max(0) as usize
    }

    /// Whether positions see only what stands before them, so that the slot must stand last.
    pub fn causal(&self) -> bool {
        self.family == Family::Gpt2
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

fn encoder(text: &str, family: Family, names: &'static Names) -> Parsed {
    let config = LmConfig::encoder(&from_json(text)?, family)?;
    Ok((config, Box::new(names)))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of transformers' `AutoModelForSequenceClassification`, and what GPT-2 takes.
    #[test]
    fn a_head_drops_as_much_as_in_transformers() {
        let keys = r#""vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 9"#;
        for (family, rates, expected) in [
            ("bert", r#""hidden_dropout_prob": 0.3"#, 0.3),
            ("roberta", r#""classifier_dropout": null"#, 0.1),
            ("electra", r#""classifier_dropout": 0.4"#, 0.4),
            ("distilbert", r#""dropout": 0.3"#, 0.2),
            (
                "distilbert",
                r#""seq_classif_dropout": 0.4, "classifier_dropout": 0.3"#,
                0.4,
            ),
            ("albert", r#""hidden_dropout_prob": 0.0"#, 0.1),
            ("albert", r#""classifier_dropout_prob": 0.4"#, 0.4),
            ("modernbert", r#""mlp_dropout": 0.3"#, 0.0),
            ("modernbert", r#""classifier_dropout": 0.4"#, 0.4),
            ("deberta-v2", r#""hidden_dropout_prob": 0.3"#, 0.3),
            ("deberta-v2", r#""cls_dropout": 0.4"#, 0.4),
            ("gpt2", r#""resid_pdrop": 0.3"#, 0.3),
        ] {
            let text = format!(r#"{{"model_type": "{family}", {keys}, {rates}}}"#);
            let (config, _) = parse(&text).unwrap();
            assert_eq!(config.head_dropout, expected, "{text}");
        }
    }
}
