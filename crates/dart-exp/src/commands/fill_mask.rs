//! `dart-exp fill-mask`: what a model puts in place of `[MASK]`.

use anyhow::Result;
use clap::Args;
use dart_core::fill_mask::{Filled, fill_mask};
use dart_core::lm::LanguageModel;
use dart_core::tokenizer::Tokenizer;
use serde_json::json;

use crate::model::lookup::Model;
use crate::terminal::print::print;

/// How `fill-mask` is called.
#[derive(Clone, Debug, Args)]
pub struct FillMaskArgs {
    /// Language model: a name under models/ or of the Hugging Face hub, or a folder
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
    let folder = Model::named(&args.model)?;
    let tokenizer = Tokenizer::load(&folder)?;
    let model = LanguageModel::load(&folder)?;
    let mut text = String::new();
    for filled in fill_mask(&model, &tokenizer, &args.texts, args.top as usize)? {
        if args.json {
            text += &format!("{}\n", object(&filled));
            continue;
        }
        text += &format!("{}\n", filled.text);
        for candidate in &filled.top {
            text += &format!("  {:<16} {:.4}\n", candidate.token, candidate.probability);
        }
    }
    print(&text)
}

fn object(filled: &Filled) -> serde_json::Value {
    let top: Vec<_> = filled
        .top
        .iter()
        .map(|c| json!({"id": c.id, "token": c.token, "probability": c.probability}))
        .collect();
    json!({"text": filled.text, "ids": filled.ids, "position": filled.position, "top": top})
}
