//! `dart-exp data`: which data are there, what they look like, whether they can be read.

mod check;
mod fetch;
mod kshot;
mod list;
mod show;
pub mod source;

use anyhow::Result;
use clap::Subcommand;

use source::Data;

/// What can be done with data.
#[derive(Clone, Debug, Subcommand)]
pub enum DataCommand {
    /// List all tasks, and which distributions of them are in the data folder
    List(Data),
    /// Show a task: rows a label, lengths in tokens, examples, the prompt
    Show(show::ShowArgs),
    /// Read every row of every file, and list what is wrong with file and line
    Check(check::CheckArgs),
    /// Draw a k-shot split and write it as LM-BFF lays it out
    Kshot(kshot::KshotArgs),
    /// Fetch tasks from their official sources
    Fetch(fetch::FetchArgs),
}

/// Does what the command says.
///
/// # Errors
/// An unknown task ([`Usage`]), data that are missing or cannot be read.
pub fn run(command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::List(data) => list::run(data),
        DataCommand::Show(args) => show::run(args),
        DataCommand::Check(args) => check::run(args),
        DataCommand::Kshot(args) => kshot::run(args),
        DataCommand::Fetch(args) => fetch::run(args),
    }
}
