//! From the entry to the task.

use std::path::{Path, PathBuf};

use super::classes::{classes, words_of};
use super::entry::{OwnTask, TEST_PERCENT};
use super::values::{Entries, Words};
use crate::catalog::{Catalog, Kind, Task};
use crate::error::{DataError, Result};
use crate::layout::{Format, Layout, Part, Read, Said};
use crate::template;
use crate::words::{words_by_label, words_from_mapping};

impl OwnTask {
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
            Some(Words::Python(text)) => task.words = words_from_mapping(&task, text)?,
            Some(Words::Entries(Entries::Map(pairs))) => {
                task.words = words_by_label(&task, pairs).or_else(|message| self.wrong(message))?;
            }
            Some(Words::Entries(Entries::List(words))) if words.len() == task.labels.len() => {
                task.words = words.clone();
            }
            Some(Words::Entries(Entries::List(words))) => {
                let (labels, given) = (task.labels.len(), words.len());
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
        let (Some(text), Some(label), Some(template), Some(Words::Entries(words))) =
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
            .metric
            .unwrap_or_default()
            .over(&labels, self.negative())
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
}
