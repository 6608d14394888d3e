//! One's own data as a task, without code: what an experiment file says under `task:`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::catalog::{Kind, Metric, Task, relation};
use crate::error::{DataError, Result};
use crate::layout::{Column, Encoding, Format, Layout, Part, Read};
use crate::template;

/// A task from one's own files. CSV, TSV and JSON lines are told by the extension.
///
/// Either `file` is given, of which a part becomes the test set and the rest is sampled, or `train`
/// with `test`, of which `train` is sampled, or `train`, `dev` and `test`, which are taken as they
/// are.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OwnTask {
    /// The task's name; the file's name without extension where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// The only file.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// The training file.
    #[serde(default)]
    pub train: Option<PathBuf>,
    /// The dev file; with it, nothing is sampled.
    #[serde(default)]
    pub dev: Option<PathBuf>,
    /// The test file.
    #[serde(default)]
    pub test: Option<PathBuf>,
    /// Column of the text, or of the first of a pair: its name, or its position from 0 in a file
    /// without a header.
    pub text: Column,
    /// Column of the second text.
    #[serde(default)]
    pub text_b: Option<Column>,
    /// Whether each text marks two entities, as `The <e1>flu</e1> is due to a <e2>virus</e2>.`: then
    /// the classes are relations, and the template may name `{head}`, `{tail}` and `{a:marked}`.
    #[serde(default)]
    pub marked: bool,
    /// Column of the label.
    pub label: Column,
    /// Label values and the classes they stand for, `{1: bad, 5: good}`, or a list of the values,
    /// in the order of the classes.
    #[serde(default)]
    pub labels: Option<Pairs>,
    /// Label values whose rows are left out.
    #[serde(default)]
    pub drop: Vec<Text>,
    /// The template.
    pub template: String,
    /// Classes and their label words, `{bad: terrible, good: great}`, or a list of words.
    pub words: Pairs,
    /// accuracy (the default), f1, macro-f1, directed-f1 or matthews.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// utf-8 (the default) or latin-1.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether quotes in a TSV file are letters like any other.
    #[serde(default)]
    pub no_quotes: bool,
    /// Percentage of `file` that becomes the test set, chosen by a hash of the text.
    #[serde(default = "thirty")]
    pub test_percent: u64,
}

fn thirty() -> u64 {
    30
}

impl OwnTask {
    /// The task, with relative paths taken from `base`.
    ///
    /// # Errors
    /// Contradictory or missing settings, named.
    pub fn task(&self, base: &Path) -> Result<Task> {
        let wrong = |message: &str| {
            let origin = format!("task {}", self.name());
            Err(DataError::Catalog {
                origin,
                message: message.to_owned(),
            })
        };
        let path = |path: &PathBuf| base.join(path).to_string_lossy().into_owned();
        let (train, part) = match (&self.file, &self.train) {
            (Some(_), Some(_)) => return wrong("has both `file` and `train`; give one of them"),
            (None, None) => return wrong("has no `file` and no `train`; name the data's file"),
            _ if self.marked && self.text_b.is_some() => {
                return wrong("`marked` is for one text; leave `text_b` out");
            }
            (Some(_), None) if self.dev.is_some() || self.test.is_some() => {
                return wrong("`file` is parted by the program; with `test` or `dev` say `train`");
            }
            (Some(_), None) if !(1..100).contains(&self.test_percent) => {
                return wrong("`test_percent` must lie between 1 and 99");
            }
            (Some(file), None) => (
                path(file),
                Some(Part {
                    first: None,
                    hash: Some(self.test_percent),
                }),
            ),
            (None, Some(train)) => (path(train), None),
        };
        let (labels, values) = self.classes();
        if labels.len() < 2 {
            return wrong("has fewer than two classes; list them under `labels` or `words`");
        }
        let words = match self.words_of(&labels) {
            Ok(words) => words,
            Err(message) => return wrong(&message),
        };
        if self.metric == Some(Metric::F1) && labels.len() != 2 {
            return wrong("f1 is for two classes; take macro-f1");
        }
        let undirected = || labels.iter().all(|label| relation(label).is_none());
        if self.metric == Some(Metric::DirectedF1) && undirected() {
            return wrong("directed-f1 needs classes such as Cause-Effect(e1,e2)");
        }
        let mut read =
            Read::by_extension(self.text.clone(), self.text_b.clone(), self.label.clone());
        read.encoding = self.encoding;
        read.marked = self.marked;
        read.skip = self.drop.iter().map(|text| text.0.clone()).collect();
        if self.no_quotes {
            read.format = Format::Tsv;
        }
        let layout = Layout {
            name: "own".to_owned(),
            dirs: vec![".".to_owned()],
            read,
            given: self.dev.is_some(),
            train,
            dev: self.dev.as_ref().map(path),
            test: self.test.as_ref().map(path),
            part,
            chain: Vec::new(),
            rows: Vec::new(),
            note: None,
        };
        Ok(Task {
            name: self.name().to_lowercase(),
            title: self.name(),
            labels,
            values,
            kind: match (self.marked, &self.text_b) {
                (true, _) => Kind::Relation,
                (false, Some(_)) => Kind::Pair,
                (false, None) => Kind::Single,
            },
            metric: self.metric.unwrap_or(Metric::Accuracy),
            template: template::normalise(&self.template)?,
            words,
            layouts: vec![layout],
            ..Task::default()
        })
    }

    fn name(&self) -> String {
        let stem = |path: &PathBuf| path.file_stem().map(|s| s.to_string_lossy().into_owned());
        let file = self.file.as_ref().or(self.train.as_ref());
        self.name
            .clone()
            .or_else(|| file.and_then(stem))
            .unwrap_or_else(|| "own".to_owned())
    }

    /// Class names in order, and the values of each.
    fn classes(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let pairs = match &self.labels {
            Some(labels) => labels.0.clone(),
            None => self
                .words
                .0
                .iter()
                .map(|(class, _)| (class.clone(), None))
                .collect(),
        };
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut labels: Vec<String> = Vec::new();
        for (value, class) in pairs {
            let class = class.unwrap_or_else(|| value.clone());
            if !labels.contains(&class) {
                labels.push(class.clone());
            }
            values.entry(class).or_default().push(value);
        }
        let values = labels
            .iter()
            .map(|label| values.remove(label).unwrap_or_default())
            .collect();
        (labels, values)
    }

    fn words_of(&self, labels: &[String]) -> std::result::Result<Vec<String>, String> {
        let pairs = &self.words.0;
        if pairs.len() != labels.len() {
            return Err(format!(
                "has {} classes and {} words",
                labels.len(),
                pairs.len()
            ));
        }
        if pairs.iter().all(|(_, word)| word.is_none()) {
            return Ok(pairs.iter().map(|(word, _)| word.clone()).collect());
        }
        let word = |label: &String| {
            let pair = pairs.iter().find(|(class, _)| class == label);
            let word = pair.and_then(|(_, word)| word.clone());
            word.ok_or_else(|| format!("`words` has no word for class {label:?}"))
        };
        labels.iter().map(word).collect()
    }
}

/// Pairs of a mapping in the file's order, or the items of a list without a second member. Keys and
/// values may be text, numbers or booleans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(pub Vec<(String, Option<String>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a mapping or a list")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((Text(key), Text(value))) = map.next_entry()? {
                    pairs.push((key, Some(value)));
                }
                Ok(Pairs(pairs))
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> std::result::Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(Text(item)) = items.next_element()? {
                    pairs.push((item, None));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_any(PairsVisitor)
    }
}

impl Serialize for Pairs {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        if self.0.iter().all(|(_, value)| value.is_none()) {
            return to.collect_seq(self.0.iter().map(|(key, _)| key));
        }
        to.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Text, or a number or boolean as it is written in the data's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("text, a number or a boolean")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> std::result::Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}
