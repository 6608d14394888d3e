//! The model families. A new one is a file with a [`Blueprint`] and a
//! [`Stack`](super::stack::Stack), and a line in [`FAMILIES`].

mod bert;
mod deberta;
mod gpt2;
mod modernbert;
mod mpnet;

use std::path::Path;

use serde::Deserialize;

use super::backbone::{Blueprint, Parsed};
use super::config::{LmConfig, from_json};
use crate::error::{CoreError, Result};

/// Reads a `config.json`.
type Parse = fn(&str) -> Parsed;

/// What reads a `config.json`, by the `model_type` that it states.
static FAMILIES: &[(&str, Parse)] = &[
    ("bert", bert::bert),
    ("roberta", bert::roberta),
    ("xlm-roberta", bert::roberta),
    ("camembert", bert::roberta),
    ("distilbert", bert::distilbert),
    ("electra", bert::electra),
    ("albert", bert::albert),
    ("mpnet", mpnet::parse),
    ("modernbert", modernbert::parse),
    ("deberta", deberta::first),
    ("deberta-v2", deberta::second),
    ("gpt2", gpt2::parse),
];

/// `config.json` as far as it says what it is.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
}

impl LmConfig {
    /// Reads `config.json` in `dir`.
    ///
    /// # Errors
    /// The file is missing, is not JSON, lacks a key, or names a family that is not supported.
    pub fn read(dir: &Path) -> Result<Self> {
        Ok(read(dir)?.0)
    }
}

/// Reads `config.json` in `dir`.
pub(super) fn read(dir: &Path) -> Result<(LmConfig, Box<dyn Blueprint>)> {
    let path = dir.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|e| CoreError::io(&path, e))?;
    parse(&text).map_err(|message| CoreError::model(&path, message))
}

fn parse(text: &str) -> Parsed {
    let kind: Kind = from_json(text)?;
    let wanted = kind.model_type.as_deref().unwrap_or("bert");
    match FAMILIES.iter().find(|(name, _)| *name == wanted) {
        Some((_, parse)) => parse(text),
        None => {
            let known: Vec<&str> = FAMILIES.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
            Err(format!(
                "model_type `{wanted}` is not supported; supported: {known}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of transformers' `AutoModelForSequenceClassification`, and what GPT-2 takes.
    #[test]
    fn a_head_drops_as_much_as_in_transformers() {
        let keys = r#""vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 9"#;
        for (family, rates, expected) in [
            ("bert", r#""hidden_dropout_prob": 0.3"#, 0.3),
            ("roberta", r#""classifier_dropout": null"#, 0.1),
            ("electra", r#""classifier_dropout": 0.4"#, 0.4),
            ("distilbert", r#""dropout": 0.3"#, 0.2),
            (
                "distilbert",
                r#""seq_classif_dropout": 0.4, "classifier_dropout": 0.3"#,
                0.4,
            ),
            ("albert", r#""hidden_dropout_prob": 0.0"#, 0.1),
            ("albert", r#""classifier_dropout_prob": 0.4"#, 0.4),
            ("mpnet", r#""hidden_dropout_prob": 0.3"#, 0.3),
            ("modernbert", r#""mlp_dropout": 0.3"#, 0.0),
            ("modernbert", r#""classifier_dropout": 0.4"#, 0.4),
            ("deberta-v2", r#""hidden_dropout_prob": 0.3"#, 0.3),
            ("deberta-v2", r#""cls_dropout": 0.4"#, 0.4),
            ("gpt2", r#""resid_pdrop": 0.3"#, 0.3),
        ] {
            let text = format!(r#"{{"model_type": "{family}", {keys}, {rates}}}"#);
            let (config, _) = parse(&text).unwrap();
            assert_eq!(config.head_dropout, expected, "{text}");
        }
    }
}
