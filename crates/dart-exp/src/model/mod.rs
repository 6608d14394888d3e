//! Language models by name, and the hub that they come from.

pub mod hub;
pub mod lookup;
