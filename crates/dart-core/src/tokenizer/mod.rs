//! Text to token ids, equal to Hugging Face's tokenizers on the same files.

mod class;
mod extend;
mod files;
mod frame;
mod model;
mod sentencepiece;
mod settings;
mod special;
mod vocabulary;

pub use files::{FILES, SETTINGS, VOCABULARIES};
pub use frame::{Frame, Special};
pub use model::Tokenizer;
