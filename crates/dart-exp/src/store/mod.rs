//! Run folders: jobs, records, predictions, what TensorBoard reads.

pub mod folder;
pub mod hparams;
pub mod job;
pub mod lock;
pub mod predictions;
pub mod projector;
pub mod record;
pub mod tensorboard;
