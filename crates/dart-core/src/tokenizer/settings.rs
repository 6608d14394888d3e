//! What `tokenizer_config.json` says about the pipeline.

use serde::Deserialize;
use tokenizers::Tokenizer as Inner;
use tokenizers::normalizers::{BertNormalizer, NormalizerWrapper};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;

use super::class::Class;

/// The keys of `tokenizer_config.json` that the pipelines depend on.
#[derive(Default, Deserialize)]
pub(super) struct Settings {
    pub tokenizer_class: Option<String>,
    pub do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    pub keep_accents: Option<bool>,
    pub split_by_punct: Option<bool>,
    pub add_prefix_space: Option<bool>,
}

impl Settings {
    /// What is set here wins over the pipeline's own settings, as in transformers; with BERT's
    /// classes and MPNet's their defaults do too. `complete`: whether `inner` was read from a
    /// tokenizer.json; `as_it_is`: whether that is to stay as it stands there.
    pub fn apply(
        &self,
        inner: &mut Inner,
        class: Class,
        complete: bool,
        as_it_is: bool,
    ) -> tokenizers::Result<()> {
        if matches!(class, Class::Bert | Class::Mpnet)
            && !as_it_is
            && let Some(NormalizerWrapper::BertNormalizer(found)) = inner.get_normalizer()
        {
            let chinese = match class == Class::Mpnet && complete {
                true => found.handle_chinese_chars, // the one setting that its fast class forgets
                false => self.tokenize_chinese_chars.unwrap_or(true),
            };
            let changed = BertNormalizer::new(
                found.clean_text,
                chinese,
                self.strip_accents,
                self.do_lower_case.unwrap_or(true),
            );
            inner.with_normalizer(Some(changed))?;
        }
        if matches!(class, Class::Roberta | Class::Gpt2 | Class::Deberta)
            && let Some(PreTokenizerWrapper::ByteLevel(found)) = inner.get_pre_tokenizer()
        {
            let changed = found.add_prefix_space(self.add_prefix_space.unwrap_or(false));
            inner.with_pre_tokenizer(Some(changed));
        }
        // Sentence encoders' files ask for both; inputs are cut and padded elsewhere.
        inner.with_padding(None);
        inner.with_truncation(None)?;
        Ok(())
    }
}
