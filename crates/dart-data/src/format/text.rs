//! Decoding lines and fields.

use std::borrow::Cow;
use std::path::Path;

use super::lines::{MAX_LINE, too_long};
use crate::error::{DataError, Result};
use crate::layout::{Encoding, Read, Said};

/// How bytes become text, and where that was said.
#[derive(Clone, Copy)]
pub(crate) struct Decoding {
    pub(crate) encoding: Encoding,
    pub(crate) said: Said,
}

impl Decoding {
    pub(crate) fn of(read: &Read) -> Self {
        Decoding {
            encoding: read.encoding,
            said: read.said,
        }
    }
}

/// Decodes a line or field; NUL bytes are refused, as they mean that the file is no text.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    how: Decoding,
    path: &Path,
    line: usize,
) -> Result<Cow<'a, str>> {
    if bytes.len() > MAX_LINE {
        return Err(too_long(path, line));
    }
    if memchr::memchr(0, bytes).is_some() {
        let remedy = "the file is binary or UTF-16; convert it to UTF-8";
        return Err(DataError::row(path, line, "holds a NUL byte", remedy));
    }
    match how.encoding {
        Encoding::Latin1 if bytes.is_ascii() => utf8(bytes, how.said, path, line),
        Encoding::Latin1 => Ok(Cow::Owned(
            bytes.iter().map(|byte| char::from(*byte)).collect(),
        )),
        Encoding::Utf8 => utf8(bytes, how.said, path, line),
    }
}

fn utf8<'a>(bytes: &'a [u8], said: Said, path: &Path, line: usize) -> Result<Cow<'a, str>> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| {
            let message = format!(
                "not valid UTF-8 at byte {} of the row",
                error.valid_up_to() + 1
            );
            let (remedy, setting) = said.remedy("convert the file to UTF-8", "encoding", "latin-1");
            DataError::row(path, line, message, remedy).or_with(setting)
        })
}

/// The values that pandas (2.1) reads as missing by default.
const MISSING: [&str; 18] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Whether pandas reads the field as missing: empty or NA-like.
pub(crate) fn is_missing(field: &str) -> bool {
    field.is_empty() || (field.len() <= 8 && MISSING.contains(&field))
}
