//! Quoted rows as pandas reads them. The csv crate splits them (its rules are pandas'); what it
//! does not report, a quote that is never closed, is found here.

use std::io::{BufRead, BufReader, Read as _, Seek, SeekFrom};
use std::path::Path;

use super::text::decode;
use super::tsv::Columns;
use super::{Record, Visit};
use crate::error::{self, DataError, Result};
use crate::layout::Read;

pub(super) fn read(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    let mut file = BufReader::with_capacity(1 << 17, error::open(path)?);
    let start = file
        .fill_buf()
        .map_err(|source| DataError::io(path, source))?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    file.consume(mark);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(1 << 17)
        .delimiter(u8::try_from(read.delimiter).unwrap_or(b','))
        .from_reader(file);
    let mut columns: Option<Columns> = None;
    let mut raw = csv::ByteRecord::new();
    let mut row = 0;
    let (mut line, mut last) = (1, 0); // of the record last read: its line and first byte
    loop {
        match reader.read_byte_record(&mut raw) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(DataError::file(path, error.to_string(), "check the file")),
        }
        if let Some(position) = raw.position() {
            (line, last) = (position.line() as usize, position.byte());
        }
        let field = |index: usize| {
            decode(
                raw.get(index).unwrap_or_default(),
                read.encoding,
                path,
                line,
            )
        };
        let columns = match &mut columns {
            Some(columns) => columns,
            None => {
                let names = (0..raw.len()).map(field).collect::<Result<Vec<_>>>()?;
                let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
                let first = columns.insert(Columns::resolve(read, &names, path, line)?);
                if read.header {
                    continue;
                }
                first
            }
        };
        let record: Result<Record> = columns.record(read, raw.len(), field, (row, line), path);
        row += 1;
        if visit(record).is_break() {
            return Ok(());
        }
    }
    if columns.is_none() {
        return Err(DataError::file(path, "is empty", "get the file again"));
    }
    check_closed(path, last + mark as u64, line, read.delimiter)
}

/// An error if the last record, which starts at byte `from`, ends inside a quoted field.
fn check_closed(path: &Path, from: u64, line: usize, delimiter: char) -> Result<()> {
    let mut file = error::open(path)?;
    file.seek(SeekFrom::Start(from))
        .map_err(|source| DataError::io(path, source))?;
    let (mut quoted, mut field_starts) = (false, true);
    let mut bytes = BufReader::new(file)
        .bytes()
        .map_while(std::io::Result::ok)
        .peekable();
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
