//! Disentangled attention: scores are content to content, content to position and position to
//! content.

use tch::{Device, Kind, Tensor};

use super::config::Settings;
use crate::error::Result;
use crate::lm::attention::{merge_heads, split_heads};
use crate::lm::config::LmConfig;
use crate::lm::modules::{Linear, Mode, to};
use crate::lm::packing::Packing;
use crate::lm::params::{Parameter, Role};
use crate::lm::weights::Weights;

/// The relative embeddings and where each query finds those of each key.
pub(super) struct Distances {
    /// The rows that are used, `[rows, H]`.
    pub embeddings: Tensor,
    /// Rows by query and key, `[1 or batch, 1, n, seq]`.
    pub rows: Tensor,
}

/// What a layer's queries see.
pub(super) struct View<'a> {
    pub packing: &'a Packing,
    /// Positions `[batch, r]` of the queries; `None`: all.
    pub read: Option<&'a Tensor>,
    pub distances: Option<&'a Distances>,
    /// `[batch, 1, 1, seq]`, added to the scores.
    pub mask: &'a Tensor,
    pub mode: Mode,
}

/// How queries, keys and values are made.
enum Maps {
    Apart([Linear; 3]),
    /// Version 1: `[3H, H]`, for each head its query, key and value rows; keys have no bias.
    Fused {
        weight: Tensor,
        query_bias: Tensor,
        value_bias: Tensor,
    },
}

const APART: [&str; 3] = ["query_proj", "key_proj", "value_proj"];
const FUSED: [&str; 3] = ["in_proj.weight", "q_bias", "v_bias"];

/// The attention of a layer, up to its output map.
pub(super) struct Attention {
    maps: Maps,
    /// Keys of positions, where they have a map of their own.
    position_key: Option<Linear>,
    /// Queries of positions.
    position_query: Option<Linear>,
    heads: i64,
    /// Scores are divided by the root of a head's size times the kinds of scores.
    scale: f64,
    c2p: bool,
    p2c: bool,
    dropout: f64,
    attention_dropout: f64,
}

impl Attention {
    pub fn take(w: &mut Weights, c: &LmConfig, s: &Settings, at: &str) -> Self {
        let h = c.hidden;
        let maps = match s.second {
            true => Maps::Apart(APART.map(|name| Linear::take(w, &format!("{at}{name}"), h, h))),
            false => Maps::Fused {
                weight: w.take(&format!("{at}{}", FUSED[0]), &[3 * h, h]),
                query_bias: w.take(&format!("{at}{}", FUSED[1]), &[h]),
                value_bias: w.take(&format!("{at}{}", FUSED[2]), &[h]),
            },
        };
        let own = s.relative.as_ref().is_some_and(|r| !r.shared);
        let [key, query] = position_names(s.second);
        // Version 1's key map has no bias.
        let position_key =
            (own && s.c2p).then(|| Linear::take_with(w, &format!("{at}{key}"), h, h, s.second));
        let position_query = (own && s.p2c).then(|| Linear::take(w, &format!("{at}{query}"), h, h));
        let kinds = 1 + i64::from(s.c2p) + i64::from(s.p2c);
        Attention {
            maps,
            position_key,
            position_query,
            heads: c.heads,
            scale: ((h / c.heads * kinds) as f64).powf(-0.5),
            c2p: s.c2p,
            p2c: s.p2c,
            dropout: c.dropout,
            attention_dropout: c.attention_dropout,
        }
    }

    pub fn list(&self, at: &str, into: &mut Vec<Parameter>) {
        let second = match &self.maps {
            Maps::Apart(maps) => {
                for (name, map) in APART.iter().zip(maps) {
                    map.list(&format!("{at}{name}"), into);
                }
                true
            }
            Maps::Fused {
                weight,
                query_bias,
                value_bias,
            } => {
                let tensors = [
                    (weight, Role::Matrix),
                    (query_bias, Role::Bias),
                    (value_bias, Role::Bias),
                ];
                for (name, (tensor, role)) in FUSED.iter().zip(tensors) {
                    let tensor = tensor.shallow_clone();
                    into.push(Parameter::new(format!("{at}{name}"), tensor, role));
                }
                false
            }
        };
        let maps = [&self.position_key, &self.position_query];
        for (name, map) in position_names(second).iter().zip(maps) {
            if let Some(map) = map {
                map.list(&format!("{at}{name}"), into);
            }
        }
    }

    pub fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        match &mut self.maps {
            Maps::Apart(maps) => {
                for map in maps {
                    map.to(device, kind)?;
                }
            }
            Maps::Fused {
                weight,
                query_bias,
                value_bias,
            } => {
                for tensor in [weight, query_bias, value_bias] {
                    to(tensor, device, kind)?;
                }
            }
        }
        let own = [&mut self.position_key, &mut self.position_query];
        own.into_iter()
            .flatten()
            .try_for_each(|map| map.to(device, kind))
    }

    /// The maps of queries, keys and values.
    fn maps(&self) -> Result<[Linear; 3]> {
        match &self.maps {
            Maps::Apart([query, key, value]) => Ok([query, key, value].map(Linear::shallow_clone)),
            Maps::Fused {
                weight,
                query_bias,
                value_bias,
            } => {
                let h = weight.size2()?.1;
                let heads = weight.f_view([self.heads, 3, h / self.heads, h])?;
                let part = |i: i64, bias: Option<&Tensor>| -> Result<Linear> {
                    Ok(Linear {
                        weight: heads.f_select(1, i)?.f_reshape([h, h])?,
                        bias: bias.map(Tensor::shallow_clone),
                    })
                };
                Ok([
                    part(0, Some(query_bias))?,
                    part(1, None)?,
                    part(2, Some(value_bias))?,
                ])
            }
        }
    }

    /// What each query finds, `[queries, H]`, before the output's map. `x` `[tokens, H]` are the
    /// keys' and values' states, `asking` `[queries, H]` those of the queries.
    pub fn forward(&self, x: &Tensor, asking: &Tensor, view: &View) -> Result<Tensor> {
        let (packing, read, train) = (view.packing, view.read, view.mode == Mode::Train);
        let maps = self.maps()?;
        let [query, key, value] = &maps;
        let split = |x: Tensor| split_heads(&x, self.heads);
        let queries = split(packing.unpack(&query.forward(asking)?, read)?)?;
        let keys = split(packing.pad(&key.forward(x)?)?)?;
        let values = split(packing.pad(&value.forward(x)?)?)?;
        let mut scores = queries.f_matmul(&keys.f_transpose(-1, -2)?)?; // [batch, heads, n, seq]
        if let Some(distances) = view.distances {
            let embeddings = distances.embeddings.f_dropout(self.dropout, train)?;
            let (batch, _, n, seq) = scores.size4()?;
            let rows = distances
                .rows
                .f_expand([batch, self.heads, n, seq], false)?;
            // [1, heads, H / heads, rows]
            let positions = |map: &Linear| -> Result<Tensor> {
                let states = map.forward(&embeddings)?.f_unsqueeze(0)?;
                Ok(split_heads(&states, self.heads)?.f_transpose(-1, -2)?)
            };
            if self.c2p {
                let positions = positions(self.position_key.as_ref().unwrap_or(key))?;
                let all = queries.f_matmul(&positions)?; // [batch, heads, n, rows]
                scores = scores.f_add(&all.f_gather(-1, &rows, false)?)?;
            }
            if self.p2c {
                let positions = positions(self.position_query.as_ref().unwrap_or(query))?;
                let all = keys.f_matmul(&positions)?; // [batch, heads, seq, rows]
                let found = all.f_gather(-1, &rows.f_transpose(-1, -2)?, false)?;
                scores = scores.f_add(&found.f_transpose(-1, -2)?)?;
            }
        }
        let scores = scores.f_mul_scalar(self.scale)?.f_add(view.mask)?;
        let shares = scores
            .f_softmax(-1, scores.kind())?
            .f_dropout(self.attention_dropout, train)?;
        merge_heads(&shares.f_matmul(&values)?, packing, read)
    }
}

/// The maps of positions' keys and queries.
fn position_names(second: bool) -> [&'static str; 2] {
    match second {
        true => ["pos_key_proj", "pos_query_proj"],
        false => ["pos_proj", "pos_q_proj"],
    }
}
