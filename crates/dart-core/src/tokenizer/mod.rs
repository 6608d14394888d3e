//! Text to token ids, equal to Hugging Face's tokenizers on the same files.

mod class;
mod extend;
mod frame;
mod sentencepiece;
mod special;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer as Inner;
use tokenizers::decoders::wordpiece::WordPiece as Pieces;
use tokenizers::models::ModelWrapper;
use tokenizers::models::bpe::BPE;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{BertNormalizer, NormalizerWrapper};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::error::{CoreError, Result};
use class::Class;
pub use frame::{Frame, Special};
use special::{Tokens, read_object};

/// A model's tokenizer.
pub struct Tokenizer {
    inner: Inner,
    special: Special,
    special_ids: Vec<i64>,
    mask: Option<String>,
    frame: Frame,
    size: usize,
}

/// The files that a tokenizer can consist of, in Hugging Face's layout.
pub const FILES: [&str; 10] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "spm.model",
];

/// Files of which a tokenizer needs one: the whole, or a vocabulary.
pub const VOCABULARIES: [&str; 6] = [
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "spm.model",
];

/// Files beside them that a tokenizer reads where they are there.
pub const SETTINGS: [&str; 4] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
];

/// The keys of `tokenizer_config.json` that the pipelines depend on.
#[derive(Default, Deserialize)]
struct Settings {
    tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    keep_accents: Option<bool>,
    split_by_punct: Option<bool>,
    add_prefix_space: Option<bool>,
}

impl Tokenizer {
    /// Loads the tokenizer of a model folder: `tokenizer.json` as it is, or else the vocabulary
    /// files of BERT and its relatives (`vocab.txt`), RoBERTa, GPT-2 and DeBERTa (`vocab.json` and
    /// `merges.txt`), ALBERT, XLM-R, CamemBERT and DeBERTa-v2/v3 (sentencepiece models); with the
    /// settings and special tokens of the files beside them.
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
        if matches!(inner.get_model(), ModelWrapper::WordPiece(_)) {
            class = Class::Bert;
        }
        settings
            .apply(&mut inner, class, as_it_is)
            .map_err(|e| fail(e.to_string()))?;
        let tokens = Tokens::read(dir, &config)?;
        let roles = tokens.apply(&mut inner, class, complete).map_err(fail)?;
        if !complete {
            frame::install(&mut inner, &roles, class);
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

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `id` is one of the special tokens.
    pub fn is_special(&self, id: i64) -> bool {
        self.special_ids.binary_search(&id).is_ok()
    }
}

impl Settings {
    /// What is set here wins over the pipeline's own settings, as in transformers; with BERT's
    /// classes their defaults do too.
    fn apply(&self, inner: &mut Inner, class: Class, as_it_is: bool) -> tokenizers::Result<()> {
        if class == Class::Bert
            && !as_it_is
            && let Some(NormalizerWrapper::BertNormalizer(found)) = inner.get_normalizer()
        {
            let changed = BertNormalizer::new(
                found.clean_text,
                self.tokenize_chinese_chars.unwrap_or(true),
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

/// The tokenizer that a folder's vocabulary files stand for, and the first of these files.
fn from_vocabulary(
    dir: &Path,
    class: Class,
    settings: &Settings,
) -> Result<(PathBuf, tokenizers::Result<Inner>)> {
    let files: Vec<PathBuf> = class.files().iter().map(|name| dir.join(name)).collect();
    let Some(path) = files.first().filter(|_| files.iter().all(|f| f.is_file())) else {
        let wanted = match class.files() {
            [] => " and no vocab.txt or other vocabulary that can be read without it".into(),
            names => format!(" and no {}", names.join(" with ")),
        };
        let message = format!(
            "no tokenizer.json{wanted}; fetch the model's tokenizer files too, or let transformers \
             write a tokenizer.json (AutoTokenizer.from_pretrained(…).save_pretrained(…))"
        );
        return Err(CoreError::model(dir, message));
    };
    let inner = match files.as_slice() {
        [vocabulary, merges] => byte_pairs(vocabulary, merges),
        _ if class == Class::Bert => word_pieces(path),
        _ => sentencepiece::load(path, class, settings),
    };
    Ok((path.clone(), inner))
}

fn word_pieces(path: &Path) -> tokenizers::Result<Inner> {
    let model = WordPiece::from_file(&path.to_string_lossy()).build()?;
    let mut inner = Inner::new(model);
    inner.with_normalizer(Some(BertNormalizer::default()))?;
    inner.with_pre_tokenizer(Some(BertPreTokenizer));
    inner.with_decoder(Some(Pieces::default()));
    Ok(inner)
}

fn byte_pairs(vocabulary: &Path, merges: &Path) -> tokenizers::Result<Inner> {
    let [vocabulary, merges] = [vocabulary, merges].map(|p| p.to_string_lossy().into_owned());
    let model = BPE::from_file(&vocabulary, &merges).build()?;
    let mut inner = Inner::new(model);
    inner.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    inner.with_decoder(Some(ByteLevel::default()));
    Ok(inner)
}
