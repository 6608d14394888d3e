//! Text to token ids, equal to Hugging Face's tokenizers on the same files.

mod extend;

use std::path::Path;

use serde::Deserialize;
use tokenizers::models::ModelWrapper;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{BertNormalizer, NormalizerWrapper};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{AddedToken, Tokenizer as Inner};

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
    inner: Inner,
    special: Special,
    size: usize,
}

const CLS: &str = "[CLS]";
const SEP: &str = "[SEP]";
const MASK: &str = "[MASK]";
const PAD: &str = "[PAD]";
const UNKNOWN: &str = "[UNK]";

/// The keys of `tokenizer_config.json` that WordPiece depends on.
#[derive(Default, Deserialize)]
struct Settings {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder: WordPiece from `tokenizer.json`, or else from
    /// `vocab.txt`, with the settings of `tokenizer_config.json` where there is one.
    ///
    /// # Errors
    /// No tokenizer that is supported, or a vocabulary without the special tokens.
    pub fn load(dir: &Path) -> Result<Self> {
        let settings_path = dir.join("tokenizer_config.json");
        let settings: Settings = match std::fs::read_to_string(&settings_path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|e| CoreError::model(&settings_path, e.to_string()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Settings::default(),
            Err(e) => return Err(CoreError::io(settings_path, e)),
        };
        let (complete, vocabulary) = (dir.join("tokenizer.json"), dir.join("vocab.txt"));
        let (path, mut inner) = if complete.is_file() {
            let inner = Inner::from_file(&complete);
            (complete, inner)
        } else if vocabulary.is_file() {
            let inner = from_vocabulary(&vocabulary);
            (vocabulary, inner)
        } else {
            let message = "no tokenizer.json and no vocab.txt; WordPiece models (BERT and its \
                           relatives) are supported";
            return Err(CoreError::model(dir, message));
        };
        let fail = |why: String| CoreError::model(&path, why);
        let inner = inner.as_mut().map_err(|e| fail(e.to_string()))?;
        if !matches!(inner.get_model(), ModelWrapper::WordPiece(_)) {
            let why = "not WordPiece; only the tokenizers of BERT and its relatives are supported";
            return Err(fail(why.into()));
        }
        if let Some(NormalizerWrapper::BertNormalizer(found)) = inner.get_normalizer() {
            let changed = settings.apply(found);
            inner
                .with_normalizer(Some(changed))
                .map_err(|e| fail(e.to_string()))?;
        }
        // Sentence encoders' files ask for both; inputs are cut and padded elsewhere.
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|e| fail(e.to_string()))?;
        let find = |token: &str| match inner.token_to_id(token) {
            Some(id) => Ok(i64::from(id)),
            None => Err(fail(format!("no `{token}` in it"))),
        };
        let special = Special {
            cls: find(CLS)?,
            sep: find(SEP)?,
            mask: find(MASK)?,
            pad: find(PAD)?,
            unknown: find(UNKNOWN)?,
        };
        Ok(Tokenizer {
            size: inner.get_vocab_size(true),
            inner: inner.clone(),
            special,
        })
    }

    /// Ids of the special tokens.
    pub fn special(&self) -> Special {
        self.special
    }

    /// The mask token as it is written in a text.
    pub fn mask_token(&self) -> &str {
        MASK
    }

    /// Ids of `text` without `[CLS]` and `[SEP]`; special tokens written in the text count as such.
    pub fn encode(&self, text: &str) -> Vec<i64> {
        match self.inner.encode_fast(text, false) {
            Ok(encoding) => encoding.get_ids().iter().map(|&id| id.into()).collect(),
            // WordPiece fails only where it has no unknown token, and it has one.
            Err(_) => vec![self.special.unknown],
        }
    }

    /// The token of `id`; the unknown token where there is none.
    pub fn token(&self, id: i64) -> String {
        let token = u32::try_from(id)
            .ok()
            .and_then(|id| self.inner.id_to_token(id));
        token.unwrap_or_else(|| UNKNOWN.into())
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.size
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

impl Settings {
    /// What is set here wins, as in transformers.
    fn apply(&self, found: &BertNormalizer) -> BertNormalizer {
        BertNormalizer::new(
            found.clean_text,
            self.tokenize_chinese_chars
                .unwrap_or(found.handle_chinese_chars),
            self.strip_accents.or(found.strip_accents),
            self.do_lower_case.unwrap_or(found.lowercase),
        )
    }
}

/// The tokenizer that a `vocab.txt` stands for.
fn from_vocabulary(path: &Path) -> tokenizers::Result<Inner> {
    let model = WordPiece::from_file(&path.to_string_lossy()).build()?;
    let mut inner = Inner::new(model);
    inner.with_normalizer(Some(BertNormalizer::default()))?;
    inner.with_pre_tokenizer(Some(BertPreTokenizer));
    // One that is not in the file would get an id behind the model's vocabulary.
    let special: Vec<AddedToken> = [PAD, UNKNOWN, CLS, SEP, MASK]
        .into_iter()
        .filter(|token| inner.token_to_id(token).is_some())
        .map(|token| AddedToken::from(token, true))
        .collect();
    inner.add_special_tokens(special)?;
    Ok(inner)
}
