//! One's own task, without code: what an experiment file says of a task beyond its name.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Kind, Metric, Task, relation};
use crate::error::{DataError, Result};
use crate::layout::{Column, Encoding, Format, Layout, Part, Read, Said};
use crate::template::{self, words_from_mapping};

mod classes;
mod values;

use classes::{classes, words_of};
pub use values::{Pairs, Text, Words};

/// A task from one's own files, or (`task`) a task of the catalog with another prompt. CSV, TSV and
/// JSON lines are told by the extension.
///
/// Of one's own files either `file` is given, of which a part becomes the test set and the rest is
/// sampled, or `train` with `test`, of which `train` is sampled, or `train`, `dev` and `test`, which
/// are taken as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnTask {
    /// The catalog's task that this is a change of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The task's name; the file's name without extension where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The only file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The training file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<PathBuf>,
    /// The dev file; with it, nothing is sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<PathBuf>,
    /// The test file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Column of the text, or of the first of a pair: its name, or its position from 0 in a file
    /// without a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Column>,
    /// Column of the second text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_b: Option<Column>,
    /// Whether each text marks two entities, as `The <e1>flu</e1> is due to a <e2>virus</e2>.`: then
    /// the classes are relations, and the template may name `{head}`, `{tail}` and `{a:marked}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked: Option<bool>,
    /// Column of the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Column>,
    /// Label values and the classes they stand for, `{1: bad, 5: good}`, or a list of the values,
    /// in the order of the classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Pairs>,
    /// Label values whose rows are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<Vec<Text>>,
    /// The template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Classes and their label words, `{bad: terrible, good: great}`, or a list of words; for a task
    /// of the catalog LM-BFF's mapping too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// What it is scored by; accuracy where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<OwnMetric>,
    /// The class that micro F1 leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative: Option<Text>,
    /// utf-8 (the default) or latin-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What parts the fields of a CSV file, such as `;`; a comma where absent, in .tsv files a tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Whether quotes in a TSV file are letters like any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_quotes: Option<bool>,
    /// Percentage of `file` that becomes the test set, chosen by a hash of the text: 30 where
    /// absent; 0 for no test set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_percent: Option<u64>,
}

/// Percentage of a single file that becomes the test set, unless the task says another.
pub(crate) const TEST_PERCENT: u64 = 30;

/// What a task of one's own may be scored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnMetric {
    /// The share of correct predictions.
    Accuracy,
    /// F1 of the second of two classes.
    F1,
    /// The mean over the classes of their F1.
    MacroF1,
    /// F1 over all classes but `negative`, from summed counts.
    MicroF1,
    /// The mean over relations of F1, direction taken into account.
    DirectedF1,
    /// Matthews' correlation coefficient.
    Matthews,
}

impl OwnTask {
    /// Keys of a task of the catalog with another prompt.
    pub const OF_CATALOG: [&str; 4] = ["task", "name", "template", "words"];
    /// Keys that a task of one's own files needs, beside `file` or `train`.
    pub const NEEDED: [&str; 4] = ["text", "label", "template", "words"];

    /// Whether the keys go together.
    ///
    /// # Errors
    /// A key that is missing or contradicts another, and what to do.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.task.is_some() {
            let more = self.of_files().into_iter().find(|(_, given)| *given);
            return match more {
                Some((key, _)) => Err(format!(
                    "`{key}` is for files of one's own; beside `task` may stand name, template and \
                     words"
                )),
                None => Ok(()),
            };
        }
        let marked = self.marked == Some(true);
        let needed = [
            ("text", self.text.is_some(), "the column of the text"),
            ("label", self.label.is_some(), "the column of the label"),
            ("template", self.template.is_some(), "the prompt"),
            (
                "words",
                self.words.is_some(),
                "each class with its label word",
            ),
        ];
        match (&self.file, &self.train) {
            (Some(_), Some(_)) => {
                return Err("has both `file` and `train`; give one of them".to_owned());
            }
            (None, None) => {
                return Err(
                    "has no `file` and no `train`; name the data's file, or a task of the catalog \
                     as `task`"
                        .to_owned(),
                );
            }
            (Some(_), None) if self.dev.is_some() || self.test.is_some() => {
                return Err(
                    "`file` is parted by the program; with `test` or `dev` say `train`".to_owned(),
                );
            }
            _ => {}
        }
        if let Some((key, _, what)) = needed.iter().find(|(_, given, _)| !given) {
            return Err(format!("has no `{key}`; give {what}"));
        }
        if marked && self.text_b.is_some() {
            return Err("`marked` is for one text; leave `text_b` out".to_owned());
        }
        if self.test_percent.is_some_and(|percent| percent > 99) {
            return Err("`test_percent` must lie between 0 (no test set) and 99".to_owned());
        }
        if self.no_quotes == Some(true) && self.delimiter.is_some() {
            return Err("`no_quotes` is for tabs; leave it or `delimiter` out".to_owned());
        }
        match (self.metric, &self.negative) {
            (Some(OwnMetric::MicroF1), None) => Err(
                "micro-f1 leaves a class out: name it as `negative`, or take macro-f1".to_owned(),
            ),
            (Some(OwnMetric::MicroF1), Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => Err("`negative` is for `metric: micro-f1`; leave it out".to_owned()),
        }
    }

    /// The keys of one's own files, and whether they are given.
    fn of_files(&self) -> [(&'static str, bool); 16] {
        [
            ("file", self.file.is_some()),
            ("train", self.train.is_some()),
            ("dev", self.dev.is_some()),
            ("test", self.test.is_some()),
            ("text", self.text.is_some()),
            ("text_b", self.text_b.is_some()),
            ("marked", self.marked.is_some()),
            ("label", self.label.is_some()),
            ("labels", self.labels.is_some()),
            ("drop", self.drop.is_some()),
            ("metric", self.metric.is_some()),
            ("negative", self.negative.is_some()),
            ("encoding", self.encoding.is_some()),
            ("delimiter", self.delimiter.is_some()),
            ("no_quotes", self.no_quotes.is_some()),
            ("test_percent", self.test_percent.is_some()),
        ]
    }

    /// The task: the catalog's with another prompt, or that of one's own files.
    ///
    /// # Errors
    /// An unknown name; contradictory or missing settings, named.
    pub fn resolve(&self, catalog: &Catalog) -> Result<Task> {
        match &self.task {
            Some(name) => self.over(catalog.task(name)?),
            None => self.task(Path::new("")),
        }
    }

    /// A task of the catalog with this prompt.
    fn over(&self, known: &Task) -> Result<Task> {
        self.check().or_else(|message| self.wrong(message))?;
        let mut task = known.clone();
        if let Some(template) = &self.template {
            task.template = template::normalise(template)?;
        }
        match &self.words {
            None => {}
            Some(Words::Mapping(mapping)) => task.words = words_from_mapping(&task, mapping)?,
            Some(Words::Pairs(pairs)) if pairs.is_map() => {
                let item = |text: &str| match text.contains('"') {
                    true => format!("'{text}'"),
                    false => format!("\"{text}\""),
                };
                let pair = |(label, word): &(String, Option<String>)| {
                    format!("{}: {}", item(label), item(word.as_deref().unwrap_or("")))
                };
                let pairs: Vec<String> = pairs.0.iter().map(pair).collect();
                task.words = words_from_mapping(&task, &format!("{{{}}}", pairs.join(", ")))?;
            }
            Some(Words::Pairs(list)) if list.0.len() == task.labels.len() => {
                task.words = list.0.iter().map(|(word, _)| word.clone()).collect();
            }
            Some(Words::Pairs(list)) => {
                let (labels, given) = (task.labels.len(), list.0.len());
                return self.wrong(format!("{labels} labels and {given} `words`"));
            }
        }
        if let Some(name) = &self.name {
            (task.name, task.title) = (name.to_lowercase(), name.clone());
        }
        Ok(task)
    }

    /// The task of one's own files, with relative paths taken from `base`.
    ///
    /// # Errors
    /// Contradictory or missing settings, named.
    pub fn task(&self, base: &Path) -> Result<Task> {
        self.check().or_else(|message| self.wrong(message))?;
        let (Some(text), Some(label), Some(template), Some(Words::Pairs(words))) =
            (&self.text, &self.label, &self.template, &self.words)
        else {
            return self.wrong("`words` is text; write a mapping of classes to words, or a list");
        };
        let path = |path: &PathBuf| base.join(path).to_string_lossy().into_owned();
        let part = self.file.as_ref().map(|_| Part {
            first: None,
            hash: Some(self.test_percent.unwrap_or(TEST_PERCENT)),
        });
        let train = self.file.as_ref().or(self.train.as_ref());
        let (labels, values) = match classes(self.labels.as_ref(), words) {
            Ok(classes) => classes,
            Err(message) => return self.wrong(message),
        };
        if labels.len() < 2 {
            return self.wrong("has fewer than two classes; list them under `labels` or `words`");
        }
        let drop: Vec<String> = self.drop.iter().flatten().map(|t| t.0.clone()).collect();
        if let Some(both) = drop
            .iter()
            .find(|d| values.iter().flatten().any(|v| v == *d))
        {
            let message =
                format!("label {both:?} stands under `labels` and `drop`; leave it in one");
            return self.wrong(message);
        }
        let words = words_of(words, &labels).or_else(|message| self.wrong(message))?;
        let metric = self
            .metric_of(&labels)
            .or_else(|message| self.wrong(message))?;
        let mut read = Read::by_extension(text.clone(), self.text_b.clone(), label.clone())
            .delimited(self.delimiter);
        read.encoding = self.encoding.unwrap_or_default();
        read.marked = self.marked.unwrap_or(false);
        read.skip = drop;
        read.said = Said::Task;
        if self.no_quotes == Some(true) {
            read.format = Format::Tsv;
        }
        let layout = Layout {
            name: "own".to_owned(),
            dirs: vec![".".to_owned()],
            read,
            given: self.dev.is_some(),
            train: train.map(path).unwrap_or_default(),
            dev: self.dev.as_ref().map(path),
            test: self.test.as_ref().map(path),
            part,
            chain: Vec::new(),
            rows: Vec::new(),
            note: None,
            own: true,
        };
        Ok(Task {
            name: self.name().to_lowercase(),
            title: self.name(),
            labels,
            values,
            kind: match (self.marked, &self.text_b) {
                (Some(true), _) => Kind::Relation,
                (_, Some(_)) => Kind::Pair,
                (_, None) => Kind::Single,
            },
            metric,
            template: template::normalise(template)?,
            words,
            layouts: vec![layout],
            ..Task::default()
        })
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(DataError::Catalog {
            origin: format!("task {}", self.name()),
            message: message.into(),
        })
    }

    fn name(&self) -> String {
        let stem = |path: &PathBuf| path.file_stem().map(|s| s.to_string_lossy().into_owned());
        let file = self.file.as_ref().or(self.train.as_ref());
        self.name
            .clone()
            .or_else(|| self.task.clone())
            .or_else(|| file.and_then(stem))
            .unwrap_or_else(|| "own".to_owned())
    }

    fn metric_of(&self, labels: &[String]) -> std::result::Result<Metric, String> {
        Ok(match self.metric.unwrap_or(OwnMetric::Accuracy) {
            OwnMetric::Accuracy => Metric::Accuracy,
            OwnMetric::F1 if labels.len() != 2 => {
                return Err("f1 is for two classes; take macro-f1 or micro-f1".to_owned());
            }
            OwnMetric::F1 => Metric::F1,
            OwnMetric::MacroF1 => Metric::MacroF1,
            OwnMetric::MicroF1 => {
                let named = self.negative.as_ref().map_or("", |class| class.0.as_str());
                let negative = labels.iter().position(|label| label == named);
                let negative = negative.ok_or_else(|| {
                    let classes = labels.join(", ");
                    format!("`negative` names {named:?}, which is no class; classes are {classes}")
                })?;
                Metric::MicroF1 { negative }
            }
            OwnMetric::DirectedF1 if labels.iter().all(|label| relation(label).is_none()) => {
                return Err("directed-f1 needs classes such as Cause-Effect(e1,e2)".to_owned());
            }
            OwnMetric::DirectedF1 => Metric::DirectedF1,
            OwnMetric::Matthews => Metric::Matthews,
        })
    }
}
