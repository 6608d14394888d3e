//! Text to token ids, equal to Hugging Face's tokenizers on the same files.

use std::path::Path;

use rust_tokenizers::tokenizer::{BertTokenizer, Tokenizer as _};
use rust_tokenizers::vocab::Vocab as _;
use serde::Deserialize;

use crate::error::{CoreError, Result};

/// Ids of the special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// Starts an input.
    pub cls: i64,
    /// Ends a segment.
    pub sep: i64,
    /// Stands for a word to predict.
    pub mask: i64,
    /// Fills a batch.
    pub pad: i64,
    /// Stands for what has no token.
    pub unknown: i64,
}

/// A model's tokenizer.
pub struct Tokenizer {
    inner: BertTokenizer,
    special: Special,
    mask_token: String,
}

#[derive(Default, Deserialize)]
struct RawSettings {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder: WordPiece from `vocab.txt`, with `do_lower_case` and
    /// `strip_accents` from `tokenizer_config.json` where there is one.
    ///
    /// # Errors
    /// No tokenizer that is supported, or a vocabulary without the special tokens.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("vocab.txt");
        if !path.is_file() {
            let message = "no vocab.txt; WordPiece models (BERT and its relatives) are supported";
            return Err(CoreError::model(dir, message));
        }
        let settings_path = dir.join("tokenizer_config.json");
        let settings: RawSettings = match std::fs::read_to_string(&settings_path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|e| CoreError::model(&settings_path, e.to_string()))?,
            Err(_) => RawSettings::default(),
        };
        let lower = settings.do_lower_case.unwrap_or(true);
        let strip = settings.strip_accents.unwrap_or(lower);
        let inner = BertTokenizer::from_file(&path, lower, strip)
            .map_err(|e| CoreError::model(&path, e.to_string()))?;
        let id = |token: &str| inner.vocab().values.get(token).copied();
        let find = |token: &str| {
            id(token).ok_or_else(|| CoreError::model(&path, format!("no `{token}` in it")))
        };
        let special = Special {
            cls: find("[CLS]")?,
            sep: find("[SEP]")?,
            mask: find("[MASK]")?,
            pad: find("[PAD]")?,
            unknown: find("[UNK]")?,
        };
        Ok(Tokenizer {
            inner,
            special,
            mask_token: "[MASK]".into(),
        })
    }

    /// Ids of the special tokens.
    pub fn special(&self) -> Special {
        self.special
    }

    /// The mask token as it is written in a text.
    pub fn mask_token(&self) -> &str {
        &self.mask_token
    }

    /// Ids of `text` without `[CLS]` and `[SEP]`; special tokens written in the text count as such.
    pub fn encode(&self, text: &str) -> Vec<i64> {
        let tokens = self.inner.tokenize(text);
        self.inner.convert_tokens_to_ids(&tokens)
    }

    /// The token of `id`; the unknown token where there is none.
    pub fn token(&self, id: i64) -> String {
        self.inner.vocab().id_to_token(&id)
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.inner.vocab().values.len()
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `id` is one of the special tokens.
    pub fn is_special(&self, id: i64) -> bool {
        let s = self.special;
        [s.cls, s.sep, s.mask, s.pad, s.unknown].contains(&id)
    }
}
