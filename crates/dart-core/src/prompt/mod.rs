//! From a text to a cloze: template, verbalizer, encoding, batches.

mod batch;
mod demonstrations;
mod encode;
mod encoded;
mod markers;
mod pieces;
mod places;
mod template;
mod texts;
mod verbalizer;

pub use batch::Batch;
pub use demonstrations::{Demonstrations, Lengths};
pub use encode::InputEncoder;
pub use encoded::Encoded;
pub(crate) use encoded::truncated_share;
pub use pieces::PromptLayout;
pub(crate) use places::places;
pub use template::{Part, Template};
pub use verbalizer::Verbalizer;
