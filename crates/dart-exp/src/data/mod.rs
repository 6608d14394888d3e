//! `dart-exp data`: which data are there, what they look like, whether they can be read.

mod check;
mod fetch;
mod kshot;
mod list;
mod show;

use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use clap::{Args, Subcommand};
use dart_data::layout::{Encoding, Read};
use dart_data::{Catalog, DataError, Task};

use crate::experiment::catalog;
use crate::failure::Usage;
use crate::places;

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

/// Where tasks and data come from.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// Folder of the data [default: data in the repository]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A file of further tasks; may stand several times
    #[arg(long, value_name = "FILE.yaml")]
    catalog: Vec<PathBuf>,
}

/// How a file of one's own is written, where its extension does not tell.
#[derive(Clone, Debug, Args)]
pub struct Written {
    /// What parts the fields of the CSV file, such as ';' [default: a comma, in .tsv files a tab]
    #[arg(long, value_name = "CHARACTER", requires = "file")]
    delimiter: Option<char>,
    /// utf-8 or latin-1
    #[arg(long, default_value = "utf-8", requires = "file")]
    encoding: Encoding,
}

impl Written {
    /// `read` of such a file.
    pub fn of(&self, read: Read) -> Read {
        let mut read = read.delimited(self.delimiter);
        read.encoding = self.encoding;
        read
    }
}

impl Data {
    fn folder(&self) -> Result<PathBuf> {
        let here = std::env::current_dir().context("the working folder")?;
        Ok(match &self.data_dir {
            Some(dir) => here.join(dir),
            None => places::root()?.join("data"),
        })
    }

    fn catalog(&self) -> Result<Catalog> {
        catalog(&self.catalog)
    }
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

/// The tasks of these names.
fn named<'c>(catalog: &'c Catalog, names: &[String]) -> Result<Vec<&'c Task>> {
    names
        .iter()
        .map(|name| catalog.task(name).map_err(usage))
        .collect()
}

/// An error in what was asked for is a wrong call, one in the data is not.
fn usage(error: DataError) -> Error {
    match error {
        DataError::UnknownTask { .. } => Usage(error.to_string()).into(),
        _ => error.into(),
    }
}
