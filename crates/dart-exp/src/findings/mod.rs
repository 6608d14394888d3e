//! What finished runs say, computed once.

pub mod against;
pub mod bootstrap;
pub mod cells;
pub mod compare;
pub mod points;
pub mod rows;
pub mod runs_csv;
pub mod source;
pub mod stats;
pub mod summary;
