//! `config.json` of BERT and its relatives.

use serde::Deserialize;

use crate::lm::config::{Activation, LmConfig, activation, check_heads, check_tied};
use crate::lm::config::{from_json, need};

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relative {
    /// BERT (Devlin et al., 2019).
    Bert,
    /// RoBERTa (Liu et al., 2019), XLM-R and CamemBERT.
    Roberta,
    /// DistilBERT (Sanh et al., 2019).
    DistilBert,
    /// ELECTRA's generator (Clark et al., 2020).
    Electra,
    /// ALBERT (Lan et al., 2020): one set of layer weights for all layers.
    Albert,
}

impl Relative {
    fn name(self) -> &'static str {
        match self {
            Relative::Bert => "BERT",
            Relative::Roberta => "RoBERTa",
            Relative::DistilBert => "DistilBERT",
            Relative::Electra => "ELECTRA",
            Relative::Albert => "ALBERT",
        }
    }
}

/// The keys that they have.
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

/// Reads `config.json`; what it leaves out is as in transformers.
pub(super) fn parse(text: &str, relative: Relative) -> Result<LmConfig, String> {
    let raw: Raw = from_json(text)?;
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
    let default_activation = if relative == Relative::Albert {
        "gelu_new"
    } else {
        "gelu"
    };
    let activation = activation(raw.hidden_act.as_deref().unwrap_or(default_activation))?;
    let (default_types, default_eps) = match relative {
        Relative::DistilBert => (0, 1e-12),
        Relative::Roberta => (1, 1e-5),
        _ => (2, 1e-12),
    };
    let default_dropout = match relative {
        Relative::Albert => 0.0,
        _ => 0.1,
    };
    let dropout = raw.hidden_dropout_prob.unwrap_or(default_dropout);
    let own_embedding = matches!(relative, Relative::Electra | Relative::Albert);
    let embedding = if own_embedding {
        raw.embedding_size.or(Some(128))
    } else {
        Some(hidden)
    };
    Ok(LmConfig {
        family: relative.name(),
        causal: false,
        vocab: need(raw.vocab_size, "vocab_size")?,
        embedding: need(embedding, "embedding_size")?,
        hidden,
        layers: raw
            .num_hidden_layers
            .ok_or("`num_hidden_layers` is missing")?,
        heads,
        intermediate: need(raw.intermediate_size, "intermediate_size")?,
        activation,
        head_activation: match relative {
            Relative::Electra | Relative::Roberta => Activation::Gelu,
            _ => activation,
        },
        positions: need(raw.max_position_embeddings, "max_position_embeddings")?,
        position_offset: match relative {
            Relative::Roberta => raw.pad_token_id.unwrap_or(1) + 1,
            _ => 0,
        },
        token_types: match relative {
            Relative::DistilBert => 0,
            _ => raw.type_vocab_size.unwrap_or(default_types),
        },
        eps: match relative {
            Relative::DistilBert => 1e-12,
            _ => raw.layer_norm_eps.unwrap_or(default_eps),
        },
        dropout,
        attention_dropout: raw.attention_probs_dropout_prob.unwrap_or(default_dropout),
        head_dropout: match relative {
            Relative::DistilBert => raw.seq_classif_dropout.unwrap_or(0.2),
            Relative::Albert => raw.classifier_dropout_prob.unwrap_or(0.1),
            _ => raw.classifier_dropout.unwrap_or(dropout),
        },
    })
}
