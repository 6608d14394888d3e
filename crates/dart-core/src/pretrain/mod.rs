//! Masked-token training of an encoder: how the default language model is made.
//!
//! Every row of the vocabulary stays frozen but `[MASK]`'s, which a sentence encoder never trained.

mod blocks;
mod model;
mod settings;
mod training;

pub use blocks::Blocks;
pub use model::score;
pub use settings::{HeldOut, PretrainReport, PretrainSettings};
pub use training::Pretraining;
