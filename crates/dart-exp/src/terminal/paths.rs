//! Where things are: the repository's root, experiments by name, paths shown short.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder that `models/`, `data/` and `results/` stand in: the nearest one upward from the
/// working folder that has `experiments/` and `models/`, else the working folder itself.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the working folder")?;
    let is_root = |folder: &&Path| {
        ["experiments", "models"]
            .iter()
            .all(|d| folder.join(d).is_dir())
    };
    Ok(here.ancestors().find(is_root).unwrap_or(&here).to_owned())
}

/// The experiment file that `file` means: `NAME` is `experiments/NAME.yaml` where no file is called
/// so.
pub fn experiment_file(file: &Path) -> PathBuf {
    let named = root().map(|root| root.join("experiments").join(file).with_extension("yaml"));
    match named {
        Ok(named) if file.components().count() == 1 && !file.is_file() && named.is_file() => named,
        _ => file.to_owned(),
    }
}

/// `path` as seen from the working folder, where it lies below.
pub fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A name as a part of a folder's name: letters, digits, `-` and `_`.
pub fn slug(name: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    name.chars().map(keep).collect()
}
