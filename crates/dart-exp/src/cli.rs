//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::bench::BenchArgs;
use crate::data::DataCommand;
use crate::experiment::Call;
use crate::export::ExportArgs;
use crate::fill_mask::FillMaskArgs;
use crate::places;
use crate::predict::PredictArgs;
use crate::pretrain::PretrainArgs;
use crate::progress::LogFormat;
use crate::shard::Shard;
use crate::slurm::SlurmArgs;

/// Runs YAML experiments on few-shot text classification: runs, TensorBoard curves, CSV files and
/// tables. `dart-exp FILE.yaml` is `dart-exp run FILE.yaml`.
///
/// Exit codes: 0 done; 1 something failed; 2 wrong call or configuration; 130 interrupted, to be
/// gone on with by the same command.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line, with `run` put in where no command is named.
    pub fn read() -> Self {
        let mut args: Vec<OsString> = std::env::args_os().collect();
        let named = |arg: &OsString| {
            let known = ["help", "-h", "--help", "-V", "--version"];
            let arg = arg.to_string_lossy();
            known.contains(&arg.as_ref())
                || Cli::command()
                    .get_subcommands()
                    .any(|command| command.get_name() == arg)
        };
        if args.get(1).is_some_and(|arg| !named(arg)) {
            args.insert(1, "run".into());
        }
        Cli::parse_from(args)
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do all runs of an experiment that are not done yet, then write its tables
    Run(RunArgs),
    /// Show the runs of an experiment, their work, their memory and what is missing; run nothing
    Plan(Experiment),
    /// Print an experiment's table from its finished runs
    Table(Experiment),
    /// Write an experiment's pictures and its report, one HTML page that needs no other file
    Report(Experiment),
    /// Write an experiment's CSV files and tables anew from its finished runs, and from those of
    /// shards
    Collect(CollectArgs),
    /// Do an experiment as a Slurm job array
    Slurm(SlurmArgs),
    /// Print the JSON Schema of experiment files, for editors
    Schema,
    /// Write a finished run's classifier as a folder that stands by itself
    Export(ExportArgs),
    /// Classify one's own texts with an exported classifier
    Predict(PredictArgs),
    /// Print what a masked language model puts in place of [MASK]
    FillMask(FillMaskArgs),
    /// Train a masked language model from an encoder and plain text
    Pretrain(PretrainArgs),
    /// Time training steps and evaluation, for bench/run.py
    Bench(BenchArgs),
    /// List, show, check, sample and fetch data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// One run, started by `run`
    #[command(hide = true)]
    Worker,
}

/// An experiment, and changes to it.
#[derive(Clone, Debug, Args)]
pub struct Experiment {
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
    pub device: Option<String>,
    /// Only the i-th of n shares of the runs; `collect` merges them
    #[arg(long, value_name = "i/n")]
    pub shard: Option<Shard>,
}

/// An experiment, and where its runs were done.
#[derive(Clone, Debug, Args)]
pub struct CollectArgs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Experiment,
    /// Results folders to take finished runs from, of any experiment [default: the experiment's
    /// shards]
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// An experiment, and how to run it.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Experiment,
    /// Runs at a time [default: processor cores / threads of a run]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Memory that runs may use together, in MiB [default: nine tenths of what is free]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory: Option<u64>,
    /// Show failures only
    #[arg(long, short)]
    pub quiet: bool,
    /// How messages look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
}

impl Experiment {
    /// The same, for reading the file.
    pub fn call(&self) -> Call {
        Call {
            file: places::experiment_file(&self.file),
            profile: self.profile.clone(),
            sets: self.sets.clone(),
            results: self.results.clone(),
            data_dir: self.data_dir.clone(),
            model: self.model.clone(),
            device: self.device.clone(),
            shard: self.shard,
        }
    }
}
