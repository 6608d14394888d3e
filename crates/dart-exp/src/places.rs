//! Where things are: the repository's root, models by name, paths shown short.

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
        Ok(named) if file.components().count() == 1 && !file.exists() && named.is_file() => named,
        _ => file.to_owned(),
    }
}

/// The folder of a model: `models/NAME`, or a path where the name looks like one.
///
/// `base` is what a relative path stands under.
pub fn model_folder(name: &str, root: &Path, base: &Path) -> PathBuf {
    let is_path = name.starts_with(['.', '/']) || name.contains('/') && base.join(name).is_dir();
    if is_path {
        base.join(name)
    } else {
        root.join("models").join(name)
    }
}

/// The name of a model in results: its folder's.
pub fn model_name(name: &str) -> String {
    let folder = Path::new(name)
        .file_name()
        .map(|n| n.to_string_lossy().into_owned());
    folder.unwrap_or_else(|| name.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_by_name_or_path() {
        let (root, base) = (Path::new("/r"), Path::new("/b"));
        assert_eq!(
            model_folder("minilm-mlm", root, base),
            Path::new("/r/models/minilm-mlm")
        );
        assert_eq!(model_folder("./mine", root, base), Path::new("/b/./mine"));
        assert_eq!(
            model_folder("org/name", root, base),
            Path::new("/r/models/org/name")
        );
        assert_eq!(model_name("./some/mine"), "mine");
    }
}
