//! What a prompt method learned: the rows of its pseudo tokens, and the words that lie near them.

use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{CoreError, Result};
use crate::method::{LabelKind, Method};
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
    let best = state_dir.join("best.safetensors");
    let is_pseudo = |name: &str, _: &[usize]| name == "pseudo.rows";
    let Some((pseudo, size)) = matrix(&best, is_pseudo)? else {
        return Ok(Vec::new());
    };
    let classes = match method.labels {
        LabelKind::Pseudo => spec.task.labels.len(),
        LabelKind::Words => 0,
    };
    let count = pseudo.len() / size.max(1);
    let Some(template) = count.checked_sub(classes) else {
        return Ok(Vec::new());
    };
    let tokenizer = Tokenizer::load(spec.model)?;
    let tokens = template_tokens(&spec.task.template, &tokenizer)?;
    let mut rows: Vec<LearnedRow> = Vec::new();
    for (i, values) in pseudo.chunks_exact(size).enumerate() {
        let (kind, name) = match i.checked_sub(template) {
            Some(class) => (RowKind::Label, spec.task.labels[class].clone()),
            None if tokens.len() == template => (RowKind::Template, tokens[i].clone()),
            None => (RowKind::Template, format!("{i}")),
        };
        rows.push(LearnedRow {
            kind,
            name,
            values: values.to_vec(),
            near: Vec::new(),
        });
    }
    add_words(&mut rows, spec.model, size, &tokenizer, near)?;
    Ok(rows)
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

/// Finds each row's nearest words, and appends those words once each.
fn add_words(
    rows: &mut Vec<LearnedRow>,
    model: &Path,
    size: usize,
    tokenizer: &Tokenizer,
    near: usize,
) -> Result<()> {
    let path = model.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|e| CoreError::io(&path, e))?;
    let config: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| CoreError::model(&path, e.to_string()))?;
    let vocab = config["vocab_size"].as_u64().unwrap_or(0) as usize;
    let mut vocabulary = None;
    for file in weight_files(model)? {
        // There may be as many positions as words.
        let fits =
            |name: &str, shape: &[usize]| shape == [vocab, size] && !name.contains("position");
        vocabulary = vocabulary.or(matrix(&file, fits)?);
    }
    let Some((vocabulary, _)) = vocabulary else {
        return Ok(());
    };
    let words: Vec<(usize, &[f32], f64)> = vocabulary
        .chunks_exact(size)
        .take(tokenizer.len())
        .enumerate()
        .filter(|(id, _)| !tokenizer.is_special(*id as i64))
        .map(|(id, row)| (id, row, norm(row)))
        .collect();
    let mut shown: Vec<usize> = Vec::new();
    for row in rows.iter_mut() {
        let length = norm(&row.values);
        let mut close: Vec<(f64, usize)> = words
            .iter()
            .map(|(id, word, norm)| (dot(&row.values, word) / (norm * length).max(1e-30), *id))
            .collect();
        close.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        close.truncate(near);
        for (_, id) in close {
            row.near.push(tokenizer.token(id as i64));
            if !shown.contains(&id) {
                shown.push(id);
            }
        }
    }
    rows.extend(shown.into_iter().map(|id| LearnedRow {
        kind: RowKind::Word,
        name: tokenizer.token(id as i64),
        values: vocabulary[id * size..(id + 1) * size].to_vec(),
        near: Vec::new(),
    }));
    Ok(())
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum()
}

fn norm(row: &[f32]) -> f64 {
    dot(row, row).sqrt()
}

/// The files of a model folder's weights: `model.safetensors`, or all shards.
fn weight_files(model: &Path) -> Result<Vec<PathBuf>> {
    let whole = model.join("model.safetensors");
    if whole.is_file() {
        return Ok(vec![whole]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(model).map_err(|e| CoreError::io(model, e))? {
        let path = entry.map_err(|e| CoreError::io(model, e))?.path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The first matrix of a file that `wanted` says yes to, row by row, and its number of columns.
fn matrix(
    path: &Path,
    wanted: impl Fn(&str, &[usize]) -> bool,
) -> Result<Option<(Vec<f32>, usize)>> {
    let bytes = std::fs::read(path).map_err(|e| CoreError::io(path, e))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| CoreError::model(path, format!("not a complete safetensors file ({e})")))?;
    let mut tensors: Vec<(String, TensorView)> = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let found = tensors
        .iter()
        .find(|(name, view)| view.shape().len() == 2 && wanted(name, view.shape()));
    let Some((name, view)) = found else {
        return Ok(None);
    };
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        Dtype::F64 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b) as f32)
            .collect(),
        Dtype::F16 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| f16::from_le_bytes(*b).to_f32())
            .collect(),
        Dtype::BF16 => data
            .as_chunks()
            .0
            .iter()
            .map(|b| bf16::from_le_bytes(*b).to_f32())
            .collect(),
        other => {
            let message = format!("tensor `{name}`: dtype {other:?} is not supported");
            return Err(CoreError::model(path, message));
        }
    };
    Ok(Some((values, view.shape()[1])))
}
