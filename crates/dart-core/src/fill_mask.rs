//! What a masked language model puts in place of `[MASK]`.

use tch::{Device, Kind};

use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, Mode};
use crate::prompt::{Batch, Encoded};
use crate::pseudo::lookup;
use crate::tokenizer::Tokenizer;

/// How `[MASK]` is written in a text, whatever the model's own mask token is.
pub const MASK: &str = "[MASK]";

/// A candidate for a masked position.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub id: i64,
    /// The token.
    pub token: String,
    /// softmax over the vocabulary.
    pub probability: f64,
}

/// The candidates for one `[MASK]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// The text as given.
    pub text: String,
    /// Its token ids with special tokens, without pads.
    pub ids: Vec<i64>,
    /// The `[MASK]`'s place among the ids; with a causal model the place behind them.
    pub position: usize,
    /// Best first.
    pub top: Vec<Candidate>,
}

/// The `top` candidates for each `[MASK]` of each text, in order; all texts are one padded batch.
/// A causal model continues the texts, so `[MASK]` may stand at their ends only, or be left out.
///
/// # Errors
/// A text without `[MASK]`, a text longer than the model, or libtorch's.
pub fn fill_mask(
    model: &LanguageModel,
    tokenizer: &Tokenizer,
    texts: &[String],
    top: usize,
) -> Result<Vec<Filled>> {
    let mut rows = Vec::new();
    let mut sources = Vec::new();
    for text in texts {
        for encoded in encode(model, tokenizer, text)? {
            rows.push(encoded);
            sources.push(text);
        }
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let _no_grad = tch::no_grad_guard();
    let device = model.device();
    let batch = Batch::new(
        &rows.iter().collect::<Vec<_>>(),
        tokenizer.special().pad,
        device,
    )?;
    let none = model.embeddings.f_narrow(0, 0, 0)?;
    let words = lookup(&model.embeddings, &none, &batch.ids)?;
    let hidden = model.encode(&words, &batch.shape, Some(&batch.slots), Mode::Evaluate)?;
    let head = model.transform(&hidden.f_squeeze_dim(1)?)?;
    let logits = LanguageModel::decode(&head, &model.embeddings, &model.bias)?;
    let probabilities = logits
        .f_softmax(-1, Kind::Double)?
        .f_to_device(Device::Cpu)?;
    let top = (top as i64).min(model.config.vocab);
    let (values, ids) = probabilities.f_topk(top, -1, true, true)?;
    let mut filled = Vec::with_capacity(rows.len());
    for (i, (row, text)) in rows.into_iter().zip(sources).enumerate() {
        let values = Vec::<f64>::try_from(&values.f_get(i as i64)?)?;
        let ids = Vec::<i64>::try_from(&ids.f_get(i as i64)?)?;
        let candidate = |(id, probability)| Candidate {
            id,
            token: tokenizer.token(id),
            probability,
        };
        filled.push(Filled {
            text: text.clone(),
            position: row.slot + usize::from(model.config.causal),
            ids: row.ids,
            top: ids.into_iter().zip(values).map(candidate).collect(),
        });
    }
    Ok(filled)
}

/// One input for each `[MASK]` of the text.
fn encode(model: &LanguageModel, tokenizer: &Tokenizer, text: &str) -> Result<Vec<Encoded>> {
    let fail = |why: String| Err(CoreError::Input(format!("`{text}`: {why}")));
    let causal = model.config.causal;
    let mut ids = Vec::new();
    if causal {
        let start = text.trim_end();
        let start = start.strip_suffix(MASK).unwrap_or(start).trim_end();
        if start.is_empty() || start.contains(MASK) {
            return fail(format!(
                "a causal model continues a text: {MASK} may stand at its end only"
            ));
        }
        ids.extend(tokenizer.encode(start));
    } else {
        let Some(mask) = tokenizer.mask_token() else {
            let message = "the model's tokenizer has no mask token";
            return Err(CoreError::Unsupported(format!("`{text}`: {message}")));
        };
        ids.extend(&tokenizer.frame().start);
        ids.extend(tokenizer.encode(&text.replace(MASK, mask)));
        ids.extend(&tokenizer.frame().end);
    }
    if ids.len() > model.config.max_length() {
        let longest = model.config.max_length();
        return fail(format!(
            "{} tokens, the model takes {longest}; shorten it",
            ids.len()
        ));
    }
    let mask = tokenizer.special().mask;
    let slots: Vec<usize> = match causal {
        true => ids.len().checked_sub(1).into_iter().collect(),
        false => (0..ids.len()).filter(|&i| ids[i] == mask).collect(),
    };
    if slots.is_empty() {
        return fail(format!(
            "there is no {MASK} to fill; write it where a word is missing"
        ));
    }
    let encoded = |slot| Encoded {
        ids: ids.clone(),
        segments: vec![0; ids.len()],
        slot,
        maskable: Vec::new(),
        label: 0,
        truncated: false,
        demonstrations: Vec::new(),
    };
    Ok(slots.into_iter().map(encoded).collect())
}
