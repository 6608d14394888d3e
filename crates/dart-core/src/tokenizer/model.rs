//! A model's tokenizer.

use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer as Inner;
use tokenizers::models::ModelWrapper;

use super::class::Class;
use super::frame::{self, Frame, Special};
use super::settings::Settings;
use super::special::{Tokens, read_object};
use super::vocabulary::from_vocabulary;
use crate::error::{CoreError, Result};

/// A model's tokenizer.
pub struct Tokenizer {
    pub(super) inner: Inner,
    pub(super) special: Special,
    pub(super) special_ids: Vec<i64>,
    pub(super) mask: Option<String>,
    pub(super) frame: Frame,
    pub(super) size: usize,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder: `tokenizer.json` as it is, or else the vocabulary
    /// files of BERT, its relatives and MPNet (`vocab.txt`), RoBERTa, GPT-2 and DeBERTa (`vocab.json` and
    /// `merges.txt`), ALBERT, XLM-R, CamemBERT and DeBERTa-v2/v3 (sentencepiece models); with the
    /// settings and special tokens of the files beside them.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use dart_core::tokenizer::Tokenizer;
    ///
    /// let tokenizer = Tokenizer::load(Path::new("../../models/minilm-mlm"))?;
    /// assert_eq!((tokenizer.len(), tokenizer.mask_token()), (30522, Some("[MASK]")));
    /// # Ok::<(), dart_core::CoreError>(())
    /// ```
    ///
    /// # Errors
    /// No tokenizer that is supported, a file that is not what it should be, or a vocabulary
    /// without the special tokens.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("tokenizer_config.json");
        let config = read_object(&path)?.unwrap_or_default();
        let settings: Settings = serde_json::from_value(Value::Object(config.clone()))
            .map_err(|e| CoreError::model(&path, e.to_string()))?;
        let model = read_object(&dir.join("config.json"))?.unwrap_or_default();
        let model_type = model.get("model_type").and_then(Value::as_str);
        let mut class = Class::find(dir, settings.tokenizer_class.as_deref(), model_type);
        let complete = dir.join("tokenizer.json").is_file();
        let (path, inner) = if complete {
            let path = dir.join("tokenizer.json");
            let inner = Inner::from_file(&path);
            (path, inner)
        } else {
            from_vocabulary(dir, class, &settings)?
        };
        let fail = |why: String| CoreError::model(&path, why);
        let mut inner = inner.map_err(|e| fail(e.to_string()))?;
        // A class that is none of a model's own takes tokenizer.json as it is.
        let as_it_is = class == Class::Other && settings.tokenizer_class.is_some();
        if matches!(inner.get_model(), ModelWrapper::WordPiece(_)) && class != Class::Mpnet {
            class = Class::Bert;
        }
        settings
            .apply(&mut inner, class, complete, as_it_is)
            .map_err(|e| fail(e.to_string()))?;
        let tokens = Tokens::read(dir, &config)?;
        let roles = tokens.apply(&mut inner, class, complete).map_err(fail)?;
        if !complete {
            frame::install(&mut inner, &roles, class).map_err(|e| fail(e.to_string()))?;
        }
        let special = Special::find(&inner, &roles).map_err(fail)?;
        let frame = Frame::find(&inner, &roles).map_err(fail)?;
        let ids = roles.values().filter_map(|token| inner.token_to_id(token));
        let mut special_ids: Vec<i64> = ids.map(i64::from).collect();
        special_ids.sort_unstable();
        special_ids.dedup();
        Ok(Tokenizer {
            size: inner.get_vocab_size(true),
            mask: roles.get("mask_token").cloned(),
            inner,
            special,
            special_ids,
            frame,
        })
    }

    /// Ids of the special tokens.
    pub fn special(&self) -> Special {
        self.special
    }

    /// What the model expects around a text or two.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The mask token as it is written in a text; causal models have none.
    pub fn mask_token(&self) -> Option<&str> {
        self.mask.as_deref()
    }

    /// Ids of `text` without what stands around it; special tokens written in the text count as
    /// such.
    ///
    /// ```
    /// # use std::path::Path;
    /// # use dart_core::tokenizer::Tokenizer;
    /// let tokenizer = Tokenizer::load(Path::new("../../models/minilm-mlm"))?;
    /// let ids = tokenizer.encode("It was [MASK].");
    /// let tokens: Vec<String> = ids.iter().map(|id| tokenizer.token(*id)).collect();
    /// assert_eq!(tokens, ["it", "was", "[MASK]", "."]);
    /// # Ok::<(), dart_core::CoreError>(())
    /// ```
    pub fn encode(&self, text: &str) -> Vec<i64> {
        match self.inner.encode_fast(text, false) {
            Ok(encoding) => encoding.get_ids().iter().map(|&id| id.into()).collect(),
            // Models fail only where they have no unknown token, and those that need one have it.
            Err(_) => vec![self.special.unknown],
        }
    }

    /// Ids of `text` as it stands after a space, inside an input: vocabularies of byte pairs tell
    /// ` great` from `great`. To others it is all the same.
    pub fn encode_inside(&self, text: &str) -> Vec<i64> {
        if text.is_empty() || text.starts_with(char::is_whitespace) {
            return self.encode(text);
        }
        self.encode(&format!(" {text}"))
    }

    /// The token of `id`; the unknown token where there is none.
    pub fn token(&self, id: i64) -> String {
        let find = |id: i64| {
            let id = u32::try_from(id).ok()?;
            self.inner.id_to_token(id)
        };
        find(id)
            .or_else(|| find(self.special.unknown))
            .unwrap_or_default()
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.size
    }

    /// Number of tokens of the vocabulary itself, without those that were added to it.
    pub fn vocabulary_len(&self) -> usize {
        self.inner.get_vocab_size(false)
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `id` is one of the special tokens.
    pub fn is_special(&self, id: i64) -> bool {
        self.special_ids.binary_search(&id).is_ok()
    }
}
