//! The command line: what can be asked for, and which file answers.

use std::ffi::OsString;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::bench::{self, BenchArgs};
use crate::commands::collect::{self, CollectArgs};
use crate::commands::data::{self, DataCommand};
use crate::commands::export::{self, ExportArgs};
use crate::commands::fill_mask::{self, FillMaskArgs};
use crate::commands::predict::{self, PredictArgs};
use crate::commands::pretrain::{self, PretrainArgs};
use crate::commands::run::{self, RunArgs};
use crate::commands::slurm::{self, SlurmArgs};
use crate::commands::target::Target;
use crate::commands::{plan, report, schema, table};
use crate::run::worker;

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
    Plan(Target),
    /// Print an experiment's table from its finished runs, or from runs.csv where their folders are gone
    Table(Target),
    /// Write an experiment's tables, pictures and report, one HTML page that needs no other file, from
    /// its finished runs, or from runs.csv where their folders are gone
    Report(Target),
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

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Whatever stops it; [`crate::terminal::failure::exit_code`] tells how the program ends.
    pub fn run(&self) -> Result<()> {
        match self {
            Command::Run(args) => run::run(args),
            Command::Plan(target) => plan::run(target),
            Command::Table(target) => table::run(target),
            Command::Report(target) => report::run(target),
            Command::Collect(args) => collect::run(args),
            Command::Slurm(args) => slurm::run(args),
            Command::Schema => schema::run(),
            Command::Export(args) => export::run(args),
            Command::Predict(args) => predict::run(args),
            Command::FillMask(args) => fill_mask::run(args),
            Command::Pretrain(args) => pretrain::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Data(command) => data::run(command),
            Command::Worker => worker::main(),
        }
    }
}
