//! Rows of a file with their classes: all of them, or those that are wanted.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::example::Example;
use crate::format::{Record, read_some};
use crate::labels::LabelMap;
use crate::layout::{Broken, Layout};

/// Calls `each` for every row with its class. The first row that cannot be read ends it, unless the
/// catalog says that such rows are dropped; their number is returned.
pub(crate) fn each(
    task: &Task,
    layout: &Layout,
    file: &Path,
    each: impl FnMut(&Record, Option<usize>),
) -> Result<usize> {
    each_of(task, layout, file, &|_| true, each)
}

/// The same for the rows that are wanted, and maybe others.
fn each_of(
    task: &Task,
    layout: &Layout,
    file: &Path,
    wanted: &dyn Fn(usize) -> bool,
    mut each: impl FnMut(&Record, Option<usize>),
) -> Result<usize> {
    let map = LabelMap::new(task, &layout.read);
    let (mut failed, mut dropped) = (None, 0);
    read_some(file, &layout.read, wanted, &mut |record| {
        match record.and_then(|record| map.class(&record, file).map(|class| (record, class))) {
            Ok((record, class)) => each(&record, class),
            Err(_) if layout.read.broken == Broken::Drop => dropped += 1,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(dropped), Err)
}

fn example(record: &Record, label: usize) -> Example {
    Example {
        row: record.row,
        text_a: record.a.clone().into_owned(),
        text_b: record.b.clone().map(|text| text.into_owned()),
        entities: record.entities.clone(),
        label,
    }
}

/// All rows with a class, and how many were left out because they cannot be read.
pub(crate) fn read_all(task: &Task, layout: &Layout, file: &Path) -> Result<(Vec<Example>, usize)> {
    let mut examples = Vec::new();
    let dropped = each(task, layout, file, |record, class| {
        examples.extend(class.map(|class| example(record, class)));
    })?;
    refuse_no_row(layout, file, examples.is_empty())?;
    Ok((examples, dropped))
}

/// Refuses a file of one's own without a row of any class.
pub(crate) fn refuse_no_row(layout: &Layout, file: &Path, empty: bool) -> Result<()> {
    if !(layout.own && empty) {
        return Ok(());
    }
    let message = match layout.read.header {
        true => "has no row of any class after its header",
        false => "has no row of any class",
    };
    Err(DataError::file(
        file,
        message,
        "add rows, or name another file",
    ))
}

/// The given rows, in the order given.
pub(crate) fn select(
    task: &Task,
    layout: &Layout,
    file: &Path,
    rows: &[usize],
) -> Result<Vec<Example>> {
    let mut wanted: Vec<(usize, usize)> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| (*row, place))
        .collect();
    wanted.sort_unstable();
    let next = Cell::new(0); // index into `wanted` of the row awaited
    let awaited = |row: usize| {
        wanted
            .get(next.get())
            .is_some_and(|(wanted, _)| *wanted == row)
    };
    let mut found: Vec<(usize, Example)> = Vec::with_capacity(rows.len());
    each_of(task, layout, file, &awaited, |record, class| {
        if awaited(record.row) {
            let (_, place) = wanted[next.get()];
            next.set(next.get() + 1);
            found.extend(class.map(|class| (place, example(record, class))));
        }
    })?;
    found.sort_unstable_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, example)| example).collect())
}
