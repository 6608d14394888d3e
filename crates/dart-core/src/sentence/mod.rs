//! Sentence embeddings, and the training examples that are similar by them.

mod encoder;
mod similar;

pub use encoder::SentenceEncoder;
pub use similar::Similar;
