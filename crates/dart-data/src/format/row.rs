//! One row of a file, whatever its format.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::error::Result;
use crate::example::Entities;

/// A row as the file has it; the label is not yet interpreted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// 0-based data row.
    pub row: usize,
    /// 1-based line on which the row starts (0 where the format has no lines).
    pub line: usize,
    /// The label as written, trimmed.
    pub label: Cow<'a, str>,
    /// The text.
    pub a: Cow<'a, str>,
    /// The second text.
    pub b: Option<Cow<'a, str>>,
    /// Head and tail.
    pub entities: Option<Box<Entities>>,
}

/// What is called for each row; a row that cannot be read is an error in its place, and reading
/// goes on after it if the visitor says so.
pub type Visit<'v> = dyn FnMut(Result<Record<'_>>) -> ControlFlow<()> + 'v;
