//! The YAML of the catalog, and its checks.

use serde::Deserialize;

use super::{Kind, Metric, Source, Task, relation};
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
        let metric = match self.metric.as_deref() {
            None | Some("accuracy") => Metric::Accuracy,
            Some("f1") => Metric::F1,
            Some("macro-f1") => Metric::MacroF1,
            Some("directed-f1") => Metric::DirectedF1,
            Some("matthews") => Metric::Matthews,
            Some("pearson") => Metric::Pearson,
            Some("micro-f1") => {
                let negative = self.negative.clone().unwrap_or_default();
                match labels.iter().position(|label| *label == negative) {
                    Some(negative) => Metric::MicroF1 { negative },
                    None => {
                        return wrong(format!(
                            "micro-f1 leaves a class out, and {negative:?} is none; set `negative`"
                        ));
                    }
                }
            }
            Some(other) => {
                return wrong(format!(
                    "unknown metric {other:?}; known are accuracy, f1, macro-f1, micro-f1, \
                     directed-f1, matthews, pearson"
                ));
            }
        };
        if metric == Metric::F1 && labels.len() != 2 {
            return wrong("f1 is for two classes; take macro-f1 or micro-f1".to_owned());
        }
        if metric == Metric::DirectedF1 && labels.iter().all(|l| relation(l).is_none()) {
            return wrong("directed-f1 needs classes such as Cause-Effect(e1,e2)".to_owned());
        }
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
