//! YAML into typed raw structs, with errors that name file, line, key and the nearest known key.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::terminal::failure::Usage;

/// Parses `text`, which stands in `origin` (a file's path, or a command line option).
pub fn parse<T: DeserializeOwned>(text: &str, origin: &str) -> Result<T, Usage> {
    serde_yaml::from_str(text).map_err(|error| Usage(describe(&error, origin)))
}

/// Reads and parses a file.
pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Usage> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Usage(format!("{shown}: {error}; give the path of a YAML file")))?;
    parse(&text, &shown.to_string())
}

fn describe(error: &serde_yaml::Error, origin: &str) -> String {
    let place = match error.location() {
        Some(at) => format!("{origin}:{}", at.line()),
        None => origin.to_owned(),
    };
    let text = error.to_string();
    // The position stands in front; "path: message" stays.
    let message = match text.rfind(" at line ") {
        Some(at) => &text[..at],
        None => text.as_str(),
    };
    for (sign, noun) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        let Some((before, rest)) = message.split_once(sign) else {
            continue;
        };
        let Some((given, expected)) = rest.split_once('`') else {
            continue;
        };
        let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return format!(
            "{place}: {before}unknown {noun} `{given}`; {}",
            hint(given, &known)
        );
    }
    format!("{place}: {message}")
}

/// `file:line` of the first line in `files` that says `word`, or the first file alone.
pub fn place(files: &[PathBuf], word: &str) -> String {
    let said = files.iter().find_map(|file| line_of(file, word));
    said.unwrap_or_else(|| {
        files
            .first()
            .map_or_else(String::new, |f| f.display().to_string())
    })
}

fn line_of(file: &Path, word: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let says = |line: &str| line.split(|c| !is_part(c)).any(|part| part == word);
    let at = text
        .lines()
        .position(|line| says(line.split('#').next().unwrap_or(line)))?;
    Some(format!("{}:{}", file.display(), at + 1))
}

/// What to write instead of `given`: the nearest of `known`, or all of them.
pub fn hint(given: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, name)) if distance <= 1 + given.len() / 3 => {
            format!("did you mean `{name}`?")
        }
        _ => format!("known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::options::Options;

    #[test]
    fn an_unknown_key_is_named_with_line_and_nearest_key() {
        let error = parse::<Options>("steps: 3\nlearning_rat: 1", "x.yaml").unwrap_err();
        assert_eq!(
            error.0,
            "x.yaml:2: unknown key `learning_rat`; did you mean `learning_rate`?"
        );
        let error = parse::<Options>("train: lmm", "x.yaml").unwrap_err();
        assert!(
            error.0.contains("x.yaml:1") && error.0.contains("did you mean `lm`?"),
            "{error}"
        );
        let error = parse::<Options>("steps: many", "x.yaml").unwrap_err();
        assert!(
            error.0.starts_with("x.yaml:1: steps: invalid type"),
            "{error}"
        );
    }
}
