//! tch 0.24 for a crate that asks for tch 0.17.

pub use real::*;
