//! The files of a tokenizer.

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
