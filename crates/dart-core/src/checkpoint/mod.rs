//! Checkpoints: a trained classifier as a folder that stands by itself.
//!
//! A whole model is a masked language model in Hugging Face's layout whose vocabulary has grown by
//! the pseudo tokens, so that transformers' `AutoModelForMaskedLM` loads it and gives our logits; a
//! prompt alone is its pseudo rows and the tokenizer. `dart.json` says which classifier it is.

mod card;
mod folder;
mod layout;
mod load;
mod save;

pub use card::{Base, CARD, Card, CardTask, Contents, Origin, fingerprint};
pub use load::{Checkpoint, load};
pub use save::{check, contents, save};
