//! The one error type of this crate.

use std::path::PathBuf;

/// `Result` with [`CoreError`].
pub type Result<T> = std::result::Result<T, CoreError>;

/// What can go wrong in dart-core.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A model folder, weight file or checkpoint is not what it should be.
    #[error("{path}: {message}")]
    Model {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// A setting, template or verbalizer that cannot work.
    #[error("{0}")]
    Setting(String),
    /// libtorch reported an error.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] tch::TchError),
    /// The observer asked to stop; the state is saved and the run can be resumed.
    #[error("interrupted; the state is saved and the run can be resumed")]
    Interrupted,
}

/// libtorch's messages go on with a C++ stack trace.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_string()
}

impl CoreError {
    /// An [`CoreError::Io`] about `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        CoreError::Io {
            path: path.into(),
            source,
        }
    }

    /// A [`CoreError::Model`] about `path`.
    pub fn model(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        CoreError::Model {
            path: path.into(),
            message: message.into(),
        }
    }
}
