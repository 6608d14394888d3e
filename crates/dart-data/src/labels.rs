//! From a label as written to a class.

use std::collections::HashMap;
use std::path::Path;

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::format::Record;
use crate::layout::{Bin, Read};

/// The label values of one layout.
pub(crate) struct LabelMap<'t> {
    task: &'t Task,
    classes: HashMap<&'t str, usize>,
    few: Vec<(&'t str, usize)>,
    bins: Vec<(&'t Bin, usize)>,
    skip: &'t [String],
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
        LabelMap {
            task,
            classes,
            few,
            bins,
            skip: &read.skip,
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
        Err(DataError::row(
            path,
            record.line,
            message,
            "correct the row, or the task's labels",
        ))
    }
}
