//! The records of a file with quotes. Those that need no unquoting are read where they stand in the
//! file's buffer; the others are csv-core's, whose rules are pandas'.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use csv_core::ReadRecordResult::{End, InputEmpty, OutputEndsFull, OutputFull, Record};
use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::text::{Decoding, decode};
use crate::error::{DataError, Result};
use crate::layout::Encoding;

/// A file that is read as records.
pub(super) struct Source<'p> {
    pub(super) path: &'p Path,
    /// Neither a quote nor a line end.
    pub(super) delimiter: u8,
    pub(super) how: Decoding,
}

/// A record.
pub(super) struct Fields<'r> {
    source: &'r Source<'r>,
    /// 1-based line on which it starts.
    pub(super) line: usize,
    bytes: &'r [u8],
    /// The bytes, where they are known to be text.
    text: Option<&'r str>,
    places: &'r [Range<usize>],
}

impl<'r> Fields<'r> {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// A field without its quotes; empty where there is none at this index.
    pub(super) fn get(&self, index: usize) -> Result<Cow<'r, str>> {
        let place = self.places.get(index).cloned().unwrap_or_default();
        if let Some(text) = self.text.and_then(|text| text.get(place.clone())) {
            return Ok(Cow::Borrowed(text));
        }
        let bytes = self.bytes.get(place).unwrap_or_default();
        decode(bytes, self.source.how, self.source.path, self.line)
    }
}

impl Source<'_> {
    /// Calls `visit` for every record after a byte order mark; lines without a byte are passed over.
    ///
    /// # Errors
    /// The visitor's, and a quoted field that never ends.
    pub(super) fn each_record(
        &self,
        mut file: BufReader<impl Read>,
        visit: &mut dyn FnMut(Fields) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut unquoting = Unquoting::new(self.delimiter);
        let mut open = None; // the line on which the record being unquoted starts
        let mut places = Vec::new();
        let (mut line, mut first) = (1, true);
        loop {
            let chunk = file
                .fill_buf()
                .map_err(|source| DataError::io(self.path, source))?;
            let length = chunk.len();
            // A line end ends the last record too, unless it stands in quotes.
            let chunk = if length > 0 { chunk } else { b"\n" };
            let text = self.text(chunk);
            let marked = std::mem::take(&mut first) && chunk.starts_with(b"\xef\xbb\xbf");
            let mut at = if marked { 3 } else { 0 };
            while at < chunk.len() {
                let rest = &chunk[at..];
                let fields = if let (None, b'\n' | b'\r') = (open, rest[0]) {
                    line += usize::from(rest[0] == b'\n');
                    at += 1;
                    continue;
                } else if open.is_none()
                    && let Some((end, breaks)) = self.plain(rest, &mut places)
                {
                    let (start, from) = (line, at);
                    (line, at) = (line + breaks, at + end);
                    Fields {
                        source: self,
                        line: start,
                        bytes: &rest[..end],
                        text: text.get(from..at),
                        places: &places,
                    }
                } else {
                    let start = *open.get_or_insert(line);
                    let (read, whole) = unquoting.feed(rest);
                    at += read;
                    line += memchr_iter(b'\n', &rest[..read]).count();
                    if !whole {
                        continue;
                    }
                    open = None;
                    Fields {
                        source: self,
                        line: start,
                        bytes: unquoting.take(&mut places),
                        text: None,
                        places: &places,
                    }
                };
                if visit(fields)?.is_break() {
                    return Ok(());
                }
            }
            if length == 0 {
                return match open {
                    Some(line) => Err(self.never_ends(line)),
                    None => Ok(()),
                };
            }
            file.consume(length);
        }
    }

    /// As much of the chunk's start as is text for certain.
    fn text<'c>(&self, chunk: &'c [u8]) -> &'c str {
        let chunk = &chunk[..memchr(0, chunk).unwrap_or(chunk.len())];
        if self.how.encoding == Encoding::Latin1 && !chunk.is_ascii() {
            return "";
        }
        str::from_utf8(chunk)
            .or_else(|error| str::from_utf8(&chunk[..error.valid_up_to()]))
            .unwrap_or_default()
    }

    /// Finds the fields of the record at the start of `bytes`; gives where it ends, its line end
    /// included, and the line feeds in it. `None` where it goes on after `bytes`, holds a quote
    /// within quotes or something after them.
    fn plain(&self, bytes: &[u8], places: &mut Vec<Range<usize>>) -> Option<(usize, usize)> {
        places.clear();
        let (mut start, mut breaks) = (0, 0);
        loop {
            let end = if *bytes.get(start)? == b'"' {
                let mut close = start + 1;
                loop {
                    close += memchr2(b'"', b'\n', bytes.get(close..)?)?;
                    if bytes[close] == b'"' {
                        break;
                    }
                    (close, breaks) = (close + 1, breaks + 1);
                }
                places.push(start + 1..close);
                close + 1
            } else {
                let end = start + memchr3(self.delimiter, b'\n', b'\r', &bytes[start..])?;
                places.push(start..end);
                end
            };
            match *bytes.get(end)? {
                b'\n' => return Some((end + 1, breaks + 1)),
                b'\r' => return Some((end + 1, breaks)),
                byte if byte == self.delimiter => start = end + 1,
                _ => return None,
            }
        }
    }

    fn never_ends(&self, line: usize) -> DataError {
        let message = "a quoted field never ends";
        let remedy = "close the quote; inside a quoted field, double each quote";
        DataError::row(self.path, line, message, remedy)
    }
}

/// Records read by csv-core.
struct Unquoting {
    core: csv_core::Reader,
    /// The fields so far, one after the other, and where they end.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
    count: usize,
}

impl Unquoting {
    fn new(delimiter: u8) -> Self {
        let mut builder = csv_core::ReaderBuilder::new();
        let mut core = builder.delimiter(delimiter).build();
        // It takes a mark off the first bytes that it sees, which need not be the file's first.
        core.read_record(b"\n", &mut [0], &mut [0]);
        Unquoting {
            core,
            bytes: vec![0; 1 << 10],
            ends: vec![0; 1 << 4],
            length: 0,
            count: 0,
        }
    }

    /// Goes on with a record; gives how many bytes belong to it and whether it is whole.
    fn feed(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        loop {
            let (result, read, written, ended) = self.core.read_record(
                &bytes[at..],
                &mut self.bytes[self.length..],
                &mut self.ends[self.count..],
            );
            at += read;
            (self.length, self.count) = (self.length + written, self.count + ended);
            match result {
                InputEmpty => return (at, false),
                OutputFull => self.bytes.resize(2 * self.bytes.len(), 0),
                OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                Record | End => return (at, true),
            }
        }
    }

    /// The fields of a whole record.
    fn take(&mut self, places: &mut Vec<Range<usize>>) -> &[u8] {
        let ends = &self.ends[..std::mem::take(&mut self.count)];
        let starts = std::iter::once(&0).chain(ends);
        places.clear();
        places.extend(starts.zip(ends).map(|(start, end)| *start..*end));
        &self.bytes[..std::mem::take(&mut self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Said;
    use proptest::prelude::*;

    /// A record's line and fields.
    type Row = (usize, Vec<Result<String, String>>);

    fn told(field: Result<Cow<str>>) -> Result<String, String> {
        field.map(Cow::into_owned).map_err(|e| e.to_string())
    }

    /// The rows, with a buffer of so many bytes, and the error.
    fn ours(source: &Source, content: &[u8], buffer: usize) -> (Vec<Row>, Option<String>) {
        let mut rows = Vec::new();
        let file = BufReader::with_capacity(buffer, content);
        let done = source.each_record(file, &mut |fields| {
            let all = (0..fields.len()).map(|index| told(fields.get(index)));
            rows.push((fields.line, all.collect()));
            Ok(ControlFlow::Continue(()))
        });
        (rows, done.err().map(|error| error.to_string()))
    }

    /// The rows as the csv crate gives them, with the lines on which they start.
    fn theirs(source: &Source, content: &[u8]) -> Vec<Row> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(source.delimiter)
            .from_reader(content);
        let mut rows = Vec::new();
        for record in reader.byte_records() {
            let record = record.unwrap();
            // Its position may lie before a mark and line ends that it passes over.
            let mark = if content.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            };
            let before = mark.max(record.position().unwrap().byte() as usize);
            let blank = content[before..].iter().take_while(|b| b"\r\n".contains(b));
            let start = before + blank.count();
            let line = 1 + memchr_iter(b'\n', &content[..start]).count();
            let field = |field| told(decode(field, source.how, source.path, line));
            rows.push((line, record.iter().map(field).collect()));
        }
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn records_are_the_csv_crates(
            marked: bool,
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "b c", ",", ",", ";", "\"", "\"", "\"\"", "\n", "\n", "\r\n", "\r", " ",
                    "\u{e9}", "\u{1f600}", "\0", "\u{feff}", "long enough to go on",
                    "1,\"quoted, text\"\n", "0,\"with \"\"quotes\"\"\"\r\n", "0,plain\n",
                ].into_iter().map(str::as_bytes).chain([&b"\xe9"[..], b"\xff"]).collect::<Vec<_>>()),
                0..40,
            ),
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'a', b' ']),
            latin: bool,
            buffer in prop::sample::select(vec![3, 4, 7, 16, 64, 1 << 16]),
        ) {
            let mut content = pieces.concat();
            // The csv crate takes off a mark wherever it is first; two are one too many for it.
            while !marked && content.starts_with(b"\xef\xbb\xbf") {
                content.drain(..3);
            }
            if marked {
                content.splice(..0, *b"\xef\xbb\xbf");
            }
            let encoding = if latin { Encoding::Latin1 } else { Encoding::Utf8 };
            let how = Decoding { encoding, said: Said::Task };
            let source = Source { path: Path::new("f"), delimiter, how };
            let mut expected = theirs(&source, &content);
            // Only inside quotes does one more row not become one.
            let more = theirs(&source, &[&content[..], b"\nX"].concat());
            let mut error = None;
            if more.len() == expected.len() {
                let (line, _) = expected.pop().unwrap();
                error = Some(source.never_ends(line).to_string());
            }
            prop_assert_eq!(ours(&source, &content, buffer), (expected, error));
        }
    }
}
