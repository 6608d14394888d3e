//! An experiment file and what it says when validated.

pub mod call;
pub mod definition;
pub mod file;
pub mod load;
pub mod methods;
pub mod options;
pub mod place;
pub mod published;
pub mod range;
pub mod raw;
pub mod resolve;
pub mod search;
pub mod sets;
pub mod shard;
pub mod tasks;
pub mod trials;
pub mod values;
pub mod yaml;
