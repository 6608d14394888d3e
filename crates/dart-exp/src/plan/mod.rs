//! The list of runs: resolved settings, what is done and what is missing.

pub mod completion;
pub mod estimate;
pub mod inventory;
pub mod make;
pub mod need;
pub mod outline;
pub mod runs;
pub mod split;
