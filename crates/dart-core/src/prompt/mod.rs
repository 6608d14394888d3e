//! From a text to a cloze: template, verbalizer, encoding, batches.

mod batch;
mod encode;
mod template;
mod verbalizer;

pub use batch::Batch;
pub use encode::{Encoded, Encoder};
pub use template::{Part, Template};
pub use verbalizer::Verbalizer;
