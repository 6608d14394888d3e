//! `config.json` of the DeBERTas.

use serde::Deserialize;

use crate::lm::config::{Activation, LmConfig, activation, check_heads, check_tied};
use crate::lm::config::{from_json, need};

#[derive(Deserialize)]
struct Raw {
    vocab_size: Option<i64>,
    hidden_size: Option<i64>,
    embedding_size: Option<i64>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<i64>,
    attention_head_size: Option<i64>,
    intermediate_size: Option<i64>,
    hidden_act: Option<String>,
    hidden_dropout_prob: Option<f64>,
    attention_probs_dropout_prob: Option<f64>,
    cls_dropout: Option<f64>,
    max_position_embeddings: Option<i64>,
    type_vocab_size: Option<i64>,
    layer_norm_eps: Option<f64>,
    relative_attention: Option<bool>,
    max_relative_positions: Option<i64>,
    position_buckets: Option<i64>,
    position_biased_input: Option<bool>,
    pos_att_type: Option<Kinds>,
    share_att_key: Option<bool>,
    norm_rel_ebd: Option<String>,
    conv_kernel_size: Option<i64>,
    conv_groups: Option<i64>,
    conv_act: Option<String>,
    talking_head: Option<bool>,
    legacy: Option<bool>,
    tie_word_embeddings: Option<bool>,
}

/// `"c2p|p2c"` or `["c2p", "p2c"]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kinds {
    Text(String),
    List(Vec<String>),
}

/// What the DeBERTas have beyond [`LmConfig`].
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Version 2 or 3: queries, keys and values are maps of their own.
    pub second: bool,
    /// Content to position.
    pub c2p: bool,
    /// Position to content.
    pub p2c: bool,
    /// `None`: no relative positions.
    pub relative: Option<Relative>,
    /// Whether the input has absolute positions too.
    pub absolute: bool,
    /// The convolution beside the first layer (version 2's largest models).
    pub conv: Option<Conv>,
    /// Whether config.json says that the head has its older names.
    pub legacy: bool,
}

/// Relative positions.
#[derive(Clone, Debug)]
pub(super) struct Relative {
    /// Half the rows of the relative embeddings.
    pub span: i64,
    /// Distances that are told apart one by one up to half this many; `None`: all.
    pub buckets: Option<i64>,
    /// Largest distance.
    pub longest: i64,
    /// Whether content's query and key maps serve positions too.
    pub shared: bool,
    /// Whether the relative embeddings go through a LayerNorm.
    pub norm: bool,
}

/// A convolution over the tokens.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    /// Tokens that it sees.
    pub kernel: i64,
    /// Groups of channels.
    pub groups: i64,
    /// Its non-linearity.
    pub activation: Activation,
}

impl Settings {
    /// Reads `config.json`; what it leaves out is as in transformers.
    pub fn parse(text: &str, second: bool) -> Result<(LmConfig, Settings), String> {
        let raw: Raw = from_json(text)?;
        let legacy = raw.legacy.unwrap_or(true);
        // The head's newer form decodes with the word embeddings whatever this key says.
        if legacy {
            check_tied(raw.tie_word_embeddings)?;
        }
        if raw.talking_head == Some(true) {
            return Err("`talking_head` is true, which is not supported".into());
        }
        let hidden = need(raw.hidden_size, "hidden_size")?;
        let heads = need(raw.num_attention_heads, "num_attention_heads")?;
        check_heads(hidden, heads)?;
        if raw.attention_head_size.unwrap_or(hidden / heads) != hidden / heads {
            return Err("`attention_head_size` is not hidden_size / num_attention_heads".into());
        }
        let activation_named = activation(raw.hidden_act.as_deref().unwrap_or("gelu"))?;
        let dropout = raw.hidden_dropout_prob.unwrap_or(0.1);
        let config = LmConfig {
            family: "DeBERTa",
            causal: false,
            vocab: need(raw.vocab_size, "vocab_size")?,
            embedding: need(raw.embedding_size.or(Some(hidden)), "embedding_size")?,
            hidden,
            layers: raw
                .num_hidden_layers
                .ok_or("`num_hidden_layers` is missing")?,
            heads,
            intermediate: need(raw.intermediate_size, "intermediate_size")?,
            activation: activation_named,
            head_activation: activation_named,
            positions: need(raw.max_position_embeddings, "max_position_embeddings")?,
            position_offset: 0,
            token_types: raw.type_vocab_size.unwrap_or(0),
            eps: raw.layer_norm_eps.unwrap_or(1e-7),
            dropout,
            attention_dropout: raw.attention_probs_dropout_prob.unwrap_or(0.1),
            head_dropout: raw.cls_dropout.unwrap_or(dropout),
        };
        let kinds = match &raw.pos_att_type {
            None => Vec::new(),
            Some(Kinds::Text(text)) => text.split('|').map(|k| k.trim().to_lowercase()).collect(),
            Some(Kinds::List(list)) => list.clone(),
        };
        if let Some(other) = kinds.iter().find(|k| !["c2p", "p2c"].contains(&k.as_str())) {
            return Err(format!(
                "`pos_att_type` {other} is not supported; supported: c2p, p2c"
            ));
        }
        let longest = match raw.max_relative_positions {
            Some(n) if n > 0 => n,
            _ => config.positions,
        };
        let buckets = raw.position_buckets.filter(|&n| second && n > 0);
        if buckets.is_some_and(|n| n < 4 || longest <= n / 2 + 1) {
            return Err(
                "`position_buckets` must be at least 4, and `max_relative_positions` \
                        larger than half of it"
                    .into(),
            );
        }
        let relative = Relative {
            span: buckets.unwrap_or(longest),
            buckets,
            longest,
            shared: second && raw.share_att_key.unwrap_or(false),
            norm: second
                && raw
                    .norm_rel_ebd
                    .is_some_and(|text| text.to_lowercase().contains("layer_norm")),
        };
        let conv = match raw.conv_kernel_size.filter(|&n| second && n > 0) {
            Some(kernel) if kernel % 2 == 0 => {
                return Err(format!("`conv_kernel_size` is {kernel}; it must be odd"));
            }
            Some(kernel) => Some(Conv {
                kernel,
                groups: need(Some(raw.conv_groups.unwrap_or(1)), "conv_groups")?,
                activation: activation(raw.conv_act.as_deref().unwrap_or("tanh"))?,
            }),
            None => None,
        };
        let settings = Settings {
            second,
            c2p: kinds.iter().any(|k| k == "c2p"),
            p2c: kinds.iter().any(|k| k == "p2c"),
            relative: raw.relative_attention.unwrap_or(false).then_some(relative),
            absolute: raw.position_biased_input.unwrap_or(true),
            conv,
            legacy,
        };
        Ok((config, settings))
    }
}

impl Relative {
    /// Rows of the relative embeddings for the distances −(`seq` − 1) to `seq` − 1, which never
    /// fall.
    pub fn rows(&self, seq: i64) -> Vec<i64> {
        (1 - seq..seq)
            .map(|d| (self.bucket(d) + self.span).clamp(0, 2 * self.span - 1))
            .collect()
    }

    /// A distance, or the number of its logarithmic bucket where it is large. In float32, as
    /// transformers counts.
    fn bucket(&self, distance: i64) -> i64 {
        let Some(buckets) = self.buckets else {
            return distance;
        };
        let middle = buckets / 2;
        if distance.abs() <= middle {
            return distance;
        }
        let ratio = |n: i64| (n as f64 / middle as f64) as f32;
        let share = ratio(distance.abs()).ln() / ratio(self.longest - 1).ln();
        let bucket = (share * (middle - 1) as f32).ceil() as i64 + middle;
        bucket * distance.signum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against transformers' own function (tests/goldens/deberta-buckets.json).
    #[test]
    fn rows_of_distances_equal_transformers() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/goldens/deberta-buckets.json"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let golden: std::collections::BTreeMap<String, Vec<i64>> =
            serde_json::from_str(&text).unwrap();
        assert_eq!(golden.len(), 3);
        for (name, wanted) in golden {
            let (buckets, longest) = name.split_once('-').unwrap();
            let buckets = buckets.parse().unwrap();
            let relative = Relative {
                span: buckets,
                buckets: Some(buckets),
                longest: longest.parse().unwrap(),
                shared: true,
                norm: true,
            };
            let seq = (wanted.len() as i64 + 1) / 2;
            assert_eq!(relative.rows(seq), wanted, "{name}");
        }
    }
}
