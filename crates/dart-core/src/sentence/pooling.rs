//! Pooling: one vector a text from its tokens' hidden states.

use serde_json::{Map, Value};
use tch::{Kind, Tensor};

use crate::error::Result;

/// How the hidden states of a text become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The first token's.
    Cls,
    /// The largest value of each component.
    Max,
    /// The mean.
    Mean,
}

/// By its name, and by the key that says yes or no to it in files of older versions.
const WAYS: [(By, &str, &str); 3] = [
    (By::Cls, "cls", "pooling_mode_cls_token"),
    (By::Max, "max", "pooling_mode_max_tokens"),
    (By::Mean, "mean", "pooling_mode_mean_tokens"),
];

/// One vector a text, or several one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pooling {
    by: Vec<By>,
    /// Whether what stands before a text's own words counts: its prompt, and `[CLS]`.
    pub include_prompt: bool,
}

impl Default for Pooling {
    /// The mean over all tokens.
    fn default() -> Self {
        Pooling {
            by: vec![By::Mean],
            include_prompt: true,
        }
    }
}

impl Pooling {
    /// From the module's `config.json`, for hidden states of size `hidden`.
    pub fn parse(config: &Map<String, Value>, hidden: i64) -> std::result::Result<Self, String> {
        let (mut by, mut older) = (Vec::new(), Vec::new());
        let mut include_prompt = true;
        for (key, value) in config {
            match (key.as_str(), value) {
                ("embedding_dimension" | "word_embedding_dimension", size) => {
                    if size.as_i64() != Some(hidden) {
                        return Err(format!("`{key}` is {size}, but the model's is {hidden}"));
                    }
                }
                ("include_prompt", Value::Bool(yes)) => include_prompt = *yes,
                ("pooling_mode", Value::Array(names)) => {
                    by = names
                        .iter()
                        .map(named)
                        .collect::<std::result::Result<_, _>>()?;
                }
                ("pooling_mode", name) => by = vec![named(name)?],
                (key, Value::Bool(false)) if key.starts_with("pooling_mode_") => {}
                (key, Value::Bool(true)) if key.starts_with("pooling_mode_") => {
                    let way = WAYS.iter().position(|(_, _, older)| *older == key);
                    older.push(way.ok_or_else(|| unknown(key))?);
                }
                _ => return Err(format!("`{key}`: {value} is not supported")),
            }
        }
        if by.is_empty() {
            older.sort_unstable();
            by = older.into_iter().map(|way| WAYS[way].0).collect();
        }
        if by.is_empty() {
            by = vec![By::Mean];
        }
        Ok(Pooling { by, include_prompt })
    }

    /// Vectors a text.
    pub fn count(&self) -> i64 {
        self.by.len() as i64
    }

    /// Whether the first token's state is all that is read.
    pub fn reads_first_alone(&self) -> bool {
        self.include_prompt && self.by == [By::Cls]
    }

    /// `[batch, count · H]` from `[batch, seq, H]` and what counts of it, `keep` `[batch, seq]`, 1 or
    /// 0.
    pub fn forward(&self, hidden: &Tensor, keep: &Tensor) -> Result<Tensor> {
        let mut pooled = Vec::with_capacity(self.by.len());
        for by in &self.by {
            pooled.push(match by {
                By::Cls => first(hidden, keep)?,
                By::Max => largest(hidden, keep)?,
                By::Mean => mean(hidden, keep)?,
            });
        }
        match pooled.as_slice() {
            [one] => Ok(one.shallow_clone()),
            several => Ok(Tensor::f_cat(several, 1)?),
        }
    }
}

fn named(name: &Value) -> std::result::Result<By, String> {
    let text = name.as_str().unwrap_or_default();
    let way = WAYS.iter().find(|(_, known, _)| *known == text);
    way.map(|(by, _, _)| *by)
        .ok_or_else(|| unknown(&name.to_string()))
}

fn unknown(name: &str) -> String {
    let known = WAYS.map(|(_, name, _)| name).join(", ");
    format!("pooling by {name} is not supported; supported: {known}")
}

fn mean(hidden: &Tensor, keep: &Tensor) -> Result<Tensor> {
    let (kind, dims) = (hidden.kind(), Some([1i64].as_slice()));
    let keep = keep.f_to_kind(kind)?;
    let masked = hidden.f_mul(&keep.f_unsqueeze(2)?)?;
    let sum = masked.f_sum_dim_intlist(dims, false, kind)?;
    let count = keep.f_sum_dim_intlist(dims, true, kind)?; // [batch, 1]
    Ok(sum.f_div(&count.f_clamp_min(1e-9)?)?)
}

fn largest(hidden: &Tensor, keep: &Tensor) -> Result<Tensor> {
    let hides = keep.f_eq(0)?.f_unsqueeze(2)?;
    let masked = hidden.f_masked_fill(&hides, f64::NEG_INFINITY)?;
    Ok(masked.f_amax([1i64].as_slice(), false)?)
}

/// The first position that counts.
fn first(hidden: &Tensor, keep: &Tensor) -> Result<Tensor> {
    let (batch, _, size) = hidden.size3()?;
    let at = keep.f_to_kind(Kind::Int64)?.f_argmax(1, true)?; // [batch, 1]
    let at = at.f_unsqueeze(2)?.f_expand([batch, 1, size], false)?;
    Ok(hidden.f_gather(1, &at, false)?.f_squeeze_dim(1)?)
}
