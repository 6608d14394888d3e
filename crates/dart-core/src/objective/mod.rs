//! The two parts of the loss L = L_C + λ L_F.

mod class;
mod fluency;

pub use class::class_loss;
pub use fluency::masked_word_loss;
