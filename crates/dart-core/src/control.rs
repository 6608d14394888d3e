//! The answer of those who watch a long computation.

/// What an observer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Save the state and return [`crate::CoreError::Interrupted`].
    Stop,
}
