//! Masked language models with differentiable prompts (DART, Zhang et al., ICLR 2022) on libtorch:
//! models, prompts, objectives, methods and training. Opens no data set and prints nothing.

pub mod adamw;
pub mod build;
pub mod checkpoint;
pub mod classifier;
pub mod control;
pub mod device;
pub mod error;
pub mod files;
pub mod fill_mask;
pub mod footprint;
pub mod label_map;
pub mod learned_rows;
pub mod libtorch;
pub mod lm;
pub mod logistic;
pub mod method;
pub mod metrics;
pub mod objective;
pub mod pretrain;
pub mod prompt;
pub mod pseudo;
pub mod rng;
pub mod sentence;
pub mod settings;
pub mod tokenizer;
pub mod train;

pub use error::{CoreError, Result};
