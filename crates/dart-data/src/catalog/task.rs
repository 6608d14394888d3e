//! A task: its classes, its prompt, and how its data are distributed.

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::layout::Layout;

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
    /// A pair with a score instead of a class, of which the classes are intervals: catalogued and
    /// checked only. It is scored by Pearson's correlation, which no classifier has.
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
    /// What its classes are scored by.
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
    /// What the task is scored by, as tables name it.
    pub fn metric_title(&self) -> String {
        match self.kind {
            Kind::Regression => "Pearson".to_owned(),
            _ => self.metric.to_string(),
        }
    }

    /// Whether train and dev are files taken as they are, whatever K and seed are asked for.
    pub fn split_is_given(&self) -> bool {
        !self.layouts.is_empty() && self.layouts.iter().all(|layout| layout.given)
    }

    /// Whether it is made of one's own files.
    pub fn is_own(&self) -> bool {
        self.layouts.iter().any(|layout| layout.own)
    }
}
