//! The experiment runner: see `dart-exp --help` and docs/ARCHITECTURE.md.

mod bench;
mod bootstrap;
mod cli;
mod commands;
mod compare;
mod config;
mod data;
mod done;
mod estimate;
mod experiment;
mod export;
mod failure;
mod fill_mask;
mod findings;
mod hparams;
mod hub;
mod inventory;
mod job;
mod jsonl;
mod memory;
mod methods;
mod model;
mod notes;
mod options;
mod oracle;
mod places;
mod plan;
mod plot;
mod predict;
mod predictions;
mod pretrain;
mod preview;
mod progress;
mod projector;
mod published;
mod report;
mod resolve;
mod resources;
mod results;
mod schedule;
mod schema;
mod search;
mod select;
mod sets;
mod shard;
mod signals;
mod slurm;
mod spelled;
mod split;
mod stats;
mod store;
mod table;
mod tasks;
mod tensorboard;
mod tried;
mod worker;
mod yaml;

use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    memory::keep_freed();
    let cli = Cli::read();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress::remark(&format!("dart-exp: {}", failure::one_line(&error)));
            failure::exit_code(&error)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    // Before anything touches a tensor: another version may compute something else.
    dart_core::libtorch::check()?;
    match cli.command {
        Command::Run(args) => commands::run(&args),
        Command::Plan(args) => preview::print_plan(&args.call()),
        Command::Table(args) => commands::table(&args),
        Command::Report(args) => commands::report(&args),
        Command::Collect(args) => commands::collect(&args),
        Command::Export(args) => export::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Slurm(args) => slurm::run(&args),
        Command::Schema => schema::print_schema(),
        Command::FillMask(args) => fill_mask::run(&args),
        Command::Pretrain(args) => pretrain::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Data(command) => data::run(&command),
        Command::Worker => worker::main(),
    }
}
