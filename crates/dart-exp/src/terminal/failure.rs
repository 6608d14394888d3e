//! How the program ends: which error gives which exit code.

use std::process::ExitCode;

use dart_core::CoreError;

/// A wrong call or configuration: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

/// Stopped by a signal, to be gone on with: exit code 130.
#[derive(Debug)]
pub struct Interrupted(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
impl std::error::Error for Interrupted {}

/// An error with its causes on one line, less the causes that a message already tells.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

/// The exit code of an error: 2 for [`Usage`] and settings that cannot work, 130 for
/// [`Interrupted`], 1 for all others.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let setting = matches!(error.downcast_ref(), Some(CoreError::Setting(_)));
    if error.is::<Usage>() || setting {
        ExitCode::from(2)
    } else if error.is::<Interrupted>() {
        ExitCode::from(130)
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn a_cause_is_told_once() {
        let error = Err::<(), _>(anyhow!("disk full")).context("a.csv: disk full");
        let error = error.context("writing").unwrap_err();
        assert_eq!(one_line(&error), "writing: a.csv: disk full");
    }
}
