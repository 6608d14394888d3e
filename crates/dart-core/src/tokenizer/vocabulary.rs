//! Tokenizers from vocabulary files, where there is no `tokenizer.json`.

use std::path::{Path, PathBuf};

use tokenizers::Tokenizer as Inner;
use tokenizers::decoders::wordpiece::WordPiece as Pieces;
use tokenizers::models::bpe::BPE;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::class::Class;
use super::sentencepiece;
use super::settings::Settings;
use crate::error::{CoreError, Result};

/// The tokenizer that a folder's vocabulary files stand for, and the first of these files.
pub(super) fn from_vocabulary(
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
        _ if matches!(class, Class::Bert | Class::Mpnet) => word_pieces(path),
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
