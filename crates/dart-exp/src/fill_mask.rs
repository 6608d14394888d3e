//! `dart-exp fill-mask`: what a model puts in place of `[MASK]`.

use anyhow::{Context, Result};
use clap::Args;
use dart_core::fill_mask::{Filled, fill_mask};
use dart_core::lm::LanguageModel;
use dart_core::tokenizer::Tokenizer;
use serde_json::json;

use crate::places;

/// How `fill-mask` is called.
#[derive(Clone, Debug, Args)]
pub struct FillMaskArgs {
    /// Language model: a name under models/, or a folder
    #[arg(long, value_name = "NAME|DIR", default_value = "minilm-mlm")]
    model: String,
    /// Candidates for each [MASK]
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Texts; [MASK] stands for the model's own mask token; a causal model continues the texts
    #[arg(required = true)]
    texts: Vec<String>,
}

/// Prints the candidates for every [MASK], for people or as JSON.
///
/// # Errors
/// A model that does not load, or a text that cannot be filled.
pub fn run(args: &FillMaskArgs) -> Result<()> {
    let here = std::env::current_dir().context("the working folder")?;
    let folder = places::model_folder(&args.model, &places::root()?, &here);
    let tokenizer = Tokenizer::load(&folder)?;
    let model = LanguageModel::load(&folder)?;
    for filled in fill_mask(&model, &tokenizer, &args.texts, args.top as usize)? {
        if args.json {
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
