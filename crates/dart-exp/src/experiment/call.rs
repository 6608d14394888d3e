//! What the command line says about an experiment.

use std::path::PathBuf;

use dart_core::device::DeviceChoice;

use crate::experiment::shard::Shard;

/// What the command line says about an experiment.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The experiment file.
    pub file: PathBuf,
    /// The profile in it.
    pub profile: String,
    /// `key=value` changes.
    pub sets: Vec<String>,
    /// Where results go, when not `results/`.
    pub results: Option<PathBuf>,
    /// Where the data are, when the file is not to say it.
    pub data_dir: Option<PathBuf>,
    /// The language model, when the file is not to say it.
    pub model: Option<String>,
    /// The device, when the file is not to say it.
    pub device: Option<DeviceChoice>,
    /// The share of the runs that is wanted, when not all are.
    pub shard: Option<Shard>,
}
