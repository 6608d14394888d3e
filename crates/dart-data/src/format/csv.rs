//! Quoted rows as pandas reads them.

use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

use super::records::Source;
use super::row::Visit;
use super::text::Decoding;
use super::tsv::Columns;
use crate::error::{self, DataError, Result};
use crate::layout::Read;

pub(super) fn read(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    let delimiter = match u8::try_from(read.delimiter) {
        Ok(byte) if !matches!(byte, b'"' | b'\n' | b'\r') => byte,
        _ => {
            let message = format!("cannot have {:?} as its delimiter", read.delimiter);
            return Err(DataError::file(path, message, "correct the delimiter"));
        }
    };
    let source = Source {
        path,
        delimiter,
        how: Decoding::of(read),
    };
    let file = BufReader::with_capacity(1 << 16, error::open(path)?);
    let mut columns: Option<Columns> = None;
    let mut row = 0;
    source.each_record(file, &mut |fields| {
        let line = fields.line;
        let columns = match &mut columns {
            Some(columns) => columns,
            None => {
                let names = (0..fields.len()).map(|index| fields.get(index));
                let names = names.collect::<Result<Vec<_>>>()?;
                let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
                let first = columns.insert(Columns::resolve(read, &names, path, line)?);
                if read.header {
                    return Ok(ControlFlow::Continue(()));
                }
                first
            }
        };
        let field = |index| fields.get(index);
        let record = columns.record(read, fields.len(), field, (row, line), path);
        row += 1;
        Ok(visit(record))
    })?;
    match columns {
        Some(_) => Ok(()),
        None => Err(DataError::file(path, "is empty", "get the file again")),
    }
}
