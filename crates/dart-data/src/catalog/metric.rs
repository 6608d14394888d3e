//! What a task is scored by.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a task's classes are scored by.
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
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Metric::Accuracy => "accuracy",
            Metric::F1 => "F1",
            Metric::MacroF1 => "macro F1",
            Metric::MicroF1 { .. } => "micro F1",
            Metric::DirectedF1 => "macro F1 with direction",
            Metric::Matthews => "Matthews",
        })
    }
}

/// A metric as files name it, before the classes are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricName {
    /// The share of correct predictions.
    #[default]
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

impl MetricName {
    /// Whether a class that is left out is named where, and only where, this metric leaves one out.
    ///
    /// # Errors
    /// What is missing or has no meaning.
    pub(crate) fn check(self, negative: Option<&str>) -> Result<(), String> {
        match (self, negative) {
            (MetricName::MicroF1, None) => Err(
                "micro-f1 leaves a class out: name it as `negative`, or take macro-f1".to_owned(),
            ),
            (MetricName::MicroF1, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => Err("`negative` is for `metric: micro-f1`; leave it out".to_owned()),
        }
    }

    /// The metric over these classes, of which `negative` is left out.
    ///
    /// # Errors
    /// Classes that it is not for, or as [`Self::check`].
    pub(crate) fn over(self, labels: &[String], negative: Option<&str>) -> Result<Metric, String> {
        self.check(negative)?;
        Ok(match self {
            MetricName::Accuracy => Metric::Accuracy,
            MetricName::F1 if labels.len() != 2 => {
                return Err("f1 is for two classes; take macro-f1 or micro-f1".to_owned());
            }
            MetricName::F1 => Metric::F1,
            MetricName::MacroF1 => Metric::MacroF1,
            MetricName::MicroF1 => {
                let named = negative.unwrap_or_default();
                let negative = labels.iter().position(|label| label == named);
                let negative = negative.ok_or_else(|| {
                    let classes = labels.join(", ");
                    format!("`negative` names {named:?}, which is no class; classes are {classes}")
                })?;
                Metric::MicroF1 { negative }
            }
            MetricName::DirectedF1 if labels.iter().all(|label| relation(label).is_none()) => {
                return Err("directed-f1 needs classes such as Cause-Effect(e1,e2)".to_owned());
            }
            MetricName::DirectedF1 => Metric::DirectedF1,
            MetricName::Matthews => Metric::Matthews,
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
