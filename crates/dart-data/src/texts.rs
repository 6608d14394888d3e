//! One's own texts without labels, to be classified.

use std::ops::ControlFlow;
use std::path::Path;

use crate::error::{DataError, Result};
use crate::example::Example;
use crate::format::read_rows;
use crate::layout::Read;

/// Reads every row of a file in the way that [`Read::texts`] and its settings say; the label of the
/// examples is 0 and means nothing.
///
/// # Errors
/// The first row that cannot be read, or a file without any row.
pub fn read_unlabelled(path: &Path, read: &Read) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    let mut failure = None;
    read_rows(path, read, &mut |record| match record {
        Ok(record) => {
            examples.push(Example {
                row: record.row,
                text_a: record.a.into_owned(),
                text_b: record.b.map(Into::into),
                entities: record.entities,
                label: 0,
            });
            ControlFlow::Continue(())
        }
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    match failure {
        Some(error) => Err(error),
        None if examples.is_empty() => {
            let remedy = "give a file with a row a text";
            Err(DataError::file(path, "has no row", remedy))
        }
        None => Ok(examples),
    }
}
