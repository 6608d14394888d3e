//! The files round the weights in Hugging Face's layout: configuration and tokenizer, grown by the
//! pseudo tokens.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::card::{Card, Contents};
use super::folder::PartFolder;
use crate::classifier::Parts;
use crate::error::{CoreError, Result};
pub(super) use crate::tokenizer::FILES as TOKENIZER;
use crate::tokenizer::Tokenizer;

/// The weights of a language model.
pub(super) const WEIGHTS: &str = "model.safetensors";
/// The weights of a classification head.
pub(super) const HEAD: &str = "head.safetensors";
/// Pseudo rows without a language model.
pub(super) const PROMPT: &str = "prompt.safetensors";

/// Tokenizer files that added tokens change; the others are taken over as they are.
const GROWING: [&str; 3] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
];

/// Names for the pseudo tokens: the template's, then one a class; none that the tokenizer knows, as
/// it does where the language model is an exported one itself.
pub(super) fn pseudo_tokens(parts: &Parts, tokenizer: &Tokenizer) -> Vec<String> {
    let rows = parts.pseudo.size()[0];
    let mut prefix = String::from("dart");
    loop {
        let name = |row: i64| match row < parts.template_rows {
            true => format!("[{prefix}-template-{row}]"),
            false => format!("[{prefix}-label-{}]", row - parts.template_rows),
        };
        let names: Vec<String> = (0..rows).map(name).collect();
        if names.iter().all(|name| tokenizer.id(name).is_none()) {
            return names;
        }
        prefix.push('+');
    }
}

/// Names for the rows of the vocabulary that have no token.
fn gap(tokenizer: &Tokenizer, vocab: i64) -> Vec<String> {
    (tokenizer.len() as i64..vocab)
        .map(|id| format!("[dart-unused-{id}]"))
        .collect()
}

/// Writes config.json and the tokenizer's files; `tokens` are the pseudo tokens.
pub(super) fn write(
    base: &Path,
    tokenizer: &Tokenizer,
    parts: &Parts,
    tokens: &[String],
    folder: &PartFolder,
) -> Result<()> {
    let vocab = parts.lm.config.vocab;
    let mut config = object(&base.join("config.json"))?;
    config.insert("vocab_size".into(), json!(vocab + tokens.len() as i64));
    config.insert("torch_dtype".into(), json!("float32"));
    config.remove("_name_or_path");
    folder.write("config.json", &pretty(config)?)?;
    let same = |name: &&str| tokens.is_empty() || !GROWING.contains(name);
    for name in TOKENIZER.into_iter().filter(same) {
        copy(base, name, folder)?;
    }
    if tokens.is_empty() {
        return Ok(());
    }
    let mut added = gap(tokenizer, vocab);
    added.extend_from_slice(tokens);
    let grown = tokenizer.with_added(&added)?;
    folder.write("tokenizer.json", grown.to_json()?.as_bytes())?;
    let path = base.join("tokenizer_config.json");
    let mut settings = match path.is_file() {
        true => object(&path)?,
        false => Map::new(),
    };
    grown.describe(&mut settings, tokenizer.len());
    folder.write("tokenizer_config.json", &pretty(settings)?)?;
    let path = base.join("added_tokens.json");
    let mut listed = match path.is_file() {
        true => object(&path)?,
        false => Map::new(),
    };
    for (id, token) in (tokenizer.len()..).zip(added) {
        listed.insert(token, json!(id));
    }
    folder.write("added_tokens.json", &pretty(listed)?)
}

/// Copies the base's tokenizer, with the config.json that says which kind its files are of.
pub(super) fn write_tokenizer(base: &Path, folder: &PartFolder) -> Result<()> {
    let mut names = TOKENIZER.into_iter().chain(["config.json"]);
    names.try_for_each(|name| copy(base, name, folder))
}

/// What differs between the tokenizer of a run and that of its copy.
pub(super) fn compare(
    written: &Tokenizer,
    read: &Tokenizer,
    card: &Card,
) -> std::result::Result<(), String> {
    let known = written.len() as i64;
    if let Some(id) = (0..known).find(|&id| written.token(id) != read.token(id)) {
        return Err(format!("token {id} of the tokenizer"));
    }
    if card.contents == Contents::Model {
        for (id, token) in (card.vocab..).zip(&card.pseudo_tokens) {
            if read.id(token) != Some(id) || read.encode(token) != [id] {
                return Err(format!("the id of `{token}`"));
            }
        }
    }
    let texts = card.task.words.iter().chain([&card.task.template]);
    for text in texts {
        if written.encode(text) != read.encode(text) {
            return Err(format!("the ids of {text:?}"));
        }
    }
    Ok(())
}

fn copy(base: &Path, name: &str, folder: &PartFolder) -> Result<()> {
    let from = base.join(name);
    match std::fs::read(&from) {
        Ok(bytes) => folder.write(name, &bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(CoreError::io(from, e)),
    }
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    let text = std::fs::read_to_string(path).map_err(|e| CoreError::io(path, e))?;
    serde_json::from_str(&text)
        .map_err(|e| CoreError::model(path, format!("not a JSON object: {e}")))
}

fn pretty(object: Map<String, Value>) -> Result<Vec<u8>> {
    let text = serde_json::to_string_pretty(&Value::Object(object))
        .map_err(|e| CoreError::Encoding(e.to_string()))?;
    Ok((text + "\n").into_bytes())
}
