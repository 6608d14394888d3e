//! The one error type of this crate: every message names the file, the line where there is one,
//! and what to do about it.

use std::path::{Path, PathBuf};

/// What can go wrong while data are found, read or sampled.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file system refused.
    #[error("{}: {source}; check that the path exists and that you may read it", path.display())]
    Io {
        /// The file or folder that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder stands where a file was expected.
    #[error("{}: is a folder, a file was expected; name the file itself", path.display())]
    NotAFile {
        /// The folder.
        path: PathBuf,
    },
    /// A row of a file cannot be read.
    #[error("{}:{line}: {message}; {remedy}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// 1-based line on which the row starts.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// A file as a whole cannot be used.
    #[error("{}: {message}; {remedy}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// No task of this name.
    #[error("unknown task {name:?}{}", nearest_hint(nearest))]
    UnknownTask {
        /// The name as given.
        name: String,
        /// Known names that look like it, nearest first.
        nearest: Vec<String>,
    },
    /// The data of a task are not in the data folder.
    #[error("{0}")]
    Missing(String),
    /// A file could not be fetched.
    #[error("{url}: {message}; {remedy}")]
    Fetch {
        /// The address.
        url: String,
        /// What happened.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// A catalog entry, or a task described by the user, is not valid.
    #[error("{origin}: {message}")]
    Catalog {
        /// The catalog file, or `catalog` for the embedded one.
        origin: String,
        /// What is wrong, with line and remedy.
        message: String,
    },
    /// A class has fewer rows than asked for, and `strict` was set.
    #[error(
        "{}: class {label:?} has {found} rows, {wanted} are needed; \
         ask for a smaller k or drop --strict",
        path.display()
    )]
    FewRows {
        /// The file that was sampled.
        path: PathBuf,
        /// The class.
        label: String,
        /// Rows it has.
        found: usize,
        /// Rows that k asks for.
        wanted: usize,
    },
    /// A template or a mapping of label words cannot be understood.
    #[error("template {template:?}: {message}")]
    Template {
        /// The text as given.
        template: String,
        /// What is wrong and what is expected.
        message: String,
    },
}

fn nearest_hint(nearest: &[String]) -> String {
    if nearest.is_empty() {
        "; `dart-exp data list` shows all tasks".to_owned()
    } else {
        format!("; did you mean {}?", nearest.join(" or "))
    }
}

impl DataError {
    /// An I/O error at `path`.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        DataError::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// A row of `path` starting at the 1-based `line` that cannot be read.
    pub fn row(
        path: &Path,
        line: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        DataError::Row {
            path: path.to_owned(),
            line,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// A file that cannot be used as a whole.
    pub fn file(path: &Path, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        DataError::File {
            path: path.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The 1-based line, where the error is about one.
    pub fn line(&self) -> Option<usize> {
        match self {
            DataError::Row { line, .. } => Some(*line),
            _ => None,
        }
    }
}

/// `Result` with this crate's error.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Opens a file for reading; a folder in its place is said so.
pub(crate) fn open(path: &Path) -> Result<std::fs::File> {
    let file = std::fs::File::open(path).map_err(|source| DataError::io(path, source))?;
    let meta = file
        .metadata()
        .map_err(|source| DataError::io(path, source))?;
    if meta.is_dir() {
        return Err(DataError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok(file)
}

/// Reads a whole file; a folder in its place is said so.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    open(path)?
        .read_to_end(&mut bytes)
        .map_err(|source| DataError::io(path, source))?;
    Ok(bytes)
}
