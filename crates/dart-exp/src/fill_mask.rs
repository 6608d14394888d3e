//! `dart-exp fill-mask`: what a model puts in place of `[MASK]`.

use std::path::Path;

use anyhow::Result;
use dart_core::fill_mask::{Filled, fill_mask};
use dart_core::lm::LanguageModel;
use dart_core::tokenizer::Tokenizer;
use serde_json::json;

/// Prints the candidates of every text, for people or as one JSON object a line.
///
/// # Errors
/// A model that does not load, or a text that cannot be filled.
pub fn run(model: &Path, texts: &[String], top: usize, as_json: bool) -> Result<()> {
    let tokenizer = Tokenizer::load(model)?;
    let model = LanguageModel::load(model)?;
    for filled in fill_mask(&model, &tokenizer, texts, top)? {
        if as_json {
            println!("{}", object(&filled));
        } else {
            println!("{}", filled.text);
            for candidate in &filled.top {
                println!("  {:<16} {:.4}", candidate.token, candidate.probability);
            }
        }
    }
    Ok(())
}

fn object(filled: &Filled) -> serde_json::Value {
    let top: Vec<_> = filled
        .top
        .iter()
        .map(|c| json!({"id": c.id, "token": c.token, "probability": c.probability}))
        .collect();
    json!({"text": filled.text, "ids": filled.ids, "position": filled.position, "top": top})
}
