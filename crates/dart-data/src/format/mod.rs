//! Reading rows of every format as one kind of record, one at a time.

mod csv;
mod json;
mod jsonl;
pub(crate) mod lines;
mod records;
pub(crate) mod relation;
pub(crate) mod text;
mod tokens;
mod tsv;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use crate::error::{DataError, Result};
use crate::example::Entities;
use crate::layout::{Format, Read};

/// A row as the file has it; the label is not yet interpreted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// 0-based data row.
    pub row: usize,
    /// 1-based line on which the row starts (0 where the format has no lines).
    pub line: usize,
    /// The label as written, trimmed.
    pub label: Cow<'a, str>,
    /// The text.
    pub a: Cow<'a, str>,
    /// The second text.
    pub b: Option<Cow<'a, str>>,
    /// Head and tail.
    pub entities: Option<Box<Entities>>,
}

/// What is called for each row; a row that cannot be read is an error in its place, and reading
/// goes on after it if the visitor says so.
pub type Visit<'v> = dyn FnMut(Result<Record<'_>>) -> ControlFlow<()> + 'v;

/// Reads a file row by row.
///
/// # Errors
/// What makes the rest of the file unreadable; errors of single rows go to the visitor.
pub fn read_rows(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    read_some(path, read, &|_| true, visit)
}

/// The same for the rows that are wanted; formats in which rows cannot be passed over unread give
/// the others too.
pub(crate) fn read_some(
    path: &Path,
    read: &Read,
    wanted: &dyn Fn(usize) -> bool,
    visit: &mut Visit,
) -> Result<()> {
    if !read.marked {
        return read_format(path, read, wanted, visit);
    }
    read_format(path, read, wanted, &mut |record| {
        visit(record.and_then(|record| relation::marked(path, record)))
    })
}

fn read_format(
    path: &Path,
    read: &Read,
    wanted: &dyn Fn(usize) -> bool,
    visit: &mut Visit,
) -> Result<()> {
    match read.format {
        Format::ByExtension => by_extension(path, read, visit),
        Format::Tsv => tsv::read(path, read, wanted, visit),
        Format::LabelText => tsv::read_label_text(path, read, wanted, visit),
        Format::Csv => csv::read(path, read, visit),
        Format::Jsonl => jsonl::read(path, read, visit),
        Format::Fewrel => json::read_fewrel(path, visit),
        Format::Tacred => json::read_tacred(path, visit),
        Format::TokenJsonl => relation::read_token_jsonl(path, read, visit),
        Format::MarkedJsonl => relation::read_marked_jsonl(path, read, visit),
        Format::SemevalText => relation::read_semeval(path, read, visit),
    }
}

fn by_extension(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let extension = extension.map(str::to_ascii_lowercase);
    let (format, delimiter) = match extension.as_deref() {
        Some("csv") => (Format::Csv, ','),
        Some("tsv" | "txt") => (Format::Csv, '\t'),
        Some("jsonl" | "json") => (Format::Jsonl, ','),
        _ => {
            let remedy = "name it .csv, .tsv or .jsonl";
            return Err(DataError::file(path, "has an unknown extension", remedy));
        }
    };
    let read = Read {
        format,
        delimiter,
        ..read.clone()
    };
    read_format(path, &read, &|_| true, visit)
}
