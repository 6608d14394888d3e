//! Tokenizers made of others: with added tokens, for checkpoints whose vocabulary has grown, and for
//! lower-cased texts.

use serde_json::{Map, Value, json};
use tokenizers::decoders::wordpiece::WordPiece;
use tokenizers::models::ModelWrapper;
use tokenizers::normalizers::{Lowercase, NormalizerWrapper, Sequence};
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, DecoderWrapper, PostProcessorWrapper};

use super::model::Tokenizer;
use crate::error::{CoreError, Result};

impl Tokenizer {
    /// The same with `tokens` added: their ids follow on [`Tokenizer::len`], and a text that spells
    /// one out gives its id.
    ///
    /// # Errors
    /// A token that is there already, or a vocabulary whose ids have holes.
    pub fn with_added(&self, tokens: &[String]) -> Result<Tokenizer> {
        let fail =
            |why: String| CoreError::Unsupported(format!("the tokenizer cannot grow: {why}"));
        let mut inner = self.inner.clone();
        let first = self.len();
        let added = tokens
            .iter()
            .map(|token| AddedToken::from(token.as_str(), false).normalized(false));
        inner.add_tokens(added).map_err(|e| fail(e.to_string()))?;
        for (i, token) in tokens.iter().enumerate() {
            let (got, wanted) = (inner.token_to_id(token), first + i);
            if got.map(|id| id as usize) != Some(wanted) {
                let got = got.map_or("none".to_string(), |id| id.to_string());
                return Err(fail(format!(
                    "`{token}` gets the id {got}, wanted {wanted}"
                )));
            }
        }
        Ok(Tokenizer {
            size: first + tokens.len(),
            inner,
            special: self.special,
            special_ids: self.special_ids.clone(),
            mask: self.mask.clone(),
            frame: self.frame.clone(),
        })
    }

    /// The same for texts that are lower-cased first, but for tokens that are written out in them.
    ///
    /// # Errors
    /// The tokenizers library's.
    pub fn lower_cased(mut self) -> Result<Tokenizer> {
        let mut steps = vec![NormalizerWrapper::from(Lowercase)];
        steps.extend(self.inner.get_normalizer().cloned());
        self.inner
            .with_normalizer(Some(Sequence::new(steps)))
            .map_err(|e| CoreError::Encoding(e.to_string()))?;
        Ok(self)
    }

    /// The id of a token, where there is one.
    pub fn id(&self, token: &str) -> Option<i64> {
        self.inner.token_to_id(token).map(i64::from)
    }

    /// `tokenizer.json`, from which transformers gets this tokenizer with its special tokens round
    /// each text.
    ///
    /// # Errors
    /// The tokenizers library's.
    pub fn to_json(&self) -> Result<String> {
        let mut inner = self.inner.clone();
        // A bare vocab.txt says neither; transformers' own conversion adds both.
        if matches!(inner.get_model(), ModelWrapper::WordPiece(_)) {
            if inner.get_post_processor().is_none() {
                let named = |id: i64| (self.token(id), id as u32);
                let frame = BertProcessing::new(named(self.special.sep), named(self.special.cls));
                inner.with_post_processor(Some(PostProcessorWrapper::Bert(frame)));
            }
            if inner.get_decoder().is_none() {
                inner.with_decoder(Some(DecoderWrapper::WordPiece(WordPiece::default())));
            }
        }
        inner
            .to_string(true)
            .map_err(|e| CoreError::Encoding(format!("tokenizer.json: {e}")))
    }

    /// Puts into a `tokenizer_config.json` what transformers would otherwise take from its class's
    /// defaults against what tokenizer.json says, and the tokens from id `first` on where the file
    /// lists added tokens.
    pub fn describe(&self, config: &mut Map<String, Value>, first: usize) {
        if let Some(NormalizerWrapper::BertNormalizer(normalizer)) = self.inner.get_normalizer() {
            config.insert("do_lower_case".into(), json!(normalizer.lowercase));
            config.insert("strip_accents".into(), json!(normalizer.strip_accents));
            let chinese = json!(normalizer.handle_chinese_chars);
            config.insert("tokenize_chinese_chars".into(), chinese);
        }
        if let Some(Value::Object(listed)) = config.get_mut("added_tokens_decoder") {
            for id in first..self.len() {
                let token = json!({
                    "content": self.token(id as i64), "lstrip": false, "normalized": false,
                    "rstrip": false, "single_word": false, "special": false,
                });
                listed.insert(id.to_string(), token);
            }
        }
    }
}
