//! From a text to a cloze: template, verbalizer, encoding, batches.

mod batch;
mod demonstrations;
mod encode;
mod markers;
mod similar;
mod template;
mod texts;
mod verbalizer;

pub use batch::Batch;
pub use demonstrations::{Demonstrations, Lengths};
pub use encode::{Encoded, Encoder};
pub use similar::Similar;
pub use template::{Part, Template};
pub use verbalizer::Verbalizer;
