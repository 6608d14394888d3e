//! ModernBERT (Warner et al., 2024): LayerNorms before attention and feed-forward, rotary
//! positions, gated feed-forward; attention is global in every n-th layer and looks at a window in
//! the others.

mod layer;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Blueprint, Shape};
use super::config::{Family, LmConfig, Parsed, activation, check_heads, check_tied};
use super::config::{from_json, need};
use super::head::{HeadBiases, HeadNames, Layout};
use super::layer::{Mode, Norm};
use super::masks;
use super::params::Parameter;
use super::rotary::Rotary;
use super::stack::{Pass, Stack, Stacked};
use super::weights::Weights;
use crate::error::Result;
use layer::{Layer, View};

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
    global_every: usize,
    /// The others look this far to each side.
    window: i64,
    global_theta: f64,
    local_theta: f64,
    norm_bias: bool,
    attention_bias: bool,
    mlp_bias: bool,
    head_biases: HeadBiases,
    embedding_dropout: f64,
}

/// Reads `config.json`; what it leaves out is as in transformers.
pub(super) fn parse(text: &str) -> Parsed {
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
        family: Family::ModernBert,
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
    Ok((config, Box::new(settings)))
}

impl Blueprint for Settings {
    fn layout(&self, _: &Weights) -> Layout {
        Layout {
            prefix: "model.",
            words: "embeddings.tok_embeddings.weight",
            head: Some(HeadNames {
                dense: "head.dense",
                norm: "head.norm",
                bias: "decoder.bias",
                sign: "head.dense.weight".into(),
                biases: self.head_biases,
            }),
            ignored: vec!["decoder.weight".into()],
        }
    }

    fn backbone(&self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        let norm = |weights: &mut Weights, name: &str| {
            let name = format!("{prefix}{name}");
            Norm::take_with(weights, &name, c.hidden, c.eps, self.norm_bias)
        };
        Box::new(Stacked::new(ModernBert {
            norm: norm(weights, NORM),
            layers: (0..c.layers)
                .map(|i| Layer::take(weights, c, self, &format!("{prefix}layers.{i}."), i))
                .collect(),
            final_norm: norm(weights, FINAL_NORM),
            config: c.clone(),
            settings: self.clone(),
        }))
    }
}

const NORM: &str = "embeddings.norm";
const FINAL_NORM: &str = "final_norm";

struct ModernBert {
    norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
    config: LmConfig,
    settings: Settings,
}

/// What the layers' queries see.
struct Views {
    global: View,
    local: View,
    /// At the positions that are read, in the last layer.
    last: Option<View>,
}

impl ModernBert {
    /// What the queries at `read` (`None`: everywhere) see, in a global or a local layer.
    fn seen(&self, global: bool, shape: &Shape, read: Option<&Tensor>, kind: Kind) -> Result<View> {
        let (keep, s) = (&shape.keep, &self.settings);
        let (seq, device) = (keep.size2()?.1, keep.device());
        let (mask, theta) = match global {
            true => (masks::pads(keep, kind)?, s.global_theta),
            false => {
                let queries = masks::query_positions(read, seq, device)?;
                let mask = masks::window(keep, &queries, s.window, kind)?;
                (mask, s.local_theta)
            }
        };
        let d = self.config.hidden / self.config.heads;
        let keys = Rotary::new(seq, d, theta, kind, device)?;
        let queries = read.map(|read| keys.at(read)).transpose()?;
        Ok(View {
            mask,
            keys,
            queries,
        })
    }

    fn is_global(&self, i: usize) -> bool {
        i.is_multiple_of(self.settings.global_every)
    }
}

impl Stack for ModernBert {
    type View = Views;

    fn depth(&self) -> usize {
        self.layers.len()
    }

    fn embed(&self, words: &Tensor, _: &Shape, pass: &Pass) -> Result<Tensor> {
        self.config.check_length(words.size3()?.1)?;
        Ok(self
            .norm
            .forward(&pass.packing.pack(words)?)?
            .f_dropout(self.settings.embedding_dropout, pass.mode == Mode::Train)?)
    }

    fn view(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<Views> {
        let last = self.is_global(self.depth().saturating_sub(1));
        let read = pass.read.as_ref();
        Ok(Views {
            global: self.seen(true, shape, None, kind)?,
            local: self.seen(false, shape, None, kind)?,
            last: read
                .map(|read| self.seen(last, shape, Some(read), kind))
                .transpose()?,
        })
    }

    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, views: &Views) -> Result<Tensor> {
        let read = pass.read.as_ref().filter(|_| i + 1 == self.depth());
        let view = match &views.last {
            Some(last) if read.is_some() => last,
            _ if self.is_global(i) => &views.global,
            _ => &views.local,
        };
        self.layers[i].forward(x, &pass.packing, read, view, pass.mode)
    }

    fn finish(&self, x: Tensor) -> Result<Tensor> {
        self.final_norm.forward(&x)
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        self.norm.list(&format!("{prefix}{NORM}"), into);
        for (i, layer) in self.layers.iter().enumerate() {
            layer.list(&format!("{prefix}layers.{i}."), into);
        }
        self.final_norm.list(&format!("{prefix}{FINAL_NORM}"), into);
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        self.norm.to(device, kind)?;
        self.final_norm.to(device, kind)?;
        self.layers
            .iter_mut()
            .try_for_each(|layer| layer.to(device, kind))
    }
}
