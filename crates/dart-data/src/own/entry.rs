//! One's own task, without code: what an experiment file says of a task beyond its name.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Entries, Text, Words};
use crate::catalog::MetricName;
use crate::layout::{Column, Encoding};

/// Percentage of a single file that becomes the test set, unless the task says another.
pub(crate) const TEST_PERCENT: u64 = 30;

/// A task from one's own files, or (`task`) a task of the catalog with another prompt. CSV, TSV and
/// JSON lines are told by the extension.
///
/// Of one's own files either `file` is given, of which a part becomes the test set and the rest is
/// sampled, or `train` with `test`, of which `train` is sampled, or `train`, `dev` and `test`, which
/// are taken as they are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
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
    pub labels: Option<Entries>,
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
    pub metric: Option<MetricName>,
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
        self.metric.unwrap_or_default().check(self.negative())
    }

    /// The class that is left out.
    pub(super) fn negative(&self) -> Option<&str> {
        self.negative.as_ref().map(|class| class.0.as_str())
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
}
