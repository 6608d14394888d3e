//! Language models as classifiers: fine-tuning, prompts, sentence embeddings.

mod check;
mod fluency;
mod head;
mod interface;
mod masks;
mod micro_step;
mod prompt;
mod prompt_encoder;
mod prompt_model;
mod rows;
mod same_pass;
mod sentence;

pub(crate) use check::check;
pub use head::HeadClassifier;
pub use interface::{Classifier, Losses, Parts};
pub use micro_step::MicroStep;
pub use prompt::PromptClassifier;
pub use prompt_encoder::PromptEncoder;
pub use sentence::SentenceClassifier;
