//! The YAML of the catalog, and its checks.

use serde::Deserialize;
use serde::de::value::{self, StrDeserializer};

use super::metric::{Metric, MetricName};
use super::task::{Kind, Source, Task};
use crate::error::{DataError, Result};
use crate::layout::{Column, Format, Layout, Read};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTask {
    name: String,
    title: Option<String>,
    kind: Option<Kind>,
    metric: Option<String>,
    /// The class left out by micro F1.
    negative: Option<String>,
    template: String,
    labels: Vec<RawLabel>,
    layouts: Vec<Layout>,
    citation: Option<String>,
    licence: Option<String>,
    home: Option<String>,
    get: Option<String>,
    #[serde(default)]
    sources: Vec<Source>,
    #[serde(default)]
    overlaps: Vec<String>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLabel {
    name: String,
    /// The values in the files that mean this class; the name itself where empty.
    #[serde(default)]
    values: Vec<String>,
    word: String,
}

/// Reads a list of tasks.
pub(super) fn parse(origin: &str, text: &str) -> Result<Vec<Task>> {
    let raw: Vec<RawTask> = serde_yaml::from_str(text).map_err(|error| DataError::Catalog {
        origin: origin.to_owned(),
        message: error.to_string(),
    })?;
    raw.into_iter().map(|raw| raw.check(origin)).collect()
}

impl RawTask {
    fn check(self, origin: &str) -> Result<Task> {
        let task = format!("task {:?}", self.name);
        let wrong = |message: String| {
            Err(DataError::Catalog {
                origin: origin.to_owned(),
                message: format!("{task}: {message}"),
            })
        };
        let kind = self.kind.unwrap_or(Kind::Single);
        let labels: Vec<String> = self.labels.iter().map(|label| label.name.clone()).collect();
        if labels.len() < 2 {
            return wrong("has fewer than two labels; list every class".to_owned());
        }
        let metric = match metric_of(
            kind,
            &labels,
            self.metric.as_deref(),
            self.negative.as_deref(),
        ) {
            Ok(metric) => metric,
            Err(message) => return wrong(message),
        };
        for layout in &self.layouts {
            for bin in &layout.read.bins {
                if !self.labels.iter().any(|label| label.stands_for(&bin.label)) {
                    return wrong(format!("bin {:?} names no class's value", bin.label));
                }
            }
            for class in layout.read.values.values() {
                if !labels.contains(class) {
                    return wrong(format!("`values` names {class:?}, which is no class"));
                }
            }
        }
        let name = self.name.to_lowercase();
        Ok(Task {
            title: self.title.unwrap_or_else(|| self.name.clone()),
            name: name.clone(),
            values: self.labels.iter().map(RawLabel::all_values).collect(),
            words: self.labels.into_iter().map(|label| label.word).collect(),
            labels,
            kind,
            metric,
            template: crate::template::normalise(&self.template)?,
            layouts: with_drawn(self.layouts, &name, kind),
            citation: self.citation.unwrap_or_default(),
            licence: self.licence.unwrap_or_default(),
            home: self.home.unwrap_or_default(),
            get: self.get.unwrap_or_default(),
            sources: self.sources,
            overlaps: self.overlaps.iter().map(|n| n.to_lowercase()).collect(),
            note: self.note.unwrap_or_default(),
        })
    }
}

/// What the classes are scored by. A regression is scored by `pearson`, and nothing else is.
fn metric_of(
    kind: Kind,
    labels: &[String],
    name: Option<&str>,
    negative: Option<&str>,
) -> std::result::Result<Metric, String> {
    let name = match (kind, name) {
        (Kind::Regression, None | Some("pearson")) => MetricName::default(),
        (Kind::Regression, Some(other)) => {
            return Err(format!("a regression is scored by pearson, not by {other}"));
        }
        (_, Some("pearson")) => {
            let message = "pearson is for `kind: regression`, which can be checked but not trained";
            return Err(message.to_owned());
        }
        (_, None) => MetricName::default(),
        (_, Some(name)) => {
            let name = StrDeserializer::<value::Error>::new(name);
            MetricName::deserialize(name).map_err(|error| format!("metric: {error}"))?
        }
    };
    name.over(labels, negative)
}

impl RawLabel {
    fn all_values(&self) -> Vec<String> {
        if self.values.is_empty() {
            vec![self.name.clone()]
        } else {
            self.values.clone()
        }
    }

    fn stands_for(&self, value: &str) -> bool {
        self.all_values().iter().any(|known| known == value)
    }
}

/// The layouts, with one for the k-shot folders that `data kshot` writes where none is listed:
/// JSON lines for relations, else the rows of the first distribution as they are.
fn with_drawn(mut layouts: Vec<Layout>, name: &str, kind: Kind) -> Vec<Layout> {
    if layouts.iter().any(Layout::drawn) {
        return layouts;
    }
    let Some(first) = layouts.first() else {
        return layouts;
    };
    let (read, extension) = match (kind, first.read.format) {
        (Kind::Relation, _) => (
            Read {
                format: Format::TokenJsonl,
                ..first.read.clone()
            },
            "jsonl",
        ),
        (_, Format::Tsv) => (first.read.clone(), "tsv"),
        _ => {
            let b = first.read.b.as_ref().map(|_| Column::Index(2));
            let columns = (Some(Column::Index(1)), b, Some(Column::Index(0)));
            let (a, b, label) = columns;
            let format = Format::Csv;
            (
                Read {
                    format,
                    header: false,
                    a,
                    b,
                    label,
                    ..first.read.clone()
                },
                "csv",
            )
        }
    };
    let file = |split: &str| format!("{split}.{extension}");
    let drawn = Layout {
        name: "k-shot".to_owned(),
        dirs: vec![
            format!("{{kshot}}/{name}/{{k}}-{{seed}}"),
            format!("{name}/{{k}}-{{seed}}"),
        ],
        read,
        train: file("train"),
        dev: Some(file("dev")),
        test: Some(file("test")),
        part: None,
        given: false,
        chain: Vec::new(),
        rows: Vec::new(),
        note: None,
        own: false,
    };
    layouts.insert(0, drawn);
    layouts
}
