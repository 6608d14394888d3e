//! The commands: one file each, named like it, with its arguments.

pub mod bench;
pub mod cli;
pub mod collect;
pub mod data;
pub mod export;
pub mod fill_mask;
pub mod plan;
pub mod predict;
pub mod pretrain;
pub mod report;
pub mod run;
pub mod schema;
pub mod slurm;
pub mod table;
pub mod target;
