//! The catalog of tasks: data in YAML, embedded and extendable by the user's own file.

mod raw;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{self, DataError, Result};
use crate::layout::Layout;

const EMBEDDED: [(&str, &str); 4] = [
    ("catalog/default.yaml", include_str!("default.yaml")),
    ("catalog/sentence.yaml", include_str!("sentence.yaml")),
    ("catalog/glue.yaml", include_str!("glue.yaml")),
    ("catalog/relation.yaml", include_str!("relation.yaml")),
];

/// What a task is scored by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Metric {
    /// The share of correct predictions.
    #[default]
    Accuracy,
    /// F1 of class 1 of two.
    F1,
    /// The mean over the classes of their F1.
    MacroF1,
    /// F1 over all classes but one, from summed counts.
    MicroF1 {
        /// The class left out ("Other", "no relation").
        negative: usize,
    },
    /// SemEval-2010 task 8's official score: the mean over the relations of F1, direction taken
    /// into account, `Other` left out.
    DirectedF1,
    /// Matthews' correlation coefficient.
    Matthews,
    /// Pearson's correlation, of regression tasks, which are catalogued and checked only.
    Pearson,
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Metric::Accuracy => "accuracy",
            Metric::F1 => "F1",
            Metric::MacroF1 => "macro F1",
            Metric::MicroF1 { .. } => "micro F1",
            Metric::DirectedF1 => "macro F1 with direction",
            Metric::Matthews => "Matthews",
            Metric::Pearson => "Pearson",
        })
    }
}

/// The relation of a directed class such as `Cause-Effect(e2,e1)`; `None` for a class without a
/// direction.
pub fn relation(label: &str) -> Option<&str> {
    label
        .strip_suffix("(e1,e2)")
        .or_else(|| label.strip_suffix("(e2,e1)"))
}

/// What an example of a task is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One text.
    #[default]
    Single,
    /// Two texts.
    Pair,
    /// A text with two entities.
    Relation,
    /// A pair with a score instead of a class: catalogued and checked only.
    Regression,
}

/// A file of the official distribution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where it is offered.
    pub url: String,
    /// Its size, where known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its SHA-256, where known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// For an archive: the folder below the data folder into which it is unpacked; for a file: the
    /// path below the data folder.
    pub to: String,
    /// Members of an archive that are kept (all where empty), and their new names after `=>`.
    #[serde(default)]
    pub members: Vec<String>,
}

/// A task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Task {
    /// Its name in experiments, lower-case.
    pub name: String,
    /// Its name in tables.
    pub title: String,
    /// Class names in order; an example's label is an index into them.
    pub labels: Vec<String>,
    /// For each class, the values that stand for it in the files.
    pub values: Vec<Vec<String>>,
    /// What its examples are.
    pub kind: Kind,
    /// What it is scored by.
    pub metric: Metric,
    /// The manual template, see [`crate::template`].
    pub template: String,
    /// Label words in the order of `labels`.
    pub words: Vec<String>,
    /// The known distributions, in the order in which they are looked for.
    pub layouts: Vec<Layout>,
    /// Where the data come from, to be cited.
    pub citation: String,
    /// The terms of the data.
    pub licence: String,
    /// The official home of the data.
    pub home: String,
    /// What to do to get the data, where it is neither to fetch them nor to visit their home.
    pub get: String,
    /// Files that `data fetch` gets.
    pub sources: Vec<Source>,
    /// A task of mostly the same texts: the two are not independent evidence.
    pub overlaps: Vec<String>,
    /// Why counts differ from the papers', and what else there is to know.
    pub note: String,
}

impl Task {
    /// Whether train and dev are files taken as they are, whatever K and seed are asked for.
    pub fn split_is_given(&self) -> bool {
        !self.layouts.is_empty() && self.layouts.iter().all(|layout| layout.given)
    }

    /// Whether it is made of one's own files.
    pub fn is_own(&self) -> bool {
        self.layouts.iter().any(|layout| layout.own)
    }
}

/// The tasks that are known.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tasks: Vec<Task>,
}

impl Catalog {
    /// The catalog that comes with the program.
    ///
    /// # Errors
    /// None in a release: a test reads every entry.
    pub fn embedded() -> Result<Catalog> {
        let mut catalog = Catalog::default();
        for (origin, text) in EMBEDDED {
            catalog.add(origin, text)?;
        }
        Ok(catalog)
    }

    /// Adds the tasks of a user's YAML file; a task of a known name replaces it.
    ///
    /// # Errors
    /// A file that cannot be read or an entry that is not valid, with its line.
    pub fn extend(&mut self, path: &Path) -> Result<()> {
        let text = String::from_utf8(error::read(path)?)
            .map_err(|_| DataError::file(path, "is not UTF-8", "convert it"))?;
        self.add(&path.display().to_string(), &text)
    }

    /// Adds or replaces one task.
    pub fn insert(&mut self, task: Task) {
        match self.tasks.iter_mut().find(|known| known.name == task.name) {
            Some(known) => *known = task,
            None => self.tasks.push(task),
        }
    }

    fn add(&mut self, origin: &str, text: &str) -> Result<()> {
        for task in raw::parse(origin, text)? {
            self.insert(task);
        }
        Ok(())
    }

    /// The task of this name, in any case.
    ///
    /// # Errors
    /// An unknown name, with the nearest known ones.
    pub fn task(&self, name: &str) -> Result<&Task> {
        let lower = name.to_lowercase();
        self.tasks
            .iter()
            .find(|task| task.name == lower)
            .ok_or_else(|| DataError::UnknownTask {
                name: name.to_owned(),
                nearest: self.nearest(&lower),
            })
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let mut near: Vec<_> = self
            .tasks
            .iter()
            .map(|task| (strsim::damerau_levenshtein(name, &task.name), &task.name))
            .filter(|(distance, known)| *distance <= 1 + known.len() / 3)
            .collect();
        near.sort();
        near.into_iter()
            .take(3)
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// All tasks, in the catalog's order.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter()
    }
}
