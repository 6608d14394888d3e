//! From a task and a data folder to the three splits of a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::absence::{absent_for, absent_own_file};
use crate::catalog::Task;
use crate::digest::hex;
use crate::distribution::{Distribution, find};
use crate::error::Result;
use crate::example::Example;
use crate::layout::Layout;
use crate::pool::{Pool, Repeated};
use crate::request::SplitRequest;
use crate::rows::read_all;
use crate::shares::{Available, missing_in_test, refuse_empty_draw, refuse_empty_files};
use crate::shots::Shots;
use crate::split::Split;
use crate::summary::per_label;
use crate::warning::{Warning, WarningKind, few_rows};

/// The three splits of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    /// Training examples.
    pub train: Vec<Example>,
    /// The examples by which settings are chosen.
    pub dev: Vec<Example>,
    /// The sealed examples; empty where the distribution has none (a warning says so). Splits drawn
    /// by one [`Loader`] share them.
    pub test: Arc<Vec<Example>>,
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
    Loader::new(task).load(request)
}

/// Loads several splits of one task, reading a full distribution once.
pub struct Loader<'t> {
    task: &'t Task,
    full: Option<Full<'t>>,
}

/// A full distribution, read.
struct Full<'t> {
    found: Distribution<'t>,
    pool: Pool,
    /// The test set: the official one, or the part of the only file.
    test: Split,
    /// The official dev set, read for full-data runs.
    dev: Option<Split>,
    files: Vec<PathBuf>,
    warnings: Vec<Warning>,
}

impl<'t> Loader<'t> {
    /// Nothing is read yet.
    pub fn new(task: &'t Task) -> Self {
        Loader { task, full: None }
    }

    /// As [`load`]; a full distribution that the last call read is not read again.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&mut self, request: &SplitRequest) -> Result<Splits> {
        let task = self.task;
        if let Some(absent) = absent_own_file(task, request.data_dir) {
            return Err(absent);
        }
        let found = find(task, request).ok_or_else(|| absent_for(task, request))?;
        if found.layout.drawn() {
            let layout = found.layout;
            return Loading {
                task,
                layout,
                files: Vec::new(),
                warnings: Vec::new(),
            }
            .drawn(&found, request);
        }
        let same = |full: &Full| full.found.dir == found.dir && full.found.layout == found.layout;
        let full = match self.full.take().filter(same) {
            Some(full) => full,
            None => Full::read(task, found)?,
        };
        self.full.insert(full).draw(task, request)
    }
}

impl<'t> Full<'t> {
    fn read(task: &'t Task, found: Distribution<'t>) -> Result<Self> {
        let layout = found.layout;
        let mut loading = Loading {
            task,
            layout,
            files: Vec::new(),
            warnings: Vec::new(),
        };
        let file = found.file(&layout.train);
        let pool = Pool::scan(task, layout, &file)?;
        loading.dropped(pool.dropped, &file);
        if layout.own {
            loading.repeated(&pool.repeated, &file);
        }
        loading.files.push(file);
        let test = match loading.test(&found)? {
            Some(official) => official,
            None => Split::new(pool.examples(task, layout, &loading.files[0], &pool.test)?),
        };
        let (files, warnings) = (loading.files, loading.warnings);
        Ok(Full {
            found,
            pool,
            test,
            dev: None,
            files,
            warnings,
        })
    }

    fn draw(&mut self, task: &Task, request: &SplitRequest) -> Result<Splits> {
        let (layout, pool) = (self.found.layout, &self.pool);
        let (files, warnings) = (self.files.clone(), self.warnings.clone());
        let mut loading = Loading {
            task,
            layout,
            files,
            warnings,
        };
        let file = self.files[0].clone();
        let drawn = pool.draw(task, layout, request, &file)?;
        let mut few = few_rows(
            &task.labels,
            &drawn.available,
            (request.k, request.dev_factor),
            request.strict,
            &file,
        )?;
        let least = drawn.available.iter().min().copied().unwrap_or(0);
        let fits = least / request.dev_factor.saturating_add(1);
        if layout.own && fits > 0 {
            for warning in &mut few {
                warning.message += &format!("; with `k: {fits}` dev gets as many as train");
            }
        }
        loading.warnings.extend(few);
        let rows = [drawn.train.as_slice(), &drawn.dev].concat();
        let mut train = pool.examples(task, layout, &file, &rows)?;
        let mut dev = Split::new(train.split_off(drawn.train.len()));
        if let Some(official) = layout.dev.as_deref().filter(|_| request.k == Shots::Full)
            && layout.dev != layout.test
        {
            if self.dev.is_none() {
                self.dev = Some(Split::new(loading.file(self.found.file(official))?));
            }
            dev = self.dev.clone().unwrap_or(dev);
        }
        if layout.own {
            let classes = task.labels.len();
            let of_test = match layout.part {
                Some(_) => per_label(&self.test.examples, classes),
                None => vec![0; classes],
            };
            let available = Available {
                pool: &pool.per_label(classes),
                test: &of_test,
            };
            let drawn = (train.as_slice(), dev.examples.as_slice());
            refuse_empty_draw(task, layout, request, &file, drawn, &available)?;
        }
        Ok(loading.finish(Split::new(train), dev, &self.test, false))
    }
}

/// A load in progress.
struct Loading<'l> {
    task: &'l Task,
    layout: &'l Layout,
    /// Train, then dev where it is a file of its own, test last.
    files: Vec<PathBuf>,
    warnings: Vec<Warning>,
}

impl Loading<'_> {
    fn warn(&mut self, kind: WarningKind, file: &Path, count: usize, message: String) {
        self.warnings.push(Warning::new(kind, file, count, message));
    }

    fn drawn(mut self, found: &Distribution, request: &SplitRequest) -> Result<Splits> {
        let layout = self.layout;
        let train = self.file(found.file(&layout.train))?;
        if !layout.given {
            let mut counts = vec![0; self.task.labels.len()];
            train.iter().for_each(|example| counts[example.label] += 1);
            let file = self.files[0].clone();
            let few = few_rows(
                &self.task.labels,
                &counts,
                (request.k, 0),
                request.strict,
                &file,
            )?;
            self.warnings.extend(few);
        }
        let dev = self.file(found.file(layout.dev.as_ref().unwrap_or(&layout.train)))?;
        if layout.own {
            let files = [(&*self.files[0], &*train), (&*self.files[1], &*dev)];
            refuse_empty_files(self.task, files)?;
        }
        let test = self.test(found)?;
        let test = test.unwrap_or_else(|| Split::new(Vec::new()));
        Ok(self.finish(Split::new(train), Split::new(dev), &test, true))
    }

    /// A file that is a split as a whole.
    fn file(&mut self, file: PathBuf) -> Result<Vec<Example>> {
        let (examples, dropped) = read_all(self.task, self.layout, &file)?;
        self.dropped(dropped, &file);
        self.files.push(file);
        Ok(examples)
    }

    /// The test file, where the layout has one and it is there.
    fn test(&mut self, found: &Distribution) -> Result<Option<Split>> {
        let file = self.layout.test.as_deref().map(|test| found.file(test));
        file.filter(|file| file.exists())
            .map(|file| Ok(Split::new(self.file(file)?)))
            .transpose()
    }

    fn dropped(&mut self, count: usize, file: &Path) {
        if count > 0 {
            let message = format!("broken rows left out: {count}");
            self.warn(WarningKind::Dropped, file, count, message);
        }
    }

    fn repeated(&mut self, repeated: &Repeated, file: &Path) {
        let rows = |count: usize| match count {
            1 => "1 row has a text that stood before".to_owned(),
            n => format!("{n} rows have a text that stood before"),
        };
        if repeated.alike > 0 {
            let message = format!("{}: left out", rows(repeated.alike));
            self.warn(WarningKind::Duplicates, file, repeated.alike, message);
        }
        if repeated.conflicts > 0 {
            let message = format!(
                "{} under another label, the first in line {}: left out, as the first label counts",
                rows(repeated.conflicts),
                repeated.line
            );
            self.warn(WarningKind::Conflicts, file, repeated.conflicts, message);
        }
    }

    fn finish(mut self, train: Split, dev: Split, test: &Split, given: bool) -> Splits {
        let (first, last) = (
            self.files[0].clone(),
            self.files[self.files.len() - 1].clone(),
        );
        let middle = if given || self.files.len() == 3 {
            &self.files[1]
        } else {
            &first
        }
        .clone();
        for (name, split, file) in [
            ("train", &train, &first),
            ("dev", &dev, &middle),
            ("test", test, &last),
        ] {
            let empty = split.empty;
            if empty > 0 {
                let message = format!("rows of {name} with an empty or NA-like text: {empty}");
                self.warn(WarningKind::EmptyText, file, empty, message);
            }
        }
        if test.examples.is_empty() {
            let (title, layout) = (&self.task.title, &self.layout.name);
            let message = match self.layout.own {
                true => "there is no test set: dev scores only".to_owned(),
                false => format!(
                    "{title} has no test set in this distribution ({layout}): dev scores only"
                ),
            };
            self.warn(WarningKind::NoTest, &first, 0, message);
        } else if self.layout.own {
            let missing = missing_in_test(self.task, &last, &test.examples);
            self.warnings.extend(missing);
        }
        // LM-BFF's train and dev share texts where the original data repeat them.
        let of_dev = (given && self.layout.own).then_some(("train", &train, &first, "dev", &dev));
        let pairs = [
            ("train", &train, &first, "test", test),
            ("dev", &dev, &middle, "test", test),
        ];
        for (name, split, file, held_out, other) in of_dev.into_iter().chain(pairs) {
            let shared = split.texts.intersection(&other.texts).count();
            if shared > 0 {
                let message = format!("texts of {name} that stand in {held_out} too: {shared}");
                self.warn(WarningKind::Overlap, file, shared, message);
            }
        }
        let all = [&train, &dev, test]
            .map(|split| split.digest.as_slice())
            .concat();
        let fingerprint = hex(&Sha256::digest(&all));
        Splits {
            train: Arc::unwrap_or_clone(train.examples),
            dev: Arc::unwrap_or_clone(dev.examples),
            test: test.examples.clone(),
            fingerprint,
            distribution: self.layout.name.clone(),
            given,
            files: self.files,
            warnings: self.warnings,
        }
    }
}
