//! From a label as written to a class.

use std::collections::HashMap;
use std::path::Path;

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::format::Record;
use crate::layout::{Bin, Read, Said};

/// The label values of one layout.
pub(crate) struct LabelMap<'t> {
    task: &'t Task,
    classes: HashMap<&'t str, usize>,
    few: Vec<(&'t str, usize)>,
    bins: Vec<(&'t Bin, usize)>,
    skip: &'t [String],
    /// Of one's own files: numbers and truth values among the values, and their classes; `None` for
    /// those that are dropped.
    plain: Vec<(Plain, Option<usize>)>,
    said: Said,
}

/// What programs spell differently: pandas writes 1 as `1.0` beside missing values, and true as
/// `True`.
#[derive(Clone, Copy, PartialEq)]
enum Plain {
    Number(f64),
    Truth(bool),
}

impl Plain {
    fn of(text: &str) -> Option<Plain> {
        // Whole numbers are exact below this.
        const EXACT: f64 = (1_u64 << 53) as f64;
        if let Ok(number) = text.parse::<f64>() {
            return (number.abs() < EXACT).then_some(Plain::Number(number));
        }
        let truth = |word: &str| text.eq_ignore_ascii_case(word);
        match (truth("true"), truth("false")) {
            (false, false) => None,
            (yes, _) => Some(Plain::Truth(yes)),
        }
    }
}

impl<'t> LabelMap<'t> {
    pub(crate) fn new(task: &'t Task, read: &'t Read) -> Self {
        let mut classes = HashMap::new();
        for (class, values) in task.values.iter().enumerate() {
            classes.extend(values.iter().map(|value| (value.as_str(), class)));
        }
        let bins = read
            .bins
            .iter()
            .filter_map(|bin| classes.get(bin.label.as_str()).map(|class| (bin, *class)))
            .collect();
        for (value, name) in &read.values {
            if let Some(class) = task.labels.iter().position(|label| label == name) {
                classes.insert(value.as_str(), class);
            }
        }
        let few = if classes.len() <= 8 {
            classes
                .iter()
                .map(|(value, class)| (*value, *class))
                .collect()
        } else {
            Vec::new()
        };
        let plain = if read.said == Said::Task {
            let known = classes.iter().map(|(value, class)| (*value, Some(*class)));
            let skipped = read.skip.iter().map(|value| (value.as_str(), None));
            known
                .chain(skipped)
                .filter_map(|(value, class)| Some((Plain::of(value)?, class)))
                .collect()
        } else {
            Vec::new()
        };
        LabelMap {
            task,
            classes,
            few,
            bins,
            skip: &read.skip,
            plain,
            said: read.said,
        }
    }

    /// The class of a value. The few values of most tasks are compared one by one, faster than
    /// hashed.
    fn known(&self, label: &str) -> Option<usize> {
        if self.few.is_empty() {
            return self.classes.get(label).copied();
        }
        self.few
            .iter()
            .find(|(value, _)| *value == label)
            .map(|(_, class)| *class)
    }

    /// The class of the values that are the same number or truth value, where these agree.
    fn alike(&self, label: &str) -> Option<Option<usize>> {
        let plain = Plain::of(label)?;
        let mut classes = self.plain.iter().filter(|(known, _)| *known == plain);
        let (_, first) = classes.next()?;
        classes.all(|(_, class)| class == first).then_some(*first)
    }

    /// The record's class; `None` where the catalog says that such rows are dropped.
    pub(crate) fn class(&self, record: &Record, path: &Path) -> Result<Option<usize>> {
        let label: &str = &record.label;
        if !self.bins.is_empty() {
            let rating: f64 = label
                .parse()
                .ok()
                .filter(|rating: &f64| rating.is_finite())
                .ok_or_else(|| {
                    let message = format!("rating {label:?} is no number");
                    DataError::row(path, record.line, message, "repair or remove the row")
                })?;
            let bin = self.bins.iter().find(|(bin, _)| bin.holds(rating));
            return Ok(bin.map(|(_, class)| *class));
        }
        if let Some(class) = self.known(label) {
            return Ok(Some(class));
        }
        if self.skip.iter().any(|skipped| skipped == label) {
            return Ok(None);
        }
        if let Some(class) = self.alike(label) {
            return Ok(class);
        }
        let mut known: Vec<&str> = self
            .task
            .values
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let more = if known.len() > 8 { ", …" } else { "" };
        known.truncate(8);
        let shown: String = label.chars().take(40).collect();
        let message = format!(
            "unknown label {shown:?}; {} knows {}{more}",
            self.task.name,
            known.join(", ")
        );
        let remedy = match self.said {
            Said::Task => {
                "correct the row, or say the label under `labels` or `drop`, in quotes where it is to \
                 be taken as written"
            }
            Said::Catalog | Said::Caller => "correct the row, or the task's labels",
        };
        Err(DataError::row(path, record.line, message, remedy))
    }
}
