//! Reading every row of every file that is there: problems with file and line, counts, duplicates.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, Task};
use crate::distribution::{Distribution, present};
use crate::error::{DataError, Result};
use crate::format::{Record, read_rows};
use crate::labels::LabelMap;
use crate::layout::{Broken, Layout, Read};
use crate::own::TEST_PERCENT;
use crate::test_texts::test_texts;
use crate::text_key::text_hash;

/// Hashes of texts.
type Hashes = HashSet<[u8; 16]>;

/// A file, read row by row.
#[derive(Debug, Default)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// Rows, the unreadable ones too.
    pub rows: usize,
    /// Rows of each class (by the label as written, where no task is known).
    pub labels: BTreeMap<String, usize>,
    /// Rows without a class, dropped as the catalog says.
    pub dropped: usize,
    /// Rows with an empty or NA-like text.
    pub empty: usize,
    /// Rows whose text stood before in the file.
    pub duplicates: usize,
    /// Duplicates of another label.
    pub conflicts: usize,
    /// Rows of each label as a single file would give them: duplicates left out, without and with
    /// those that would be the test set.
    distinct: BTreeMap<String, [usize; 2]>,
    /// What is wrong, up to the limit.
    pub problems: Vec<DataError>,
    /// How many more problems there are.
    pub more: usize,
    hashes: Hashes,
}

impl FileReport {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.problems.is_empty()
    }

    /// The largest K with as many rows of each label for dev, where the file is a task's only one:
    /// with the usual share of it as test set, and without a test set.
    pub fn largest_k(&self) -> [usize; 2] {
        let least = |which: usize| self.distinct.values().map(|rows| rows[which]).min();
        [0, 1].map(|which| least(which).unwrap_or(0) / 2)
    }

    fn problem(&mut self, error: DataError, limit: usize) {
        if self.problems.len() < limit {
            self.problems.push(error);
        } else {
            self.more += 1;
        }
    }
}

/// A distribution of a task in a folder.
#[derive(Debug)]
pub struct LayoutReport {
    /// Its name.
    pub layout: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its files: train, dev, test, as far as they are there.
    pub files: Vec<FileReport>,
    /// Texts that two of the files share: indices into `files` and how many.
    pub shared: Vec<(usize, usize, usize)>,
    /// What the catalog says about it.
    pub note: Option<String>,
}

impl LayoutReport {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.files.iter().all(FileReport::is_fine)
    }
}

/// Checks every distribution of a task in the folder; at most `limit` problems a file are kept.
pub fn check_task(task: &Task, data_dir: &Path, limit: usize) -> Vec<LayoutReport> {
    present(task, data_dir)
        .iter()
        .map(|found| check_distribution(task, found, limit))
        .collect()
}

fn check_distribution(task: &Task, found: &Distribution, limit: usize) -> LayoutReport {
    let layout = found.layout;
    let mut names = vec![
        Some(layout.train.as_str()),
        layout.dev.as_deref(),
        layout.test.as_deref(),
    ];
    if layout.dev == layout.test {
        names[1] = None;
    }
    let mut files = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let Some(path) = name.map(|name| found.file(name)) else {
            continue;
        };
        if !path.exists() {
            continue;
        }
        let mut report = check_rows(&path, &layout.read, Some(task), limit);
        match layout.rows.get(index) {
            Some(expected) if *expected > 0 && *expected != report.rows => {
                let message = format!("has {} rows, {expected} are published", report.rows);
                let remedy = "the file is incomplete or another one; get it again";
                report.problem(DataError::file(&path, message, remedy), limit);
            }
            _ => {}
        }
        files.push(report);
    }
    let mut shared = Vec::new();
    for a in 0..files.len() {
        for b in a + 1..files.len() {
            let both = files[a].hashes.intersection(&files[b].hashes).count();
            if both > 0 {
                shared.push((a, b, both));
            }
        }
    }
    let (layout, note) = (layout.name.clone(), layout.note.clone());
    LayoutReport {
        layout,
        dir: found.dir.clone(),
        files,
        shared,
        note,
    }
}

/// Checks a file of one's own. Any label is accepted and counted, but one alone is not enough.
pub fn check_file(path: &Path, read: &Read, limit: usize) -> FileReport {
    let mut report = check_rows(path, read, None, limit);
    if report.is_fine() && report.labels.len() < 2 {
        let message = match report.labels.len() {
            0 => "has no row",
            _ => "has rows of one label only",
        };
        let remedy = "add rows, or name another file or column: a task has two classes or more";
        report.problem(DataError::file(path, message, remedy), limit.max(1));
    }
    report
}

fn check_rows(path: &Path, read: &Read, task: Option<&Task>, limit: usize) -> FileReport {
    let map = task.map(|task| LabelMap::new(task, read));
    let mut report = FileReport {
        path: path.to_owned(),
        ..FileReport::default()
    };
    let mut label_of: HashMap<[u8; 16], String> = HashMap::new();
    let done = read_rows(path, read, &mut |record| {
        report.rows += 1;
        let named = record.and_then(|record| {
            let class = map
                .as_ref()
                .map(|map| map.class(&record, path))
                .transpose()?;
            let name = match (class, task) {
                (Some(class), Some(task)) => class.map(|class| task.labels[class].clone()),
                _ => Some(record.label.to_string()),
            };
            Ok((record, name))
        });
        match named {
            Ok((record, name)) => count(&mut report, &record, name, &mut label_of),
            Err(_) if read.broken == Broken::Drop => report.dropped += 1,
            Err(error) => report.problem(error, limit),
        }
        ControlFlow::Continue(())
    });
    if let Err(error) = done {
        report.problem(error, limit.max(1));
    }
    report
}

fn count(
    report: &mut FileReport,
    record: &Record,
    name: Option<String>,
    label_of: &mut HashMap<[u8; 16], String>,
) {
    let Some(name) = name else {
        report.dropped += 1;
        return;
    };
    let empty = |text: &str| text.trim().is_empty() || crate::format::text::is_missing(text);
    if empty(&record.a) || record.b.as_deref().is_some_and(empty) {
        report.empty += 1;
    }
    let (hash, bucket) = text_hash(&record.a, record.b.as_deref());
    let new = report.hashes.insert(hash);
    if new || record.entities.is_some() {
        let rows = report.distinct.entry(name.clone()).or_default();
        rows[0] += usize::from(bucket >= TEST_PERCENT);
        rows[1] += 1;
    }
    // Pairs of entities in one sentence are no duplicates.
    if record.entities.is_none() {
        match label_of.get(&hash) {
            Some(before) => {
                report.duplicates += 1;
                report.conflicts += usize::from(*before != name);
            }
            None => {
                label_of.insert(hash, name.clone());
            }
        }
    }
    *report.labels.entry(name).or_default() += 1;
}

/// Texts of one task's test set that stand in the data of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The task whose test texts these are.
    pub test_of: String,
    /// The other task.
    pub other: String,
    /// How many different texts.
    pub texts: usize,
    /// Whether the catalog says that the tasks overlap.
    pub known: bool,
}

/// Counts, for every two tasks present in the folder, the test texts of one that stand anywhere in
/// the other, by the letters and digits of the text.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn shared_texts(catalog: &Catalog, data_dir: &Path) -> Result<Vec<Shared>> {
    let mut tasks: Vec<(&Task, Hashes, Hashes)> = Vec::new();
    for task in catalog.tasks() {
        let reports = check_task(task, data_dir, 1);
        if reports.is_empty() {
            continue;
        }
        let texts = test_texts(task, data_dir)?;
        let test = texts.iter().map(|text| text_hash(text, None).0).collect();
        let mut all = HashSet::new();
        for report in reports.into_iter().flat_map(|report| report.files) {
            all.extend(report.hashes);
        }
        tasks.push((task, test, all));
    }
    let mut shared = Vec::new();
    for (task, test, _) in &tasks {
        for (other, _, all) in tasks.iter().filter(|(other, ..)| other.name != task.name) {
            let texts = test.intersection(all).count();
            if texts > 0 {
                let known = task.overlaps.contains(&other.name);
                let (test_of, other) = (task.name.clone(), other.name.clone());
                shared.push(Shared {
                    test_of,
                    other,
                    texts,
                    known,
                });
            }
        }
    }
    Ok(shared)
}

/// The official counts of a layout, for tables: train, dev, test.
pub fn official_rows(layout: &Layout) -> [Option<usize>; 3] {
    [0, 1, 2].map(|index| layout.rows.get(index).copied().filter(|rows| *rows > 0))
}
