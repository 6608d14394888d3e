//! Language models: configuration, weights, families, backbones and head.

mod attention;
mod backbone;
mod config;
mod families;
mod head;
mod language_model;
mod masks;
mod modules;
mod packing;
mod params;
mod post_norm;
mod recompute;
mod rotary;
mod stack;
pub mod weights;

pub use backbone::Shape;
pub use config::{Activation, LmConfig};
pub use language_model::LanguageModel;
pub use modules::Mode;
pub(crate) use params::indices;
pub use params::{Parameter, Role, restore, snapshot};
