//! MPNet's `config.json`.

use serde::Deserialize;

use super::bias::BUCKETS;
use crate::lm::config::{Activation, LmConfig, activation, check_heads, check_tied};
use crate::lm::config::{from_json, need};

#[derive(Deserialize)]
struct Raw {
    vocab_size: Option<i64>,
    hidden_size: Option<i64>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<i64>,
    intermediate_size: Option<i64>,
    hidden_act: Option<String>,
    max_position_embeddings: Option<i64>,
    relative_attention_num_buckets: Option<i64>,
    layer_norm_eps: Option<f64>,
    tie_word_embeddings: Option<bool>,
    hidden_dropout_prob: Option<f64>,
    attention_probs_dropout_prob: Option<f64>,
}

/// Reads `config.json`; what it leaves out is as in transformers.
pub(super) fn parse(text: &str) -> Result<LmConfig, String> {
    let raw: Raw = from_json(text)?;
    check_tied(raw.tie_word_embeddings)?;
    let buckets = raw.relative_attention_num_buckets.unwrap_or(BUCKETS);
    if buckets != BUCKETS {
        return Err(format!(
            "`relative_attention_num_buckets` is {buckets}; MPNet sorts distances into {BUCKETS}"
        ));
    }
    let hidden = need(raw.hidden_size, "hidden_size")?;
    let heads = need(raw.num_attention_heads, "num_attention_heads")?;
    check_heads(hidden, heads)?;
    let dropout = raw.hidden_dropout_prob.unwrap_or(0.1);
    Ok(LmConfig {
        family: "MPNet",
        causal: false,
        vocab: need(raw.vocab_size, "vocab_size")?,
        embedding: hidden,
        hidden,
        layers: raw
            .num_hidden_layers
            .ok_or("`num_hidden_layers` is missing")?,
        heads,
        intermediate: need(raw.intermediate_size, "intermediate_size")?,
        activation: activation(raw.hidden_act.as_deref().unwrap_or("gelu"))?,
        head_activation: Activation::Gelu,
        positions: need(raw.max_position_embeddings, "max_position_embeddings")?,
        // The first two rows are the pad's and the one before; no setting moves them.
        position_offset: 2,
        token_types: 0,
        eps: raw.layer_norm_eps.unwrap_or(1e-12),
        dropout,
        attention_dropout: raw.attention_probs_dropout_prob.unwrap_or(0.1),
        head_dropout: dropout,
    })
}
