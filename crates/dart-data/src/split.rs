//! One set of a run: train, dev or test.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::example::Example;
use crate::format::text::is_missing;
use crate::text_key::text_key;

/// Equal texts hash alike in all splits.
type SameHasher = BuildHasherDefault<DefaultHasher>;

/// Examples, with what identifies them.
#[derive(Clone)]
pub(crate) struct Split {
    pub(crate) examples: Arc<Vec<Example>>,
    /// Rows with an empty text, or one that pandas reads as missing.
    pub(crate) empty: usize,
    /// Hashes of the texts.
    pub(crate) texts: HashSet<u64, SameHasher>,
    /// SHA-256 over labels, texts and entities.
    pub(crate) digest: Vec<u8>,
}

impl Split {
    pub(crate) fn new(examples: Vec<Example>) -> Self {
        let (mut hasher, mut bytes) = (Sha256::new(), Vec::with_capacity(1 << 14));
        let (mut key, mut empty) = (Vec::new(), 0);
        let mut texts = HashSet::with_capacity_and_hasher(examples.len(), SameHasher::default());
        let blank = |text: &str| text.trim().is_empty() || is_missing(text);
        for example in &examples {
            let (a, b) = (example.text_a.as_str(), example.text_b.as_deref());
            let mut text = |text: &str| {
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(text.as_bytes());
            };
            text(&example.label.to_string());
            text(a);
            text(b.unwrap_or("\0"));
            if let Some(entities) = &example.entities {
                text(&format!("{entities:?}"));
            }
            // Many small updates are slow.
            if bytes.len() > 1 << 13 {
                hasher.update(&bytes);
                bytes.clear();
            }
            text_key(a, b, &mut key);
            let hash = texts.hasher().hash_one(&key);
            texts.insert(hash);
            empty += usize::from(blank(a) || b.is_some_and(blank));
        }
        hasher.update(&bytes);
        Split {
            empty,
            examples: Arc::new(examples),
            texts,
            digest: hasher.finalize().to_vec(),
        }
    }
}
