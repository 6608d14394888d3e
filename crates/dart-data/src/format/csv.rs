//! Quoted rows as pandas reads them. The csv crate splits them (its rules are pandas'); what it
//! does not report, a quote that is never closed, is found here.

use std::path::Path;

use super::text::decode;
use super::tsv::Columns;
use super::{Record, Visit};
use crate::error::{self, DataError, Result};
use crate::layout::Read;

pub(super) fn read(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    let bytes = error::read(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(read.delimiter).unwrap_or(b','))
        .from_reader(bytes);
    let mut columns: Option<Columns> = None;
    let mut raw = csv::ByteRecord::new();
    let mut row = 0;
    loop {
        let start = reader.position().clone();
        match reader.read_byte_record(&mut raw) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(DataError::file(path, error.to_string(), "check the file")),
        }
        let position = raw.position().unwrap_or(&start);
        let line = position.line() as usize;
        let ended = reader.is_done() || reader.position().byte() as usize >= bytes.len();
        if ended && let Some(rest) = bytes.get(position.byte() as usize..) {
            check_closed(rest, path, line, read.delimiter)?;
        }
        let fields: Result<Vec<_>> = raw
            .iter()
            .map(|field| decode(field, read.encoding, path, line))
            .collect();
        let fields = match fields {
            Ok(fields) => fields,
            Err(error) if columns.is_none() => return Err(error),
            Err(error) => {
                row += 1;
                if visit(Err(error)).is_break() {
                    return Ok(());
                }
                continue;
            }
        };
        let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        let columns = match &mut columns {
            Some(columns) => columns,
            None => {
                let first = columns.insert(Columns::resolve(read, &fields, path, line)?);
                if read.header {
                    continue;
                }
                first
            }
        };
        let record: Result<Record> = columns.record(read, &fields, (row, line), path);
        row += 1;
        if visit(record).is_break() {
            return Ok(());
        }
    }
    if columns.is_none() {
        return Err(DataError::file(path, "is empty", "get the file again"));
    }
    Ok(())
}

/// Whether the last record, `rest`, ends inside a quoted field.
fn check_closed(rest: &[u8], path: &Path, line: usize, delimiter: char) -> Result<()> {
    let (mut quoted, mut field_starts) = (false, true);
    let mut bytes = rest.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
                quoted = false;
            }
        } else if byte == b'"' && field_starts {
            quoted = true;
        }
        field_starts = !quoted && (char::from(byte) == delimiter || byte == b'\n' || byte == b'\r');
    }
    if quoted {
        let remedy = "close the quote; inside a quoted field, double each quote";
        return Err(DataError::row(
            path,
            line,
            "a quoted field never ends",
            remedy,
        ));
    }
    Ok(())
}
