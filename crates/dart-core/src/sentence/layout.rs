//! What a folder says of a sentence encoder beside its transformer, as sentence-transformers lays it
//! out (Reimers and Gurevych, 2019): what follows the transformer, what stands before a text and how
//! long one may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dart_data::digest::hex;
use sha2::{Digest, Sha256};

use super::modules::{Behind, Reader};
use super::pooling::Pooling;
use crate::error::Result;
use crate::files::sha256;
use crate::prompt::InputEncoder;
use crate::tokenizer::Tokenizer;

/// What a folder says of a sentence encoder beside its transformer.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) pooling: Pooling,
    pub(super) behind: Vec<Behind>,
    /// Stands before every text; may be empty.
    pub(super) prompt: String,
    max_length: Option<usize>,
    lower_case: bool,
    /// The files that say so.
    files: Vec<PathBuf>,
}

impl Default for Layout {
    /// The mean over the unpadded tokens, of length 1.
    fn default() -> Self {
        Layout {
            pooling: Pooling::default(),
            behind: vec![Behind::Normalize],
            prompt: String::new(),
            max_length: None,
            lower_case: false,
            files: Vec::new(),
        }
    }
}

impl Layout {
    /// Reads the layout in `dir`; without a `modules.json`, the mean over the unpadded tokens, of
    /// length 1. `prompt` names what stands before every text; `None`: the folder's default.
    ///
    /// # Errors
    /// A module, a pooling or a setting that is not supported, by its name; a prompt that the folder
    /// does not have; a file that is missing or not what it should be.
    pub fn read(dir: &Path, prompt: Option<&str>) -> Result<Self> {
        let mut reader = Reader::new(dir);
        let Some((pooling, behind)) = reader.modules()? else {
            return match prompt {
                None => Ok(Layout::default()),
                Some(name) => Err(reader.no_prompt(name, &BTreeMap::new())),
            };
        };
        let (max_length, lower_case) = reader.transformer()?;
        Ok(Layout {
            pooling,
            behind,
            prompt: reader.prompt(prompt)?,
            max_length,
            lower_case,
            files: reader.files,
        })
    }

    /// The longest text in tokens, where the folder says it.
    pub fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// Whether all embeddings have length 1.
    pub fn is_normalized(&self) -> bool {
        matches!(self.behind.last(), Some(Behind::Normalize))
    }

    /// The model's tokenizer as the encoder uses it.
    ///
    /// # Errors
    /// The tokenizers library's.
    pub fn tokenizer(&self, tokenizer: Tokenizer) -> Result<Tokenizer> {
        match self.lower_case {
            true => tokenizer.lower_cased(),
            false => Ok(tokenizer),
        }
    }

    /// What encodes its texts, of at most `longest` tokens.
    pub fn inputs(&self, longest: usize) -> InputEncoder {
        let longest = self.max_length.map_or(longest, |most| most.min(longest));
        InputEncoder::head(longest).opening(&self.prompt)
    }

    /// A hash of the files that it was read from; empty where there is no `modules.json`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        if self.files.is_empty() {
            return Ok(String::new());
        }
        let mut all = Sha256::new();
        for path in &self.files {
            all.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            all.update(sha256(path)?);
        }
        Ok(hex(&all.finalize()))
    }
}
