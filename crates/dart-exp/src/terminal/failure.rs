//! How the program ends: which error gives which exit code.

use std::process::ExitCode;

use dart_core::CoreError;
use dart_data::DataError;

use crate::terminal::remedy::told;

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
    let text = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<DataError>() {
        Some(error) => told(error),
        None => cause.to_string(),
    };
    let mut line = String::new();
    for cause in error.chain().map(text) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

/// The exit code of an error: 2 for [`Usage`] and for settings and inputs that cannot work, 130 for
/// [`Interrupted`], 1 for all others.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let wrong_call = matches!(
        error.downcast_ref(),
        Some(CoreError::Setting(_) | CoreError::Input(_))
    );
    if error.is::<Usage>() || wrong_call {
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

    #[test]
    fn only_a_wrong_call_or_configuration_ends_with_2() {
        let text = || "why".to_owned();
        let wrong: [anyhow::Error; 3] = [
            Usage(text()).into(),
            CoreError::Setting(text()).into(),
            CoreError::Input(text()).into(),
        ];
        for error in wrong {
            let error = error.context("method dart");
            assert_eq!(exit_code(&error), ExitCode::from(2), "{error:?}");
        }
        let norm = f64::NAN;
        let failures = [
            CoreError::Diverged { step: 7, norm },
            CoreError::State(text()),
            CoreError::Unsupported(text()),
            CoreError::Encoding(text()),
            CoreError::model("model.safetensors", "damaged"),
            CoreError::io("out", std::io::Error::other("disk full")),
            CoreError::MissingBase {
                folder: "gone".into(),
                name: "tiny".into(),
            },
        ];
        for error in failures {
            let error = anyhow::Error::from(error).context("method dart");
            assert_eq!(exit_code(&error), ExitCode::FAILURE, "{error:?}");
        }
        assert_eq!(exit_code(&anyhow!("other")), ExitCode::FAILURE);
        let stopped = anyhow::Error::from(Interrupted(text()));
        assert_eq!(exit_code(&stopped), ExitCode::from(130));
    }

    #[test]
    fn errors_of_the_data_are_told_with_their_remedy() {
        let error = dart_data::Catalog::default().task("x").unwrap_err();
        let error = anyhow::Error::from(error).context("loading");
        let wanted = "loading: unknown task \"x\"; `dart-exp data list` shows all tasks";
        assert_eq!(one_line(&error), wanted);
    }
}
