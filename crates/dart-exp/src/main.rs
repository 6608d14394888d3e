//! The experiment runner: see `dart-exp --help` and docs/ARCHITECTURE.md.

mod bench;
mod cli;
mod commands;
mod compare;
mod config;
mod data;
mod estimate;
mod experiment;
mod export;
mod failure;
mod fill_mask;
mod inventory;
mod job;
mod memory;
mod methods;
mod notes;
mod options;
mod places;
mod plan;
mod predict;
mod predictions;
mod pretrain;
mod progress;
mod published;
mod resolve;
mod results;
mod schedule;
mod select;
mod signals;
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
            eprintln!("dart-exp: {}", failure::one_line(&error));
            failure::exit_code(&error)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    // Before anything touches a tensor: another version may compute something else.
    dart_core::libtorch::check()?;
    match cli.command {
        Command::Run(args) => commands::run(&args),
        Command::Plan(args) => commands::plan(&args),
        Command::Table(args) => commands::table(&args),
        Command::Collect(args) => commands::collect(&args),
        Command::Export(args) => export::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::FillMask(args) => fill_mask::run(&args),
        Command::Pretrain(args) => pretrain::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Data(command) => data::run(&command),
        Command::Worker => worker::main(),
    }
}
