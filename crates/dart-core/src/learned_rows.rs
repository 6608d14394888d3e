//! What a prompt method learned: the rows of its pseudo tokens, and the words that lie near them.

use std::collections::HashSet;
use std::path::Path;

use tch::{Kind, Tensor};

use crate::classifier::PromptEncoder;
use crate::error::{CoreError, Result};
use crate::lm::weights::Weights;
use crate::lm::{LanguageModel, Role};
use crate::method::{LabelRows, Method, PromptMethod, TemplateRows};
use crate::prompt::{Part, Template};
use crate::tokenizer::Tokenizer;
use crate::train::RunSpec;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A token of the template.
    Template,
    /// A class.
    Label,
    /// A word of the vocabulary, as it is.
    Word,
}

/// A row of the vocabulary, learned or not.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedRow {
    /// What it stands for.
    pub kind: RowKind,
    /// The template's token, the class or the word.
    pub name: String,
    /// `[D]`.
    pub values: Vec<f32>,
    /// Nearest words by cosine, the nearest first; empty for words.
    pub near: Vec<String>,
}

/// The pseudo rows of the best weights that a fit left in `state_dir`, template first, then the
/// `near` words of the vocabulary that lie nearest to each. Empty for a method without pseudo rows.
///
/// # Errors
/// Weights that are not there or not what a fit writes.
pub fn learned(spec: &RunSpec, state_dir: &Path, near: usize) -> Result<Vec<LearnedRow>> {
    let Method::Prompt(method) = spec.method else {
        return Ok(Vec::new());
    };
    let best = Weights::read_file(&state_dir.join("best.safetensors"))?;
    let Some(pseudo) = best.get("pseudo.rows") else {
        return Ok(Vec::new());
    };
    let classes = match method.labels {
        LabelRows::Pseudo { .. } => spec.task.labels.len(),
        LabelRows::Words => 0,
    };
    let Some(template) = (pseudo.size2()?.0 as usize).checked_sub(classes) else {
        return Ok(Vec::new());
    };
    let pseudo = &seen(method, &best, pseudo, template as i64)?;
    let tokenizer = Tokenizer::load(spec.model)?;
    let mut tokens = template_tokens(&spec.task.template, &tokenizer)?;
    if method.share_equal_tokens {
        // One row for each that differs, in the order in which they come first.
        let mut seen = HashSet::new();
        tokens.retain(|token| seen.insert(token.clone()));
    }
    let lm = LanguageModel::load(spec.model)?;
    let mut vocabulary = lm.embeddings.shallow_clone();
    // Where the run trained it, as it stands among the best weights.
    for parameter in lm.vocabulary_parameters() {
        if let (Role::Vocabulary, Some(trained)) = (parameter.role, best.get(&parameter.name)) {
            vocabulary = trained.shallow_clone();
        }
    }
    let near = nearest(pseudo, &vocabulary, &tokenizer, near)?;
    let mut rows: Vec<LearnedRow> = Vec::new();
    for (i, near) in near.iter().enumerate() {
        let (kind, name) = match i.checked_sub(template) {
            Some(class) => (RowKind::Label, spec.task.labels[class].clone()),
            None if tokens.len() == template => (RowKind::Template, tokens[i].clone()),
            None => (RowKind::Template, format!("{i}")),
        };
        rows.push(LearnedRow {
            kind,
            name,
            values: values(pseudo, i as i64)?,
            near: near.iter().map(|&id| tokenizer.token(id)).collect(),
        });
    }
    let mut shown = HashSet::new();
    for id in near.into_iter().flatten().filter(|id| shown.insert(*id)) {
        rows.push(LearnedRow {
            kind: RowKind::Word,
            name: tokenizer.token(id),
            values: values(&vocabulary, id)?,
            near: Vec::new(),
        });
    }
    Ok(rows)
}

/// P as the model sees it: an encoded template's rows come from its encoder.
fn seen(method: &PromptMethod, best: &Weights, pseudo: &Tensor, m: i64) -> Result<Tensor> {
    let TemplateRows::Encoded { encoder, .. } = method.template else {
        return Ok(pseudo.shallow_clone());
    };
    let _no_grad = tch::no_grad_guard();
    let options = (pseudo.kind(), pseudo.device());
    let encoder = PromptEncoder::new(encoder, pseudo.size2()?.1, 0, options)?;
    for mut parameter in encoder.parameters() {
        let value = best
            .get(&parameter.name)
            .ok_or_else(|| CoreError::State(format!("the best weights lack {}", parameter.name)))?;
        parameter.tensor.f_copy_(value)?;
    }
    encoder.rows(pseudo, m)
}

/// The tokens of the template's own words.
fn template_tokens(template: &str, tokenizer: &Tokenizer) -> Result<Vec<String>> {
    let mut tokens = Vec::new();
    for part in Template::parse(template)?.parts {
        if let Part::Words(words) = part {
            tokens.extend(
                tokenizer
                    .encode(&words)
                    .iter()
                    .map(|&id| tokenizer.token(id)),
            );
        }
    }
    Ok(tokens)
}

/// For each row of `rows` `[n, D]`, the words of `vocabulary` `[V, D]` that lie nearest by cosine, the
/// nearest first; special tokens are no words.
fn nearest(
    rows: &Tensor,
    vocabulary: &Tensor,
    tokenizer: &Tokenizer,
    near: usize,
) -> Result<Vec<Vec<i64>>> {
    let known = vocabulary.size2()?.0.min(tokenizer.len() as i64);
    let special: Vec<i64> = (0..known).filter(|&id| tokenizer.is_special(id)).collect();
    let words = unit(&vocabulary.f_narrow(0, 0, known)?)?;
    let cosines = unit(rows)?.f_matmul(&words.f_tr()?)?.f_index_fill(
        1,
        &Tensor::from_slice(&special),
        -2.0,
    )?; // [n, known]
    let count = (near as i64).min(known - special.len() as i64);
    let (_, ids) = cosines.f_topk(count, -1, true, true)?;
    Ok(Vec::<Vec<i64>>::try_from(&ids)?)
}

/// Rows of length 1, in float32.
fn unit(rows: &Tensor) -> Result<Tensor> {
    let rows = rows.f_to_kind(Kind::Float)?;
    let length = rows.f_norm_scalaropt_dim(2, [-1i64], true)?;
    Ok(rows.f_div(&length.f_clamp_min(1e-15)?)?)
}

fn values(rows: &Tensor, row: i64) -> Result<Vec<f32>> {
    Ok(Vec::<f32>::try_from(
        &rows.f_get(row)?.f_to_kind(Kind::Float)?,
    )?)
}
