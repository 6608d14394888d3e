//! Asks a masked language model for the missing word:
//! `cargo run -p dart-core --example fill_mask -- models/minilm-mlm "It was a [MASK] movie."`

use std::path::Path;

use dart_core::Result;
use dart_core::fill_mask::{Candidate, fill_mask};
use dart_core::lm::LanguageModel;
use dart_core::tokenizer::Tokenizer;

/// The five likeliest tokens for the `[MASK]` of a text, best first.
pub fn likeliest(model: &Path, text: &str) -> Result<Vec<Candidate>> {
    let tokenizer = Tokenizer::load(model)?;
    let model = LanguageModel::load(model)?;
    let filled = fill_mask(&model, &tokenizer, &[text.to_owned()], 5)?;
    Ok(filled.into_iter().flat_map(|filled| filled.top).collect())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, model, text] = args.as_slice() else {
        eprintln!("usage: fill_mask MODEL TEXT");
        std::process::exit(2);
    };
    for candidate in likeliest(Path::new(model), text)? {
        println!(
            "{:5.1} % {}",
            100.0 * candidate.probability,
            candidate.token
        );
    }
    Ok(())
}
