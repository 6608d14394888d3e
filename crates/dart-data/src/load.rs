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
    let loading = Loading {
        task,
        place: &place,
        files: Vec::new(),
        warnings: Vec::new(),
    };
    if place.layout.drawn() {
        loading.drawn()
    } else {
        loading.full(request)
    }
}

/// A load in progress.
struct Loading<'l> {
    task: &'l Task,
    place: &'l Place<'l>,
    files: Vec<PathBuf>,
    warnings: Vec<Warning>,
}

impl Loading<'_> {
    fn layout(&self) -> &Layout {
        self.place.layout
    }

    fn warn(&mut self, kind: WarningKind, file: &Path, count: usize, message: String) {
        self.warnings.push(Warning::new(kind, file, count, message));
    }

    fn drawn(mut self) -> Result<Splits> {
        let layout = self.layout();
        let (train, dev) = (layout.train.clone(), layout.dev.clone());
        let dev_file = self.place.file(dev.as_ref().unwrap_or(&train));
        let train = self.file(self.place.file(&train))?;
        let dev = self.file(dev_file)?;
        let test = self.test()?.unwrap_or_default();
        Ok(self.finish([train, dev, test], true))
    }

    fn full(mut self, request: &SplitRequest) -> Result<Splits> {
        let (task, layout) = (self.task, self.place.layout);
        let file = self.place.file(&layout.train);
        let pool = Pool::scan(task, layout, &file)?;
        let drawn = pool.draw(task, layout, request, &file)?;
        self.dropped(pool.dropped, &file);
        self.few(&drawn.available, request, &file)?;
        let rows = [drawn.train.as_slice(), &drawn.dev, &pool.test].concat();
        let mut train = select(task, layout, &file, &rows)?;
        let mut test = train.split_off(drawn.train.len() + drawn.dev.len());
        let mut dev = train.split_off(drawn.train.len());
        self.files.push(file);
        if let Some(official) = layout.dev.as_deref().filter(|_| request.k == 0)
            && layout.dev != layout.test
        {
            dev = self.file(self.place.file(official))?;
        }
        if let Some(official) = self.test()? {
            test = official;
        }
        Ok(self.finish([train, dev, test], false))
    }

    /// A file that is a split as a whole.
    fn file(&mut self, file: PathBuf) -> Result<Vec<Example>> {
        let (examples, dropped) = read_all(self.task, self.layout(), &file)?;
        self.dropped(dropped, &file);
        self.files.push(file);
        Ok(examples)
    }

    /// The test file, where the layout has one and it is there.
    fn test(&mut self) -> Result<Option<Vec<Example>>> {
        let file = self
            .layout()
            .test
            .as_deref()
            .map(|test| self.place.file(test));
        file.filter(|file| file.exists())
            .map(|file| self.file(file))
            .transpose()
    }

    fn dropped(&mut self, count: usize, file: &Path) {
        if count > 0 {
            let message = format!("{count} broken rows were left out");
            self.warn(WarningKind::Dropped, file, count, message);
        }
    }

    /// Warns of classes with too few rows, or refuses them.
    fn few(&mut self, available: &[usize], request: &SplitRequest, file: &Path) -> Result<()> {
        let wanted = request.k.saturating_mul(request.dev_factor + 1);
        for (label, found) in self.task.labels.iter().zip(available.iter().copied()) {
            if request.k == 0 || found >= wanted {
                continue;
            }
            if request.strict {
                let (path, label) = (file.to_owned(), label.clone());
                return Err(DataError::FewRows {
                    path,
                    label,
                    found,
                    wanted,
                });
            }
            let message = format!("class {label:?} has {found} rows of the {wanted} asked for");
            self.warn(WarningKind::FewRows, file, found, message);
        }
        Ok(())
    }

    fn finish(mut self, [train, dev, test]: [Vec<Example>; 3], given: bool) -> Splits {
        let last = self.files.len() - 1;
        for (name, split, file) in [
            ("train", &train, 0),
            ("dev", &dev, 1),
            ("test", &test, last),
        ] {
            let blank = |text: &str| text.trim().is_empty();
            let is_empty =
                |e: &&Example| blank(&e.text_a) || e.text_b.as_deref().is_some_and(blank);
            let empty = split.iter().filter(is_empty).count();
            if empty > 0 {
                let file = self.files[file.min(last)].clone();
                let message = format!("{empty} rows of {name} have an empty text");
                self.warn(WarningKind::EmptyText, &file, empty, message);
            }
        }
        let first = self.files[0].clone();
        if test.is_empty() {
            let (title, layout) = (&self.task.title, &self.layout().name);
            let message =
                format!("{title} has no test set in this distribution ({layout}): dev scores only");
            self.warn(WarningKind::NoTest, &first, 0, message);
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
                self.warn(WarningKind::Overlap, &first, shared, message);
            }
        }
        Splits {
            fingerprint: fingerprint([&train, &dev, &test]),
            distribution: self.layout().name.clone(),
            train,
            dev,
            test,
            given,
            files: self.files,
            warnings: self.warnings,
        }
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
