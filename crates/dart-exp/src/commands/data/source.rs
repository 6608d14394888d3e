//! Where a data command finds tasks and files.

use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use clap::Args;
use dart_data::layout::{Encoding, Read};
use dart_data::{Catalog, DataError, Task};

use crate::experiment::tasks::catalog;
use crate::terminal::failure::Usage;
use crate::terminal::paths;
use crate::terminal::remedy::told;

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
    pub fn folder(&self) -> Result<PathBuf> {
        let here = std::env::current_dir().context("the working folder")?;
        Ok(match &self.data_dir {
            Some(dir) => here.join(dir),
            None => paths::root()?.join("data"),
        })
    }

    pub fn catalog(&self) -> Result<Catalog> {
        catalog(&self.catalog)
    }
}

/// The tasks of these names.
pub fn named<'c>(catalog: &'c Catalog, names: &[String]) -> Result<Vec<&'c Task>> {
    names
        .iter()
        .map(|name| catalog.task(name).map_err(usage))
        .collect()
}

/// An error in what was asked for is a wrong call, one in the data is not.
pub fn usage(error: DataError) -> Error {
    match error {
        DataError::UnknownTask { .. } => Usage(told(&error)).into(),
        _ => error.into(),
    }
}
