//! What is odd about data without making them unusable.

use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};
use crate::shots::Shots;

/// The kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// Texts that are empty, or that pandas reads as missing.
    EmptyText,
    /// A class with fewer rows than asked for.
    FewRows,
    /// Rows left out because their text stood before.
    Duplicates,
    /// Rows left out because their text stood before under another label.
    Conflicts,
    /// Rows that cannot be read and that the catalog says to drop.
    Dropped,
    /// No test set.
    NoTest,
    /// Texts of train or dev that stand in test too, or of one's own train in one's own dev.
    Overlap,
}

/// Something odd, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing.
    pub kind: WarningKind,
    /// Where.
    pub file: PathBuf,
    /// How many.
    pub count: usize,
    /// The whole message, without the file.
    pub message: String,
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, file: &Path, count: usize, message: String) -> Self {
        Warning {
            kind,
            file: file.to_owned(),
            count,
            message,
        }
    }
}

/// Warnings of the classes with fewer rows than wanted, K for train and `dev_factor` times as many
/// for dev, or the first of them as an error where `strict`.
pub(crate) fn few_rows<'n>(
    names: impl IntoIterator<Item = &'n String>,
    counts: &[usize],
    (k, dev_factor): (Shots, usize),
    strict: bool,
    file: &Path,
) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    let Shots::Of(k) = k else {
        return Ok(warnings);
    };
    let (train, dev) = (k.get(), k.get().saturating_mul(dev_factor));
    let wanted = train.saturating_add(dev);
    for (label, found) in names.into_iter().zip(counts.iter().copied()) {
        if found >= wanted {
            continue;
        }
        if strict {
            let (path, label) = (file.to_owned(), label.clone());
            return Err(DataError::FewRows {
                path,
                label,
                found,
                wanted,
            });
        }
        let mut message = format!("class {label:?} has {found} rows of the {wanted} asked for");
        if dev > 0 {
            let of_train = found.min(train);
            message += &format!(": train {of_train}, dev {}", found - of_train);
        }
        warnings.push(Warning::new(WarningKind::FewRows, file, found, message));
    }
    Ok(warnings)
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.message)
    }
}
