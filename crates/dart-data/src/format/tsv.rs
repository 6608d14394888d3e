//! Tab-separated rows without quoting (GLUE's files contain unbalanced quotes), and `label text`
//! lines.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use super::lines::{Line, Lines, too_long};
use super::text::{decode, is_missing};
use super::{Record, Visit};
use crate::error::{DataError, Result};
use crate::layout::{Column, Read};

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
                if at(first, *index).is_some() {
                    return Ok(*index);
                }
                let message = format!("has {} fields, column {index} is needed", first.len());
                Err(DataError::row(
                    path,
                    line,
                    message,
                    "check the file's format",
                ))
            }
            Column::Name(name) => {
                let position = first.iter().position(|field| field.trim() == name);
                position.map(|position| position as isize).ok_or_else(|| {
                    let message = format!("no column {name:?} among {}", first.join(", "));
                    DataError::row(path, line, message, "name a column that the header has")
                })
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

    /// A record from a row's fields, which stand at `line`.
    pub(super) fn record<'a>(
        &self,
        read: &Read,
        fields: &[&'a str],
        at_row: (usize, usize),
        path: &Path,
    ) -> Result<Record<'a>> {
        let (row, line) = at_row;
        let missing = |column: isize| {
            let message = format!("has {} fields, column {column} is needed", fields.len());
            DataError::row(path, line, message, "repair or remove the row")
        };
        if fields.len() != self.width && !read.ragged {
            let whose = if read.header {
                "the header"
            } else {
                "the first row"
            };
            let message = format!("has {} fields, {whose} has {}", fields.len(), self.width);
            return Err(DataError::row(
                path,
                line,
                message,
                "repair or remove the row",
            ));
        }
        let text = |column| {
            let field = at(fields, column).ok_or_else(|| missing(column))?;
            Ok(Cow::Borrowed(if read.pandas && is_missing(field) {
                ""
            } else {
                field
            }))
        };
        Ok(Record {
            row,
            line,
            label: Cow::Borrowed(
                at(fields, self.label)
                    .ok_or_else(|| missing(self.label))?
                    .trim(),
            ),
            a: text(self.a)?,
            b: self.b.map(text).transpose()?,
            entities: None,
        })
    }
}

/// The field at a position, from the end where negative.
fn at<'a>(fields: &[&'a str], column: isize) -> Option<&'a str> {
    let index = if column < 0 {
        fields.len().checked_add_signed(column)?
    } else {
        column as usize
    };
    fields.get(index).copied()
}

pub(super) fn read(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    let mut columns: Option<Columns> = None;
    each_line(path, read, |line, row, text| {
        let text = match text {
            Ok(text) => text,
            Err(error) if columns.is_none() => return Err(error),
            Err(error) => return Ok(Some(visit(Err(error)))),
        };
        let fields: Vec<&str> = text.split('\t').collect();
        let columns = match &mut columns {
            Some(columns) => columns,
            None => {
                let first = columns.insert(Columns::resolve(read, &fields, path, line)?);
                if read.header {
                    return Ok(None);
                }
                first
            }
        };
        let mut record = columns.record(read, &fields, (row, line), path);
        if let (Ok(record), true) = (&mut record, columns.label == -1) {
            // LM-BFF's rule: the last field of the line stripped of white space.
            let stripped = text.trim_end();
            let last = stripped.rfind('\t').map_or(0, |tab| tab + 1);
            record.label = Cow::Borrowed(stripped[last..].trim());
        }
        Ok(Some(visit(record)))
    })
}

pub(super) fn read_label_text(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    each_line(path, read, |line, row, text| {
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
    mut each: impl FnMut(usize, usize, Result<Cow<str>>) -> Result<Option<ControlFlow<()>>>,
) -> Result<()> {
    let mut lines = Lines::open(path)?;
    let (mut row, mut any) = (0, false);
    while let Some((line, content)) = lines.next()? {
        any = true;
        let text = match content {
            Line::TooLong => Err(too_long(path, line)),
            Line::Text(bytes) => decode(bytes, read.encoding, path, line),
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
