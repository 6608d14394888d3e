//! From a task and a data folder to the three splits of a run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::example::Example;
use crate::layout::Layout;
use crate::pool::{Pool, read_all, select, text_hash};
use crate::present::{self, Place};
use crate::warning::{Warning, WarningKind};

/// Which splits are wanted.
#[derive(Debug, Clone, Copy)]
pub struct SplitRequest<'a> {
    /// The data folder.
    pub data_dir: &'a Path,
    /// Training examples of each class; 0 is all of them (then dev is the official dev set, or a
    /// tenth of the training rows, drawn with the seed).
    pub k: usize,
    /// The seed of the draw.
    pub seed: u64,
    /// Whether a class with too few rows is an error.
    pub strict: bool,
    /// Dev examples of each class in multiples of `k`: 1, or 10 for LM-BFF's `k-shot-10x`.
    pub dev_factor: usize,
    /// The only layout to be used, such as `glue`; any where `None`.
    pub layout: Option<&'a str>,
}

impl<'a> SplitRequest<'a> {
    /// A k-shot split with a dev set of the same size, from whatever layout is there.
    pub fn new(data_dir: &'a Path, k: usize, seed: u64) -> Self {
        SplitRequest {
            data_dir,
            k,
            seed,
            strict: false,
            dev_factor: 1,
            layout: None,
        }
    }

    /// The same request for one layout only.
    pub fn in_layout(self, layout: &'a str) -> Self {
        SplitRequest {
            layout: Some(layout),
            ..self
        }
    }
}

/// The three splits of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    /// Training examples.
    pub train: Vec<Example>,
    /// The examples by which settings are chosen.
    pub dev: Vec<Example>,
    /// The sealed examples; empty where the distribution has none (a warning says so).
    pub test: Vec<Example>,
    /// SHA-256 (hexadecimal) over labels, texts and entities of the three splits.
    pub fingerprint: String,
    /// The layout that was found, such as `k-shot` or `glue`.
    pub distribution: String,
    /// Whether the split was read as it is (`true`) or drawn here.
    pub given: bool,
    /// Files read, train first.
    pub files: Vec<PathBuf>,
    /// What is odd, counted, ready to print.
    pub warnings: Vec<Warning>,
}

/// Loads the splits: a folder of splits already drawn (`<data_dir>/k-shot/<task>/<K>-<seed>` or
/// without `k-shot/`) as it is, else a k-shot draw from a full distribution.
///
/// # Errors
/// Data that are not there (with what was looked for and how to get it) or cannot be read.
pub fn load(task: &Task, request: &SplitRequest) -> Result<Splits> {
    let place = present::find(task, request).ok_or_else(|| {
        DataError::Missing(present::missing_message(
            task,
            request.data_dir,
            Some(request),
        ))
    })?;
    if place.layout.drawn() {
        load_drawn(task, &place)
    } else {
        load_full(task, &place, request)
    }
}

fn load_drawn(task: &Task, place: &Place) -> Result<Splits> {
    let layout = place.layout;
    let train_file = place.file(&layout.train);
    let train = read_all(task, layout, &train_file)?;
    let dev_file = place.file(layout.dev.as_deref().unwrap_or(&layout.train));
    let dev = read_all(task, layout, &dev_file)?;
    let mut files = vec![train_file, dev_file];
    let mut test = Vec::new();
    if let Some(name) = &layout.test {
        let file = place.file(name);
        if file.exists() {
            test = read_all(task, layout, &file)?;
            files.push(file);
        }
    }
    Ok(finish(
        task,
        layout,
        files,
        [train, dev, test],
        true,
        Vec::new(),
    ))
}

fn load_full(task: &Task, place: &Place, request: &SplitRequest) -> Result<Splits> {
    let layout = place.layout;
    let file = place.file(&layout.train);
    let pool = Pool::scan(task, layout, &file)?;
    let drawn = pool.draw(task, layout, request, &file)?;
    let mut warnings = Vec::new();
    if request.k > 0 {
        let wanted = request.k * (request.dev_factor + 1);
        for (label, found) in task.labels.iter().zip(drawn.available.iter().copied()) {
            if found >= wanted {
                continue;
            }
            if request.strict {
                let label = label.clone();
                return Err(DataError::FewRows {
                    path: file,
                    label,
                    found,
                    wanted,
                });
            }
            let message = format!("class {label:?} has {found} rows of the {wanted} asked for");
            warnings.push(Warning::new(WarningKind::FewRows, &file, found, message));
        }
    }
    let rows: Vec<usize> = drawn
        .train
        .iter()
        .chain(&drawn.dev)
        .chain(&pool.test)
        .copied()
        .collect();
    let mut train = select(task, layout, &file, &rows)?;
    let mut test = train.split_off(drawn.train.len() + drawn.dev.len());
    let mut dev = train.split_off(drawn.train.len());
    let mut files = vec![file];
    if request.k == 0 && layout.dev.is_some() && layout.dev != layout.test {
        let dev_file = place.file(layout.dev.as_deref().unwrap_or_default());
        dev = read_all(task, layout, &dev_file)?;
        files.push(dev_file);
    }
    if let Some(name) = &layout.test {
        let test_file = place.file(name);
        if test_file.exists() {
            test = read_all(task, layout, &test_file)?;
            files.push(test_file);
        }
    }
    Ok(finish(
        task,
        layout,
        files,
        [train, dev, test],
        false,
        warnings,
    ))
}

fn finish(
    task: &Task,
    layout: &Layout,
    files: Vec<PathBuf>,
    [train, dev, test]: [Vec<Example>; 3],
    given: bool,
    mut warnings: Vec<Warning>,
) -> Splits {
    for (name, split, file) in [
        ("train", &train, 0),
        ("dev", &dev, 1),
        ("test", &test, files.len() - 1),
    ] {
        let file = &files[file.min(files.len() - 1)];
        let empty = split
            .iter()
            .filter(|e| {
                e.text_a.trim().is_empty()
                    || e.text_b.as_deref().is_some_and(|b| b.trim().is_empty())
            })
            .count();
        if empty > 0 {
            let message = format!("{empty} rows of {name} have an empty text");
            warnings.push(Warning::new(WarningKind::EmptyText, file, empty, message));
        }
    }
    if test.is_empty() {
        let message = format!(
            "{} has no test set in this distribution ({}): dev scores only",
            task.title, layout.name
        );
        warnings.push(Warning::new(WarningKind::NoTest, &files[0], 0, message));
    }
    let hashes = |split: &[Example]| -> HashSet<[u8; 16]> {
        split
            .iter()
            .map(|e| text_hash(&e.text_a, e.text_b.as_deref()).0)
            .collect()
    };
    let tested = hashes(&test);
    for (name, split) in [("train", &train), ("dev", &dev)] {
        let shared = hashes(split).intersection(&tested).count();
        if shared > 0 {
            let message = format!("{shared} texts of {name} stand in test too");
            warnings.push(Warning::new(
                WarningKind::Overlap,
                &files[0],
                shared,
                message,
            ));
        }
    }
    let fingerprint = fingerprint([&train, &dev, &test]);
    let distribution = layout.name.clone();
    Splits {
        train,
        dev,
        test,
        fingerprint,
        distribution,
        given,
        files,
        warnings,
    }
}

fn fingerprint(splits: [&[Example]; 3]) -> String {
    let mut hasher = Sha256::new();
    let mut text = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for split in splits {
        text(&format!("{} rows", split.len()));
        for example in split {
            text(&example.label.to_string());
            text(&example.text_a);
            text(&format!("{:?}", example.text_b));
            if let Some(entities) = &example.entities {
                text(&format!("{entities:?}"));
            }
        }
    }
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
