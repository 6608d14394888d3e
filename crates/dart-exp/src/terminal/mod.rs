//! Messages, progress and exit codes.

pub mod failure;
pub mod paths;
pub mod print;
pub mod progress;
pub mod remedy;
pub mod units;
