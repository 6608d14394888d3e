//! Verbalizers: which token rows stand for the classes.

use crate::error::{CoreError, Result};
use crate::method::LabelPieces;
use crate::tokenizer::Tokenizer;

/// A label word's tokens for each class, in the order of the classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verbalizer {
    /// Token ids a class; several where the tokenizer cuts the word.
    pub pieces: Vec<Vec<i64>>,
}

impl Verbalizer {
    /// Looks up one label word a class, as it stands inside a sentence (` great`).
    ///
    /// # Errors
    /// An empty or unknown word, or two classes with the same pieces.
    pub fn new(words: &[String], rule: LabelPieces, tokenizer: &Tokenizer) -> Result<Self> {
        let mut pieces: Vec<Vec<i64>> = Vec::with_capacity(words.len());
        for word in words {
            // Words that begin with punctuation join what is before them, as in LM-BFF.
            let mut ids = match word.starts_with(['<', '[', '.', ',']) {
                true => tokenizer.encode(word),
                false => tokenizer.encode_inside(word),
            };
            if ids.is_empty() || ids.contains(&tokenizer.special().unknown) {
                return Err(CoreError::Setting(format!(
                    "the label word `{word}` has no token in the model's vocabulary; choose another"
                )));
            }
            if rule == LabelPieces::First {
                ids.truncate(1);
            }
            if let Some(other) = pieces.iter().position(|p| *p == ids) {
                return Err(CoreError::Setting(format!(
                    "the label words `{}` and `{word}` are the same tokens; choose others",
                    words[other]
                )));
            }
            pieces.push(ids);
        }
        Ok(Verbalizer { pieces })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.pieces.len()
    }
}
