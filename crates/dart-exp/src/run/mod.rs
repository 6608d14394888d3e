//! Doing runs: schedule, child processes, resources, the choice among trials, merging of shares.

pub mod child;
pub mod clock;
pub mod inputs;
pub mod merge;
pub mod resources;
pub mod schedule;
pub mod selection;
pub mod signals;
pub mod watch;
pub mod worker;
