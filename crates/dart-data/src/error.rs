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
    #[error("{}:{line}: {message}; {remedy}{}", path.display(), or_read(setting.as_deref()))]
    Row {
        /// The file.
        path: PathBuf,
        /// 1-based line on which the row starts.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
        /// How to read the file so that it works, where that may be.
        setting: Option<Box<Setting>>,
    },
    /// A file as a whole cannot be used.
    #[error("{}: {message}; {remedy}{}", path.display(), or_read(setting.as_deref()))]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
        /// How to read the file so that it works, where that may be.
        setting: Option<Box<Setting>>,
    },
    /// No task of this name.
    #[error("unknown task {name:?}{}", nearest_hint(nearest))]
    UnknownTask {
        /// The name as given.
        name: String,
        /// Known names that look like it, nearest first.
        nearest: Vec<String>,
    },
    /// No distribution of a task is in the data folder, or none that serves.
    #[error("no data of task {task} in {}; {get}{}", data_dir.display(), looked_for(looked))]
    Absent {
        /// The task.
        task: String,
        /// The data folder.
        data_dir: PathBuf,
        /// Where the data come from.
        get: HowToGet,
        /// The files that would have served.
        looked: Vec<PathBuf>,
    },
    /// A task whose files have no source from which they can be fetched.
    #[error("{task} cannot be fetched by the program; {remedy}")]
    NoSource {
        /// The task.
        task: String,
        /// How to get them, and on which terms.
        remedy: String,
    },
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
         ask for fewer, or accept what there is",
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

/// How the data of a task can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HowToGet {
    /// As the catalog says.
    Told(String),
    /// [`crate::fetch`] gets them.
    Fetch,
    /// From their official home.
    Home(String),
    /// Nothing is known.
    ByHand,
}

impl std::fmt::Display for HowToGet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HowToGet::Told(how) => f.write_str(how),
            HowToGet::Fetch => f.write_str("fetch it"),
            HowToGet::Home(home) => write!(f, "get it from {home}"),
            HowToGet::ByHand => f.write_str("put one of these files there"),
        }
    }
}

/// A setting of [`crate::layout::Read`] and the value that would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The field's name.
    pub key: &'static str,
    /// The value as text.
    pub value: String,
}

fn or_read(setting: Option<&Setting>) -> String {
    setting.map_or(String::new(), |Setting { key, value }| {
        format!(", or read it with `{key}: {value}`")
    })
}

/// The files that were looked for, as the end of a sentence; nothing where there is none.
pub fn looked_for(files: &[PathBuf]) -> String {
    match files {
        [] => String::new(),
        files => {
            let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            format!("; looked for {}", names.join(", "))
        }
    }
}

fn nearest_hint(nearest: &[String]) -> String {
    if nearest.is_empty() {
        "; no task of the catalog has a name like it".to_owned()
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
            setting: None,
        }
    }

    /// A file that cannot be used as a whole.
    pub fn file(path: &Path, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        DataError::File {
            path: path.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
            setting: None,
        }
    }

    /// The same of a file or row that could be read with a setting.
    pub(crate) fn or_with(mut self, with: Option<Setting>) -> Self {
        if let DataError::Row { setting, .. } | DataError::File { setting, .. } = &mut self {
            *setting = with.map(Box::new);
        }
        self
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
