//! The experiment that a command is about, and changes to it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use dart_core::device::DeviceChoice;

use crate::experiment::call::Call;
use crate::experiment::definition::Experiment;
use crate::experiment::shard::Shard;
use crate::findings::source::Source;
use crate::plan::runs::Plan;
use crate::terminal::paths::{self, short};
use crate::terminal::progress::remark;

/// An experiment, and changes to it.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// The experiment file, or the name of one in experiments/
    #[arg(value_name = "FILE.yaml")]
    pub file: PathBuf,
    /// A profile of the file
    #[arg(long, default_value = "default")]
    pub profile: String,
    /// Folder of the results [default: results in the repository]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Folder of the data, instead of the file's
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Language model: a name under models/ or of the Hugging Face hub (NAME@REVISION for one that is
    /// not main), or a folder
    #[arg(long, value_name = "NAME|DIR")]
    pub model: Option<String>,
    /// Change a key of the file, a setting of all methods, or METHOD.SETTING; may stand several
    /// times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// cpu, auto or cuda:N
    #[arg(long)]
    pub device: Option<DeviceChoice>,
    /// Only the i-th of n shares of the runs; `collect` merges them
    #[arg(long, value_name = "i/n")]
    pub shard: Option<Shard>,
}

impl Target {
    /// The same, for reading the file.
    pub fn call(&self) -> Call {
        Call {
            file: paths::experiment_file(&self.file),
            profile: self.profile.clone(),
            sets: self.sets.clone(),
            results: self.results.clone(),
            data_dir: self.data_dir.clone(),
            model: self.model.clone(),
            device: self.device,
            shard: self.shard,
        }
    }

    /// The experiment's plan.
    ///
    /// # Errors
    /// What is wrong with the file, or everything that is missing.
    pub fn plan(&self) -> Result<Plan> {
        Plan::new(Experiment::load(&self.call())?)
    }

    /// Where the experiment's finished runs are told of; says so where it is not in their folders.
    ///
    /// # Errors
    /// What is wrong with the file, or everything that is missing.
    pub fn source(&self) -> Result<Source> {
        let source = Source::find(Experiment::load(&self.call())?)?;
        if let Source::File(experiment, _) = &source {
            let folder = short(&experiment.folder);
            remark(&format!(
                "note: {folder} has no run folders; made from its runs.csv alone"
            ));
        }
        Ok(source)
    }
}
