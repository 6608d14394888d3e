//! The one error type of this crate.

use std::path::{Path, PathBuf};

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
    /// The language model that a prompt was trained on is no longer where it was.
    #[error(
        "{folder}: is not there, and the prompt needs the language model {name} that it was \
         trained on"
    )]
    MissingBase {
        /// Where it was looked for.
        folder: PathBuf,
        /// Its name.
        name: String,
    },
    /// A setting, template or verbalizer that cannot work.
    #[error("{0}")]
    Setting(String),
    /// A text or a set of examples with which what was asked for cannot be done.
    #[error("{0}")]
    Input(String),
    /// A method or a model that does not have what was asked of it.
    #[error("{0}")]
    Unsupported(String),
    /// The saved state of a training is not there, damaged or another training's.
    #[error("{0}")]
    State(String),
    /// The gradient is no longer finite.
    #[error("the gradient's norm is {norm} at step {step}; lower the learning rate")]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// The gradient's global norm.
        norm: f64,
    },
    /// A file's content could not be put into its format.
    #[error("{0}")]
    Encoding(String),
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

    /// A [`CoreError::State`] about `path`.
    pub fn state(path: impl AsRef<Path>, message: impl std::fmt::Display) -> Self {
        CoreError::State(format!("{}: {message}", path.as_ref().display()))
    }

    /// A [`CoreError::Model`] about `path`.
    pub fn model(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        CoreError::Model {
            path: path.into(),
            message: message.into(),
        }
    }
}
