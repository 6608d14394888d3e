//! `config.json` of ModernBERT.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::lm::config::{LmConfig, activation, check_heads, check_tied, from_json, need};
use crate::lm::head::HeadBiases;

#[derive(Deserialize)]
struct Raw {
    vocab_size: Option<i64>,
    hidden_size: Option<i64>,
    intermediate_size: Option<i64>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<i64>,
    max_position_embeddings: Option<i64>,
    hidden_activation: Option<String>,
    classifier_activation: Option<String>,
    norm_eps: Option<f64>,
    global_attn_every_n_layers: Option<usize>,
    local_attention: Option<i64>,
    global_rope_theta: Option<f64>,
    /// null: as the global one.
    #[serde(default = "local_theta")]
    local_rope_theta: Option<f64>,
    rope_scaling: Option<IgnoredAny>,
    rope_parameters: Option<IgnoredAny>,
    norm_bias: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    classifier_bias: Option<bool>,
    decoder_bias: Option<bool>,
    embedding_dropout: Option<f64>,
    attention_dropout: Option<f64>,
    mlp_dropout: Option<f64>,
    classifier_dropout: Option<f64>,
    tie_word_embeddings: Option<bool>,
}

fn local_theta() -> Option<f64> {
    Some(10_000.0)
}

/// What ModernBERT has beyond [`LmConfig`].
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Layers 0, n, 2n … look everywhere.
    pub global_every: usize,
    /// The others look this far to each side.
    pub window: i64,
    pub global_theta: f64,
    pub local_theta: f64,
    pub norm_bias: bool,
    pub attention_bias: bool,
    pub mlp_bias: bool,
    pub head_biases: HeadBiases,
    pub embedding_dropout: f64,
}

impl Settings {
    /// Reads `config.json`; what it leaves out is as in transformers.
    pub fn parse(text: &str) -> Result<(LmConfig, Settings), String> {
        let raw: Raw = from_json(text)?;
        check_tied(raw.tie_word_embeddings)?;
        for (key, given) in [
            ("rope_scaling", raw.rope_scaling.is_some()),
            ("rope_parameters", raw.rope_parameters.is_some()),
        ] {
            if given {
                return Err(format!(
                    "`{key}` is not supported; give `global_rope_theta` and `local_rope_theta`"
                ));
            }
        }
        let hidden = need(raw.hidden_size, "hidden_size")?;
        let heads = need(raw.num_attention_heads, "num_attention_heads")?;
        check_heads(hidden, heads)?;
        if (hidden / heads) % 2 != 0 {
            return Err(format!(
                "rotary positions need heads of even size, not {}",
                hidden / heads
            ));
        }
        let global_every = raw.global_attn_every_n_layers.unwrap_or(3);
        if global_every == 0 {
            return Err("`global_attn_every_n_layers` is 0; it must be positive".into());
        }
        let global_theta = raw.global_rope_theta.unwrap_or(160_000.0);
        let norm_bias = raw.norm_bias.unwrap_or(false);
        let named = |name: &Option<String>| activation(name.as_deref().unwrap_or("gelu"));
        let config = LmConfig {
            family: "ModernBERT",
            causal: false,
            vocab: need(raw.vocab_size, "vocab_size")?,
            embedding: hidden,
            hidden,
            layers: raw
                .num_hidden_layers
                .ok_or("`num_hidden_layers` is missing")?,
            heads,
            intermediate: need(raw.intermediate_size, "intermediate_size")?,
            activation: named(&raw.hidden_activation)?,
            head_activation: named(&raw.classifier_activation)?,
            positions: need(raw.max_position_embeddings, "max_position_embeddings")?,
            position_offset: 0,
            token_types: 0,
            eps: raw.norm_eps.unwrap_or(1e-5),
            dropout: raw.mlp_dropout.unwrap_or(0.0),
            attention_dropout: raw.attention_dropout.unwrap_or(0.0),
            head_dropout: raw.classifier_dropout.unwrap_or(0.0),
        };
        let settings = Settings {
            global_every,
            window: raw.local_attention.unwrap_or(128) / 2,
            global_theta,
            local_theta: raw.local_rope_theta.unwrap_or(global_theta),
            norm_bias,
            attention_bias: raw.attention_bias.unwrap_or(false),
            mlp_bias: raw.mlp_bias.unwrap_or(false),
            head_biases: HeadBiases {
                dense: raw.classifier_bias.unwrap_or(false),
                norm: norm_bias,
                decoder: raw.decoder_bias.unwrap_or(true),
            },
            embedding_dropout: raw.embedding_dropout.unwrap_or(0.0),
        };
        Ok((config, settings))
    }
}
