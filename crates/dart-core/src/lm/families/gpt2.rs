//! GPT-2 (Radford et al., 2019): causal; LayerNorms before attention and feed-forward; the decoder
//! reads the hidden states as they are.

use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::attention::{merge_heads, split_heads};
use crate::lm::backbone::{Backbone, Blueprint, Parsed, Shape};
use crate::lm::config::{Activation, LmConfig, activation, check_heads, check_tied};
use crate::lm::config::{from_json, need};
use crate::lm::head::Layout;
use crate::lm::masks;
use crate::lm::modules::{Mode, Norm, activate, in_kind, to};
use crate::lm::packing::Packing;
use crate::lm::params::{Parameter, Role};
use crate::lm::stack::{Pass, Stack, Stacked};
use crate::lm::weights::Weights;

#[derive(Deserialize)]
struct Raw {
    vocab_size: Option<i64>,
    #[serde(alias = "hidden_size")]
    n_embd: Option<i64>,
    #[serde(alias = "num_hidden_layers")]
    n_layer: Option<usize>,
    #[serde(alias = "num_attention_heads")]
    n_head: Option<i64>,
    #[serde(alias = "max_position_embeddings")]
    n_positions: Option<i64>,
    n_inner: Option<i64>,
    activation_function: Option<String>,
    resid_pdrop: Option<f64>,
    embd_pdrop: Option<f64>,
    attn_pdrop: Option<f64>,
    layer_norm_epsilon: Option<f64>,
    scale_attn_weights: Option<bool>,
    scale_attn_by_inverse_layer_idx: Option<bool>,
    add_cross_attention: Option<bool>,
    tie_word_embeddings: Option<bool>,
}

/// What GPT-2 has beyond [`LmConfig`].
#[derive(Clone, Debug)]
struct Settings {
    layers: usize,
    embedding_dropout: f64,
    /// Whether scores are divided by the root of a head's size.
    scaled: bool,
    /// Whether they are divided by the layer's number, from 1.
    scaled_by_layer: bool,
}

/// Reads `config.json`; what it leaves out is as in transformers.
pub(super) fn parse(text: &str) -> Parsed {
    let raw: Raw = from_json(text)?;
    check_tied(raw.tie_word_embeddings)?;
    if raw.add_cross_attention == Some(true) {
        return Err(
            "`add_cross_attention` is true; only decoders on their own are supported".into(),
        );
    }
    let hidden = need(raw.n_embd, "n_embd")?;
    let heads = need(raw.n_head, "n_head")?;
    check_heads(hidden, heads)?;
    let activation = activation(raw.activation_function.as_deref().unwrap_or("gelu_new"))?;
    let layers = raw.n_layer.ok_or("`n_layer` is missing")?;
    let dropout = raw.resid_pdrop.unwrap_or(0.1);
    let config = LmConfig {
        family: "GPT-2",
        causal: true,
        vocab: need(raw.vocab_size, "vocab_size")?,
        embedding: hidden,
        hidden,
        layers,
        heads,
        intermediate: need(Some(raw.n_inner.unwrap_or(4 * hidden)), "n_inner")?,
        activation,
        head_activation: activation,
        positions: need(raw.n_positions, "n_positions")?,
        position_offset: 0,
        token_types: 0,
        eps: raw.layer_norm_epsilon.unwrap_or(1e-5),
        dropout,
        attention_dropout: raw.attn_pdrop.unwrap_or(0.1),
        head_dropout: dropout,
    };
    let settings = Settings {
        layers,
        embedding_dropout: raw.embd_pdrop.unwrap_or(0.1),
        scaled: raw.scale_attn_weights.unwrap_or(true),
        scaled_by_layer: raw.scale_attn_by_inverse_layer_idx.unwrap_or(false),
    };
    Ok((config, Box::new(settings)))
}

impl Blueprint for Settings {
    fn layout(&self, _: &Weights) -> Layout {
        // Older checkpoints keep the causal mask as tensors.
        let masks = (0..self.layers)
            .flat_map(|i| ["bias", "masked_bias"].map(|name| format!("h.{i}.attn.{name}")));
        Layout {
            prefix: "transformer.",
            words: "wte.weight",
            head: None,
            ignored: masks.chain(["lm_head.weight".to_string()]).collect(),
        }
    }

    fn backbone(&self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone> {
        let rows = [c.positions, c.hidden];
        let d = (c.hidden / c.heads) as f64;
        let scale = |i: usize| {
            let layer = if self.scaled_by_layer { i + 1 } else { 1 };
            (if self.scaled { d.powf(-0.5) } else { 1.0 }) / layer as f64
        };
        Box::new(Stacked::new(Gpt2 {
            positions: weights.take(&format!("{prefix}{POSITIONS}"), &rows),
            layers: (0..c.layers)
                .map(|i| Layer::take(weights, c, &format!("{prefix}h.{i}."), scale(i)))
                .collect(),
            norm: Norm::take(weights, &format!("{prefix}{NORM}"), c.hidden, c.eps),
            config: c.clone(),
            embedding_dropout: self.embedding_dropout,
        }))
    }
}

const POSITIONS: &str = "wpe.weight";
const NORM: &str = "ln_f";

struct Gpt2 {
    positions: Tensor,
    layers: Vec<Layer>,
    norm: Norm,
    config: LmConfig,
    embedding_dropout: f64,
}

/// What queries see at all positions, and at those that are read.
struct View {
    everywhere: Tensor,
    last: Tensor,
}

impl Stack for Gpt2 {
    type View = View;

    fn depth(&self) -> usize {
        self.layers.len()
    }

    fn embed(&self, words: &Tensor, _: &Shape, pass: &Pass) -> Result<Tensor> {
        let seq = words.size3()?.1;
        self.config.check_length(seq)?;
        let embedded = words.f_add(&self.positions.f_narrow(0, 0, seq)?)?;
        Ok(pass
            .packing
            .pack(&embedded)?
            .f_dropout(self.embedding_dropout, pass.mode == Mode::Train)?)
    }

    /// Pads stand behind all tokens, so the causal mask hides them.
    fn view(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<View> {
        let seq = shape.keep.size2()?.1;
        let before = |read: Option<&Tensor>| -> Result<Tensor> {
            let queries = masks::query_positions(read, seq, shape.keep.device())?;
            let before = masks::distances(&queries, seq)?.f_ge(0)?.f_unsqueeze(1)?;
            masks::additive(&before, kind)
        };
        Ok(View {
            everywhere: before(None)?,
            last: before(pass.read.as_ref())?,
        })
    }

    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, view: &View) -> Result<Tensor> {
        let (read, mask) = match i + 1 == self.depth() {
            true => (pass.read.as_ref(), &view.last),
            false => (None, &view.everywhere),
        };
        self.layers[i].forward(x, &pass.packing, read, mask, pass.mode)
    }

    fn finish(&self, x: Tensor) -> Result<Tensor> {
        self.norm.forward(&x)
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        let positions = self.positions.shallow_clone();
        let name = format!("{prefix}{POSITIONS}");
        into.push(Parameter::new(name, positions, Role::Embedding));
        for (i, layer) in self.layers.iter().enumerate() {
            layer.list(&format!("{prefix}h.{i}."), into);
        }
        self.norm.list(&format!("{prefix}{NORM}"), into);
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.positions, device, kind)?;
        self.norm.to(device, kind)?;
        self.layers
            .iter_mut()
            .try_for_each(|layer| layer.to(device, kind))
    }
}

/// A linear map whose weight is stored `[in, out]`.
struct Map {
    weight: Tensor,
    bias: Tensor,
}

impl Map {
    fn take(weights: &mut Weights, name: &str, input: i64, output: i64) -> Self {
        Map {
            weight: weights.take(&format!("{name}.weight"), &[input, output]),
            bias: weights.take(&format!("{name}.bias"), &[output]),
        }
    }

    fn list(&self, name: &str, into: &mut Vec<Parameter>) {
        let (weight, bias) = (self.weight.shallow_clone(), self.bias.shallow_clone());
        let name = |part: &str| format!("{name}.{part}");
        into.push(Parameter::new(name("weight"), weight, Role::Matrix));
        into.push(Parameter::new(name("bias"), bias, Role::Bias));
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        to(&mut self.weight, device, kind)?;
        to(&mut self.bias, device, kind)
    }

    /// Computes in the number format of `x`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let bias = in_kind(&self.bias, x.kind())?;
        Ok(x.f_linear(&in_kind(&self.weight, x.kind())?.f_tr()?, Some(&bias))?)
    }

    /// The outputs `from .. from + count` alone.
    fn part(&self, x: &Tensor, from: i64, count: i64) -> Result<Tensor> {
        let part = Map {
            weight: self.weight.f_narrow(1, from, count)?,
            bias: self.bias.f_narrow(0, from, count)?,
        };
        part.forward(x)
    }
}

struct Layer {
    attention_norm: Norm,
    /// Queries, keys and values, `[H, 3H]`.
    qkv: Map,
    out: Map,
    mlp_norm: Norm,
    up: Map,
    down: Map,
    heads: i64,
    scale: f64,
    activation: Activation,
    dropout: f64,
    attention_dropout: f64,
}

impl Layer {
    fn take(w: &mut Weights, c: &LmConfig, at: &str, scale: f64) -> Self {
        let (h, wide) = (c.hidden, c.intermediate);
        let named = |name: &str| format!("{at}{name}");
        Layer {
            attention_norm: Norm::take(w, &named("ln_1"), h, c.eps),
            qkv: Map::take(w, &named("attn.c_attn"), h, 3 * h),
            out: Map::take(w, &named("attn.c_proj"), h, h),
            mlp_norm: Norm::take(w, &named("ln_2"), h, c.eps),
            up: Map::take(w, &named("mlp.c_fc"), h, wide),
            down: Map::take(w, &named("mlp.c_proj"), wide, h),
            heads: c.heads,
            scale,
            activation: c.activation,
            dropout: c.dropout,
            attention_dropout: c.attention_dropout,
        }
    }

    fn list(&self, at: &str, into: &mut Vec<Parameter>) {
        self.attention_norm.list(&format!("{at}ln_1"), into);
        self.qkv.list(&format!("{at}attn.c_attn"), into);
        self.out.list(&format!("{at}attn.c_proj"), into);
        self.mlp_norm.list(&format!("{at}ln_2"), into);
        self.up.list(&format!("{at}mlp.c_fc"), into);
        self.down.list(&format!("{at}mlp.c_proj"), into);
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        self.attention_norm.to(device, kind)?;
        self.mlp_norm.to(device, kind)?;
        for map in [&mut self.qkv, &mut self.out, &mut self.up, &mut self.down] {
            map.to(device, kind)?;
        }
        Ok(())
    }

    /// Hidden states `[tokens, H]` from `x` `[tokens, H]`, or `[batch × r, H]` at the positions
    /// `read` `[batch, r]` alone. `mask` `[1 or batch, 1, n, seq]` is added to the scores.
    fn forward(
        &self,
        x: &Tensor,
        packing: &Packing,
        read: Option<&Tensor>,
        mask: &Tensor,
        mode: Mode,
    ) -> Result<Tensor> {
        let train = mode == Mode::Train;
        let h = x.size2()?.1;
        let normed = self.attention_norm.forward(x)?;
        let (wanted, asking) = match read {
            None => (x.shallow_clone(), normed.shallow_clone()),
            Some(read) => (packing.gather(x, read)?, packing.gather(&normed, read)?),
        };
        let query = packing.unpack(&self.qkv.part(&asking, 0, h)?, read)?;
        let other = packing.pad(&self.qkv.part(&normed, h, 2 * h)?)?; // [batch, seq, 2H]
        let context = Tensor::f_scaled_dot_product_attention(
            &split_heads(&query, self.heads)?,
            &split_heads(&other.f_narrow(2, 0, h)?, self.heads)?,
            &split_heads(&other.f_narrow(2, h, h)?, self.heads)?,
            Some(mask),
            if train { self.attention_dropout } else { 0.0 },
            false,
            self.scale,
            false,
        )?; // [batch, heads, seq or r, H / heads]
        let context = merge_heads(&context, packing, read)?;
        let attended = self.out.forward(&context)?.f_dropout(self.dropout, train)?;
        let x = attended.f_add(&wanted)?;
        let up = self.up.forward(&self.mlp_norm.forward(&x)?)?;
        let fed = self.down.forward(&activate(&up, self.activation)?)?;
        Ok(fed.f_dropout(self.dropout, train)?.f_add(&x)?)
    }
}
