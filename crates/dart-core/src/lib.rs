//! Masked language models with differentiable prompts (DART, Zhang et al., ICLR 2022) on libtorch:
//! models, prompts, objectives, methods and training. Opens no data set and prints nothing.

pub mod error;
pub mod method;
pub mod train;

pub use error::{CoreError, Result};
