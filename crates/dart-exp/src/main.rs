//! The experiment runner: see `dart-exp --help` and docs/ARCHITECTURE.md.

mod allocator;
mod commands;
mod experiment;
mod findings;
mod model;
mod output;
mod plan;
mod run;
mod store;
mod terminal;

use std::process::ExitCode;

use commands::cli::Cli;
use terminal::{failure, progress};

fn main() -> ExitCode {
    allocator::keep_freed();
    let cli = Cli::read();
    // usvg warns of every sign that the pictures' font lacks.
    let filter = env_logger::Env::default().default_filter_or("warn,usvg=error");
    env_logger::Builder::from_env(filter).init();
    // Before anything touches a tensor: another version may compute something else.
    let outcome = dart_core::libtorch::check()
        .map_err(anyhow::Error::from)
        .and_then(|_| cli.command.run());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress::remark(&format!("dart-exp: {}", failure::one_line(&error)));
            failure::exit_code(&error)
        }
    }
}
