//! From a text to a cloze: template, verbalizer, encoding, batches.

mod batch;
mod demonstrations;
mod encode;
mod markers;
mod template;
mod texts;
mod verbalizer;

pub use batch::Batch;
pub use demonstrations::{Demonstrations, Lengths};
pub(crate) use encode::truncated_share;
pub use encode::{Encoded, InputEncoder};
pub use template::{Part, Template};
pub use verbalizer::Verbalizer;
