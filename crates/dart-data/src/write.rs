//! Writes k-shot folders as LM-BFF lays them out, byte for byte as its generator does:
//! `<out>/<task>/<K>-<seed>/{train,dev,test}.{tsv,csv}`.
//!
//! TSV rows are copied with their line ends made `\n` (a last line without one stays so, and is
//! glued to its successor where the shuffle moved it inside); CSV is what pandas writes. Rows are
//! grouped by the label as written, so a value that is no class of the task forms a group of its
//! own, as it does there. Relations are written as JSON lines (`.jsonl`), ratings as the rows they
//! are.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::absence::absent_for;
use crate::catalog::{Kind, Task};
use crate::distribution::find_full;
use crate::error::{DataError, Result};
use crate::format::lines::{Line, Lines, too_long};
use crate::format::relation::json_line;
use crate::format::text::{Decoding, decode};
use crate::format::{Record, read_rows};
use crate::kshot::{Draw, draw, numpy_seed};
use crate::layout::{Column, Format, Layout};
use crate::pool::Pool;
use crate::request::SplitRequest;
use crate::shots::Shots;
use crate::warning::{Warning, few_rows};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The files: train, dev and, where the distribution has one, test.
    pub files: Vec<PathBuf>,
    /// Classes with too few rows.
    pub warnings: Vec<Warning>,
}

/// Draws a k-shot split from a full distribution in the data folder and writes it below `out`.
///
/// # Errors
/// No full distribution there, one that cannot be read, an `out` that cannot be written, or a
/// request for all rows, of which there is no such folder.
pub fn write_kshot(task: &Task, request: &SplitRequest, out: &Path) -> Result<Written> {
    let found = find_full(task, request).ok_or_else(|| absent_for(task, request))?;
    let layout = found.layout;
    let source = found.file(&layout.train);
    if request.k == Shots::Full {
        let message = "is not drawn from where all rows are asked for";
        return Err(DataError::file(&source, message, "give a number as K"));
    }
    let parted = match layout.part {
        Some(_) => Some(Pool::scan(task, layout, &source)?),
        None => None,
    };
    let groups = Groups::read(
        layout,
        &source,
        parted.as_ref().map(|pool| pool.rows.as_slice()),
    )?;
    let how = Draw {
        k: request.k,
        dev_factor: request.dev_factor,
        seed: numpy_seed(request.seed, &source)?,
        chain: &layout.chain,
    };
    let drawn = draw(&groups.of_row, groups.names.len(), &how);
    let warnings = few_rows(
        &groups.names,
        &drawn.available,
        (request.k, request.dev_factor),
        request.strict,
        &source,
    )?;

    let extension = match (task.kind, layout.read.format) {
        (Kind::Relation, _) => "jsonl",
        (_, Format::Tsv) => "tsv",
        _ => "csv",
    };
    if let Some(drawn) = task.layouts.iter().find(|layout| layout.drawn())
        && !drawn.train.ends_with(extension)
    {
        let message = format!(
            "{} is written from other distributions only, as this one ({}) gives .{extension} files",
            task.name, layout.name
        );
        let remedy = "name LM-BFF's or GLUE's own files; experiments sample this one directly";
        return Err(DataError::file(&source, message, remedy));
    }
    let names = Names::of(task, extension);
    let folder = out
        .join(&names.folder)
        .join(format!("{}-{}", request.k, request.seed));
    std::fs::create_dir_all(&folder).map_err(|error| DataError::io(&folder, error))?;
    let rows = |drawn: &[usize]| {
        drawn
            .iter()
            .map(|index| groups.rows[*index])
            .collect::<Vec<_>>()
    };
    let mut splits = vec![
        (names.train, rows(&drawn.train)),
        (names.dev, rows(&drawn.dev)),
    ];
    splits.extend(parted.map(|pool| (names.test.clone(), pool.test)));
    let mut files = Vec::new();
    for (name, rows) in splits {
        let file = folder.join(name);
        save(&file, &text_of(layout, &source, Some(&rows))?)?;
        files.push(file);
    }
    if let Some(test) = layout
        .test
        .as_deref()
        .map(|test| found.file(test))
        .filter(|f| f.exists())
    {
        let file = folder.join(names.test);
        save(&file, &text_of(layout, &test, None)?)?;
        files.push(file);
    }
    Ok(Written { files, warnings })
}

/// The names that LM-BFF gives, from the task's k-shot layout.
struct Names {
    folder: String,
    train: String,
    dev: String,
    test: String,
}

impl Names {
    fn of(task: &Task, extension: &str) -> Self {
        let layout = task.layouts.iter().find(|layout| layout.drawn());
        let folder = layout
            .and_then(|layout| layout.dirs.first())
            .and_then(|dir| dir.split('/').rev().nth(1))
            .unwrap_or(&task.name);
        let name = |given: Option<&String>, split: &str| match given {
            Some(name) if name.ends_with(extension) => name.clone(),
            _ => format!("{split}.{extension}"),
        };
        Names {
            folder: folder.to_owned(),
            train: format!("train.{extension}"),
            dev: name(layout.and_then(|layout| layout.dev.as_ref()), "dev"),
            test: name(layout.and_then(|layout| layout.test.as_ref()), "test"),
        }
    }
}

/// Rows by their label as written.
struct Groups {
    /// Labels in order of first appearance.
    names: Vec<String>,
    /// Rows of the file that take part.
    rows: Vec<usize>,
    /// Index into `names` for each of `rows`.
    of_row: Vec<Option<usize>>,
}

impl Groups {
    fn read(layout: &Layout, file: &Path, only: Option<&[usize]>) -> Result<Groups> {
        let only: Option<HashSet<usize>> = only.map(|rows| rows.iter().copied().collect());
        let mut groups = Groups {
            names: Vec::new(),
            rows: Vec::new(),
            of_row: Vec::new(),
        };
        let mut known: HashMap<String, usize> = HashMap::new();
        raw_rows(layout, file, &mut |row, label, _| {
            let (Some(row), Some(label)) = (row, label) else {
                return;
            };
            if only.as_ref().is_some_and(|only| !only.contains(&row)) {
                return;
            }
            let group = match known.get(label) {
                Some(group) => *group,
                None => {
                    known.insert(label.to_owned(), groups.names.len());
                    groups.names.push(label.to_owned());
                    groups.names.len() - 1
                }
            };
            groups.rows.push(row);
            groups.of_row.push(Some(group));
        })?;
        Ok(groups)
    }
}

/// The file's header and the given rows in their order, or all of it.
fn text_of(layout: &Layout, file: &Path, rows: Option<&[usize]>) -> Result<String> {
    let places: Option<HashMap<usize, usize>> = rows.map(|rows| {
        rows.iter()
            .enumerate()
            .map(|(place, row)| (*row, place))
            .collect()
    });
    let mut header = String::new();
    let mut found: Vec<(usize, String)> = Vec::new();
    raw_rows(layout, file, &mut |row, _, text| match (row, &places) {
        (None, _) => header.push_str(text),
        (Some(row), None) => found.push((row, text.to_owned())),
        (Some(row), Some(places)) => {
            found.extend(places.get(&row).map(|place| (*place, text.to_owned())));
        }
    })?;
    found.sort_unstable_by_key(|(place, _)| *place);
    found
        .into_iter()
        .for_each(|(_, text)| header.push_str(&text));
    Ok(header)
}

/// Calls `each` with row (`None` for the header), label and text as it will be written.
type Raw<'r> = dyn FnMut(Option<usize>, Option<&str>, &str) + 'r;

fn raw_rows(layout: &Layout, file: &Path, each: &mut Raw) -> Result<()> {
    if layout.read.format == Format::Tsv {
        return raw_lines(layout, file, each);
    }
    let mut failed = None;
    let mut text = String::new();
    read_rows(file, &layout.read, &mut |record| match record {
        Ok(record) => {
            text.clear();
            if record.entities.is_some() {
                text.push_str(&json_line(&record));
                text.push('\n');
            } else {
                csv_row(&record, &mut text);
            }
            each(Some(record.row), Some(&record.label), &text);
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(()), Err)
}

fn raw_lines(layout: &Layout, file: &Path, each: &mut Raw) -> Result<()> {
    let mut lines = Lines::open(file)?;
    let marked = lines.marked;
    let mut row = None;
    loop {
        let Some((number, line)) = lines.next()? else {
            return Ok(());
        };
        let mut text = match line {
            Line::Text(bytes) => {
                decode(bytes, Decoding::of(&layout.read), file, number)?.into_owned()
            }
            Line::TooLong => return Err(too_long(file, number)),
        };
        if number == 1 && marked {
            text.insert(0, '\u{feff}');
        }
        let label = label_of(layout, &text).to_owned();
        if lines.ended {
            text.push('\n');
        }
        if number == 1 && layout.read.header {
            each(None, None, &text);
        } else {
            let this = row.map_or(0, |row: usize| row + 1);
            row = Some(this);
            each(Some(this), Some(&label), &text);
        }
    }
}

/// LM-BFF's `get_label`: the last field of the stripped line, or the field at a position, or the
/// interval in which a score lies.
fn label_of<'l>(layout: &'l Layout, line: &'l str) -> &'l str {
    let label = match layout.read.label {
        Some(Column::Index(index)) if index >= 0 => {
            line.split('\t').nth(index as usize).unwrap_or_default()
        }
        _ => line.trim().rsplit('\t').next().unwrap_or_default(),
    };
    let score = label.trim().parse().ok();
    let bin = score.and_then(|score| layout.read.bins.iter().find(|bin| bin.holds(score)));
    bin.map_or(label, |bin| bin.label.as_str())
}

/// A row as pandas' `to_csv(header=False, index=False)` writes it.
fn csv_row(record: &Record, out: &mut String) {
    field(&record.label, out);
    for text in std::iter::once(&record.a).chain(&record.b) {
        out.push(',');
        field(text, out);
    }
    out.push('\n');
}

fn field(text: &str, out: &mut String) {
    if text.contains([',', '"', '\n']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// Writes a file under another name first, so that a half-written one never stands there.
fn save(path: &Path, text: &str) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    std::fs::write(&partial, text).map_err(|error| DataError::io(&partial, error))?;
    std::fs::rename(&partial, path).map_err(|error| DataError::io(path, error))
}
