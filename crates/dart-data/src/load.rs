//! From a task and a data folder to the three splits of a run.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::example::Example;
use crate::format::{Record, read_rows};
use crate::kshot::{Draw, draw, numpy_seed};
use crate::labels::LabelMap;
use crate::layout::{Broken, Layout, Part};
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

/// The rows of a full training file, by number only.
pub(crate) struct Pool {
    /// Rows that may be drawn, in the file's order.
    pub(crate) rows: Vec<usize>,
    /// The class of each of `rows`; `None` takes part in the shuffle only.
    pub(crate) labels: Vec<Option<usize>>,
    /// Rows of the test set, where the file itself is parted.
    pub(crate) test: Vec<usize>,
}

/// Rows drawn from a pool, as rows of the file.
pub(crate) struct PoolDraw {
    pub(crate) train: Vec<usize>,
    pub(crate) dev: Vec<usize>,
    pub(crate) available: Vec<usize>,
}

impl Pool {
    /// Reads the labels (and parts the file), keeping no text.
    pub(crate) fn scan(task: &Task, layout: &Layout, file: &Path) -> Result<Pool> {
        let mut pool = Pool {
            rows: Vec::new(),
            labels: Vec::new(),
            test: Vec::new(),
        };
        let part = layout.part.unwrap_or(Part {
            first: None,
            hash: None,
        });
        let mut seen: HashSet<[u8; 16]> = HashSet::new();
        let mut counts = vec![0; task.labels.len()];
        each(task, layout, file, |record, class| {
            let mut to_test = false;
            if let Some(percent) = part.hash {
                if class.is_none() {
                    return;
                }
                let (hash, bucket) = text_hash(&record.a, record.b.as_deref());
                if !seen.insert(hash) {
                    return;
                }
                to_test = bucket < percent;
            }
            if let (Some(first), Some(class)) = (part.first, class) {
                to_test = counts[class] < first;
                counts[class] += 1;
            }
            if to_test {
                pool.test.push(record.row);
            } else {
                pool.rows.push(record.row);
                pool.labels.push(class);
            }
        })?;
        Ok(pool)
    }

    /// Draws from the pool.
    pub(crate) fn draw(
        &self,
        task: &Task,
        layout: &Layout,
        request: &SplitRequest,
        file: &Path,
    ) -> Result<PoolDraw> {
        let (mut labels, classes) = (self.labels.clone(), task.labels.len());
        let mut how = Draw {
            k: request.k,
            dev_factor: request.dev_factor,
            seed: numpy_seed(request.seed, file)?,
            chain: &layout.chain,
        };
        if request.k == 0 {
            // All rows, in one group: dev is the shuffle's first tenth, train the rest.
            labels
                .iter_mut()
                .for_each(|label| *label = label.map(|_| 0));
            how.k = labels.iter().flatten().count();
        }
        let mut drawn = draw(&labels, classes, &how);
        if request.k == 0 {
            let tenth = if layout.dev.is_some() && layout.dev != layout.test {
                0
            } else {
                how.k / 10
            };
            drawn.dev = drawn.train.drain(..tenth).collect();
        }
        let rows = |drawn: Vec<usize>| drawn.into_iter().map(|index| self.rows[index]).collect();
        Ok(PoolDraw {
            train: rows(drawn.train),
            dev: rows(drawn.dev),
            available: drawn.available,
        })
    }
}

/// A hash of the letters and digits of a text or pair (of the text itself where it has none), and a
/// percentile from 0 to 99 made of it.
pub(crate) fn text_hash(a: &str, b: Option<&str>) -> ([u8; 16], u64) {
    let mut hasher = Sha256::new();
    let mut any = false;
    for (index, text) in std::iter::once(a).chain(b).enumerate() {
        if index > 0 {
            hasher.update([0]);
        }
        for c in text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
        {
            any = true;
            hasher.update(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    if !any {
        hasher.update(a.trim().as_bytes());
    }
    let digest = hasher.finalize();
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    (hash, u64::from_be_bytes(head) % 100)
}

/// Calls `each` for every row with its class. The first row that cannot be read ends it, unless the
/// catalog says that such rows are dropped; their number is returned.
fn each(
    task: &Task,
    layout: &Layout,
    file: &Path,
    mut each: impl FnMut(&Record, Option<usize>),
) -> Result<usize> {
    let map = LabelMap::new(task, &layout.read);
    let (mut failed, mut dropped) = (None, 0);
    read_rows(file, &layout.read, &mut |record| {
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

/// All rows with a class.
pub(crate) fn read_all(task: &Task, layout: &Layout, file: &Path) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    each(task, layout, file, |record, class| {
        examples.extend(class.map(|class| example(record, class)));
    })?;
    Ok(examples)
}

/// The given rows, in the order given.
pub(crate) fn select(
    task: &Task,
    layout: &Layout,
    file: &Path,
    rows: &[usize],
) -> Result<Vec<Example>> {
    let wanted: HashMap<usize, usize> = rows
        .iter()
        .enumerate()
        .map(|(place, row)| (*row, place))
        .collect();
    let mut found: Vec<(usize, Example)> = Vec::with_capacity(rows.len());
    each(task, layout, file, |record, class| {
        if let (Some(place), Some(class)) = (wanted.get(&record.row), class) {
            found.push((*place, example(record, class)));
        }
    })?;
    found.sort_unstable_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, example)| example).collect())
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
