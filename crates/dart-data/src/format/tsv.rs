//! Tab-separated rows without quoting (GLUE's files contain unbalanced quotes), and `label text`
//! lines.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use super::lines::{Line, Lines, too_long};
use super::row::{Record, Visit};
use super::text::{Decoding, decode, is_missing};
use crate::error::{DataError, Result, Setting};
use crate::layout::{Column, Format, Read, Said};

/// The columns that are read, as positions.
pub(super) struct Columns {
    pub(super) a: isize,
    pub(super) b: Option<isize>,
    pub(super) label: isize,
    /// Fields of the header, or of the first row.
    pub(super) width: usize,
}

impl Columns {
    /// Finds the columns in a header, or checks positions against the first row's width.
    pub(super) fn resolve(read: &Read, first: &[&str], path: &Path, line: usize) -> Result<Self> {
        let find = |column: &Column| match column {
            Column::Index(index) => {
                if position(first.len(), *index).is_some() {
                    return Ok(*index);
                }
                let has = |fields: &[&str]| position(fields.len(), *index).is_some();
                let mut message = format!("has {} fields, column {index} is needed", first.len());
                let (remedy, setting) = match other_delimiter(read, first, has) {
                    Some((said, remedy)) => {
                        message += &said;
                        remedy
                    }
                    None => ("check the file's format".to_owned(), None),
                };
                Err(DataError::row(path, line, message, remedy).or_with(setting))
            }
            Column::Name(name) => {
                let is_it = |field: &&str| field.trim().trim_matches('"') == name;
                let mut places = (0..first.len()).filter(|place| first[*place].trim() == name);
                match (places.next(), places.next()) {
                    (Some(place), None) => return Ok(place as isize),
                    (Some(_), Some(_)) => {
                        let message = format!("the header has two columns {name:?}");
                        let remedy = "rename one of them, so that it is clear which is meant";
                        return Err(DataError::row(path, line, message, remedy));
                    }
                    (None, _) => {}
                }
                let mut message = format!("no column {name:?} among {}", first.join(", "));
                let has = |fields: &[&str]| fields.iter().any(is_it);
                let (remedy, setting) = match other_delimiter(read, first, has) {
                    Some((said, remedy)) => {
                        message += &said;
                        remedy
                    }
                    None => ("name a column that the header has".to_owned(), None),
                };
                Err(DataError::row(path, line, message, remedy).or_with(setting))
            }
        };
        let needed = |column: &Option<Column>, what: &str| {
            column.as_ref().map(find).unwrap_or_else(|| {
                let remedy = "name the column in the task's entry";
                Err(DataError::row(
                    path,
                    line,
                    format!("no column is named for the {what}"),
                    remedy,
                ))
            })
        };
        Ok(Columns {
            a: needed(&read.a, "text")?,
            b: read.b.as_ref().map(find).transpose()?,
            label: needed(&read.label, "label")?,
            width: first.len(),
        })
    }

    /// A record from a row of `count` fields, which stands at `line`.
    pub(super) fn record<'a>(
        &self,
        read: &Read,
        count: usize,
        field: impl Fn(usize) -> Result<Cow<'a, str>>,
        (row, line): (usize, usize),
        path: &Path,
    ) -> Result<Record<'a>> {
        let remedy = "repair or remove the row";
        if count != self.width && !read.ragged {
            let whose = if read.header {
                "the header"
            } else {
                "the first row"
            };
            let message = format!("has {count} fields, {whose} has {}", self.width);
            return Err(DataError::row(path, line, message, remedy));
        }
        let at = |column: isize| match position(count, column) {
            Some(index) => field(index),
            None => {
                let message = format!("has {count} fields, column {column} is needed");
                Err(DataError::row(path, line, message, remedy))
            }
        };
        let text = |column| {
            let text = at(column)?;
            Ok(if read.pandas && is_missing(&text) {
                Cow::Borrowed("")
            } else {
                text
            })
        };
        let label = match at(self.label)? {
            Cow::Borrowed(label) => Cow::Borrowed(label.trim()),
            Cow::Owned(label) => Cow::Owned(label.trim().to_owned()),
        };
        let (a, b) = (text(self.a)?, self.b.map(text).transpose()?);
        Ok(Record {
            row,
            line,
            label,
            a,
            b,
            entities: None,
        })
    }
}

/// What to say where the first row is one field, and another delimiter would part it into fields in
/// which the column `is_found`: Excel writes semicolons where commas stand in numbers.
fn other_delimiter(
    read: &Read,
    first: &[&str],
    is_found: impl Fn(&[&str]) -> bool,
) -> Option<(String, (String, Option<Setting>))> {
    let [row] = first else {
        return None;
    };
    let parts = |delimiter: &char| {
        let fields: Vec<&str> = row.split(*delimiter).collect();
        fields.len() > 1 && is_found(&fields)
    };
    let delimiter = [';', ',', '\t', '|'].into_iter().find(parts)?;
    let shown = format!("\"{}\"", delimiter.escape_default());
    // Quotes in the rows have no meaning in this format.
    let said = match read.format {
        Format::Tsv => Said::Catalog,
        _ => read.said,
    };
    let wanted = match (read.format, read.delimiter) {
        (Format::Tsv, _) | (_, '\t') => "tabs".to_owned(),
        (_, ',') => "commas".to_owned(),
        (_, other) => format!("{other:?}"),
    };
    let remedy = said.remedy(
        &format!("convert the file to {wanted}"),
        "delimiter",
        &shown,
    );
    Some((format!("; {shown} seems to part the fields"), remedy))
}

/// The position of a column among `count` fields, from the end where negative.
fn position(count: usize, column: isize) -> Option<usize> {
    let index = if column < 0 {
        count.checked_add_signed(column)?
    } else {
        column as usize
    };
    (index < count).then_some(index)
}

/// Rows of so many fields need no allocation.
const FEW: usize = 24;

/// The fields of a row, in `few` where they fit.
fn split<'f, 't>(
    text: &'t str,
    few: &'f mut [&'t str; FEW],
    many: &'f mut Vec<&'t str>,
) -> &'f [&'t str] {
    let (mut count, mut from) = (0, 0);
    for tab in memchr::memchr_iter(b'\t', text.as_bytes()).chain([text.len()]) {
        let field = &text[from..tab];
        from = tab + 1;
        if count < FEW {
            few[count] = field;
        } else {
            if many.is_empty() {
                many.extend_from_slice(few.as_slice());
            }
            many.push(field);
        }
        count += 1;
    }
    if many.is_empty() { &few[..count] } else { many }
}

/// Whether a row is wanted; others are passed over unread.
pub(super) type Wanted<'w> = &'w dyn Fn(usize) -> bool;

pub(super) fn read(path: &Path, read: &Read, wanted: Wanted, visit: &mut Visit) -> Result<()> {
    let mut columns: Option<Columns> = None;
    each_line_of(path, read, wanted, |line, row, text| {
        let text = match text {
            Ok(text) => text,
            Err(error) if columns.is_none() => return Err(error),
            Err(error) => return Ok(Some(visit(Err(error)))),
        };
        let mut few = [""; FEW];
        let mut many = Vec::new();
        let fields = split(&text, &mut few, &mut many);
        let columns = match &mut columns {
            Some(columns) => columns,
            None => {
                let first = columns.insert(Columns::resolve(read, fields, path, line)?);
                if read.header {
                    return Ok(None);
                }
                first
            }
        };
        let field = |index: usize| Ok(Cow::Borrowed(fields[index]));
        let mut record = columns.record(read, fields.len(), field, (row, line), path);
        if let (Ok(record), true) = (&mut record, columns.label == -1) {
            // LM-BFF's rule: the last field of the line stripped of white space.
            let stripped = text.trim_end();
            let last = stripped.rfind('\t').map_or(0, |tab| tab + 1);
            record.label = Cow::Borrowed(stripped[last..].trim());
        }
        Ok(Some(visit(record)))
    })
}

pub(super) fn read_label_text(
    path: &Path,
    read: &Read,
    wanted: Wanted,
    visit: &mut Visit,
) -> Result<()> {
    each_line_of(path, read, wanted, |line, row, text| {
        let text = match text {
            Ok(text) => text,
            Err(error) => return Ok(Some(visit(Err(error)))),
        };
        let (label, a) = text.split_once(' ').unwrap_or((&text, ""));
        let (label, a) = (Cow::Borrowed(label), Cow::Borrowed(a.trim_end()));
        Ok(Some(visit(Ok(Record {
            row,
            line,
            label,
            a,
            b: None,
            entities: None,
        }))))
    })
}

/// Calls `each` with the line's number, the data row it would be and its text; `None` says that it
/// was no data row.
pub(super) fn each_line(
    path: &Path,
    read: &Read,
    each: impl FnMut(usize, usize, Result<Cow<str>>) -> Result<Option<ControlFlow<()>>>,
) -> Result<()> {
    each_line_of(path, read, &|_| true, each)
}

/// The same for the rows that are wanted, where each line but a header is a row. The first line is
/// always read.
fn each_line_of(
    path: &Path,
    read: &Read,
    wanted: Wanted,
    mut each: impl FnMut(usize, usize, Result<Cow<str>>) -> Result<Option<ControlFlow<()>>>,
) -> Result<()> {
    let mut lines = Lines::open(path)?;
    let (mut row, mut any) = (0, false);
    while let Some((line, content)) = lines.next()? {
        if any && !wanted(row) {
            row += 1;
            continue;
        }
        any = true;
        let text = match content {
            Line::TooLong => Err(too_long(path, line)),
            Line::Text(bytes) => decode(bytes, Decoding::of(read), path, line),
        };
        match each(line, row, text)? {
            None => {}
            Some(ControlFlow::Continue(())) => row += 1,
            Some(ControlFlow::Break(())) => return Ok(()),
        }
    }
    if any {
        Ok(())
    } else {
        Err(DataError::file(path, "is empty", "get the file again"))
    }
}
