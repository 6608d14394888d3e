//! A JSON object a line, with the columns as keys.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use super::row::{Record, Visit};
use super::text::is_missing;
use super::tsv::each_line;
use crate::error::{DataError, Result};
use crate::layout::{Column, Read};

pub(super) fn read(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    each_line(path, read, |line, row, text| {
        let text = match text {
            Ok(text) => text,
            Err(error) => return Ok(Some(visit(Err(error)))),
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        if row == 0 {
            refuse_other_json(text.trim(), path, line)?;
        }
        let record =
            object(&text, path, line).and_then(|object| record(object, read, path, (row, line)));
        Ok(Some(visit(record)))
    })
}

/// Refuses a file whose first line shows that it is JSON, but not an object a line.
fn refuse_other_json(first: &str, path: &Path, line: usize) -> Result<()> {
    let (message, filter) = match first {
        "{" => ("is no JSON object but the start of one", "."),
        _ if first.starts_with('[') => ("is no JSON object but the start of a list", ".[]"),
        _ => return Ok(()),
    };
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let remedy = format!(
        "write an object a line: `jq -c '{filter}' {file} > rows.jsonl`, or in pandas \
         `to_json(\"rows.jsonl\", orient=\"records\", lines=True)`"
    );
    Err(DataError::row(path, line, message, remedy))
}

/// Parses one line as a JSON object.
pub(super) fn object(
    text: &str,
    path: &Path,
    line: usize,
) -> Result<serde_json::Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(DataError::row(
            path,
            line,
            "is no JSON object",
            "write an object a line",
        )),
        Err(error) => {
            let message = format!("not valid JSON ({error})");
            Err(DataError::row(
                path,
                line,
                message,
                "repair or remove the row",
            ))
        }
    }
}

fn record(
    object: serde_json::Map<String, Value>,
    read: &Read,
    path: &Path,
    at_row: (usize, usize),
) -> Result<Record<'static>> {
    let (row, line) = at_row;
    let take = |column: &Option<Column>, what: &str| {
        let Some(Column::Name(key)) = column else {
            let message = format!("no key is named for the {what}");
            return Err(DataError::row(
                path,
                line,
                message,
                "name the column in the task's entry",
            ));
        };
        match object.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(value)) => Ok(value.to_string()),
            Some(Value::Null) => Ok(String::new()),
            Some(_) => {
                let message = format!("{key:?} is neither text nor number");
                Err(DataError::row(
                    path,
                    line,
                    message,
                    "repair or remove the row",
                ))
            }
            None => {
                let keys: Vec<_> = object.keys().map(String::as_str).collect();
                let message = format!("no key {key:?} among {}", keys.join(", "));
                Err(DataError::row(
                    path,
                    line,
                    message,
                    "name a key that the rows have",
                ))
            }
        }
    };
    let text = |text: String| {
        Cow::Owned(if read.pandas && is_missing(&text) {
            String::new()
        } else {
            text
        })
    };
    let label = take(&read.label, "label")?.trim().to_owned();
    let a = text(take(&read.a, "text")?);
    let b = read
        .b
        .as_ref()
        .map(|_| take(&read.b, "second text"))
        .transpose()?
        .map(text);
    Ok(Record {
        row,
        line,
        label: Cow::Owned(label),
        a,
        b,
        entities: None,
    })
}
