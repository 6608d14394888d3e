//! Lines with universal newlines: `\n`, `\r\n` and `\r` each end one, as in Python's text mode.
//! Nothing else does (not NEL, which Latin-1 files contain as byte 0x85).

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::error::{self, DataError, Result};

/// Longer lines are refused: no data set has them, and what has is not a table of texts.
pub(crate) const MAX_LINE: usize = 1 << 20;

pub(crate) struct Lines<'p> {
    path: &'p Path,
    reader: BufReader<std::fs::File>,
    /// A line that does not lie in the reader's buffer as a whole.
    buffer: Vec<u8>,
    /// Bytes of the reader's buffer that were given out.
    used: usize,
    /// 1-based number of the line last read.
    number: usize,
    after_return: bool,
    /// Whether the file starts with a byte order mark.
    pub(crate) marked: bool,
    /// Whether the line last read had an end.
    pub(crate) ended: bool,
}

/// A line, or the news that it was too long and was skipped.
pub(crate) enum Line<'a> {
    Text(&'a [u8]),
    TooLong,
}

impl<'p> Lines<'p> {
    pub(crate) fn open(path: &'p Path) -> Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 17, error::open(path)?);
        let start = reader
            .fill_buf()
            .map_err(|source| DataError::io(path, source))?;
        let marked = start.starts_with(b"\xef\xbb\xbf");
        if marked {
            reader.consume(3);
        }
        let (buffer, number) = (Vec::new(), 0);
        Ok(Lines {
            path,
            reader,
            buffer,
            used: 0,
            number,
            after_return: false,
            marked,
            ended: false,
        })
    }

    /// The next line without its end, and its 1-based number.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, Line<'_>)>> {
        self.reader.consume(std::mem::take(&mut self.used));
        self.buffer.clear();
        let (mut ended, mut any, mut too_long) = (false, false, false);
        while !ended {
            let chunk = self
                .reader
                .fill_buf()
                .map_err(|source| DataError::io(self.path, source))?;
            if chunk.is_empty() {
                break;
            }
            if self.after_return && chunk[0] == b'\n' {
                self.reader.consume(1);
                self.after_return = false;
                continue;
            }
            self.after_return = false;
            any = true;
            let end = memchr::memchr2(b'\n', b'\r', chunk);
            if let Some(end) = end
                && self.buffer.is_empty()
                && !too_long
            {
                self.after_return = chunk[end] == b'\r';
                self.used = end + 1;
                self.number += 1;
                self.ended = true;
                let line = &self.reader.buffer()[..end];
                return Ok(Some((self.number, Line::Text(line))));
            }
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            if self.buffer.len() + piece.len() > MAX_LINE {
                too_long = true;
            } else {
                self.buffer.extend_from_slice(piece);
            }
            let mut used = piece.len();
            if let Some(end) = end {
                self.after_return = chunk[end] == b'\r';
                used += 1;
                ended = true;
            }
            self.reader.consume(used);
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        self.ended = ended;
        let line = if too_long {
            Line::TooLong
        } else {
            Line::Text(&self.buffer)
        };
        Ok(Some((self.number, line)))
    }
}

/// The error for a line over the limit.
pub(crate) fn too_long(path: &Path, line: usize) -> DataError {
    let message = format!("the line is longer than {} KiB", MAX_LINE >> 10);
    DataError::row(
        path,
        line,
        message,
        "cut the text, or check that the file has line ends",
    )
}
