//! Reading rows of every format as one kind of record, one at a time.

mod csv;
mod json;
mod jsonl;
pub(crate) mod lines;
mod records;
pub(crate) mod relation;
mod row;
pub(crate) mod text;
mod tokens;
mod tsv;

use std::path::Path;

use crate::error::{DataError, Result};
use crate::layout::{Format, Read};

pub use row::{Record, Visit};

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
