//! Sentence embeddings, and the training examples that are similar by them.

mod dense;
mod encoder;
mod layout;
mod modules;
mod pooling;
mod similar;

pub use encoder::SentenceEncoder;
pub use layout::Layout;
pub use modules::{MODULES, is_part};
pub use similar::Similar;
