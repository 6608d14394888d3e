//! `dart-exp schema`: the JSON Schema (draft 7, which editors know) of experiment files, made of the
//! types that read them.

use anyhow::{Context, Result};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use crate::experiment::raw::RawExperiment;
use crate::terminal::print::print;

/// Prints the schema.
///
/// # Errors
/// Standard output cannot be written.
pub fn run() -> Result<()> {
    let text = serde_json::to_string_pretty(&schema()).context("encoding the schema")?;
    print(&(text + "\n"))
}

fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<RawExperiment>();
    // Rust's own names of numbers, which validators need not know.
    RecursiveTransform(|schema: &mut Schema| drop(schema.remove("format"))).transform(&mut schema);
    schema.insert("title".to_owned(), "An experiment of dart-exp".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::options::Options;
    use serde_json::json;

    fn property<'a>(schema: &'a Value, definition: &str, key: &str) -> &'a Value {
        match definition {
            "" => &schema["properties"][key],
            _ => &schema["definitions"][definition]["properties"][key],
        }
    }

    #[test]
    fn every_key_of_every_shape_is_there_with_its_meaning() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], false);
        for (definition, keys) in [
            ("", RawExperiment::KEYS),
            ("Options", Options::NAMES),
            ("MethodEntry", Options::NAMES),
            ("Grid", Options::NAMES),
        ] {
            for key in keys {
                let described = property(&schema, definition, key);
                assert!(
                    described["description"].is_string(),
                    "{definition}.{key}: {described}"
                );
            }
        }
        for definition in ["Options", "MethodEntry", "Grid"] {
            let closed = &schema["definitions"][definition]["additionalProperties"];
            assert_eq!(*closed, false, "{definition}");
        }
    }

    #[test]
    fn types_and_limits_are_those_that_files_are_read_with() {
        let schema = schema();
        let types = |definition, key| {
            let mut types = property(&schema, definition, key).clone();
            let keys = types.as_object_mut().unwrap();
            keys.retain(|key, _| key != "description" && key != "default");
            types
        };
        assert_eq!(
            types("Options", "clip"),
            json!({"type": "number", "exclusiveMinimum": 0})
        );
        assert_eq!(
            types("Options", "fluency"),
            json!({"type": ["number", "null"], "minimum": 0})
        );
        assert_eq!(
            types("Options", "steps"),
            json!({"type": "integer", "minimum": 1, "maximum": 1_000_000_000})
        );
        assert_eq!(types("Options", "full_vocab"), json!({"type": "boolean"}));
        let clips = types("Grid", "clip");
        assert_eq!(clips["anyOf"][0]["items"]["exclusiveMinimum"], 0, "{clips}");
        assert_eq!(
            clips["anyOf"][1],
            json!({"$ref": "#/definitions/Range"}),
            "{clips}"
        );
    }

    #[test]
    fn the_two_entries_of_a_task_have_their_own_keys() {
        let schema = schema();
        let entries = &schema["definitions"]["Task"]["anyOf"];
        let (changed, own) = (&entries[1], &entries[2]);
        let keys = |entry: &Value| -> Vec<String> {
            let properties = entry["properties"].as_object();
            properties.unwrap().keys().cloned().collect()
        };
        assert_eq!(
            own["required"],
            json!(["text", "label", "template", "words"])
        );
        assert_eq!(changed["required"], json!(["task"]));
        assert_eq!(keys(changed), ["name", "task", "template", "words"]);
        let of_own = keys(own);
        for key in ["file", "delimiter", "negative", "test_percent"] {
            assert!(of_own.contains(&key.to_owned()), "{of_own:?}");
        }
        assert!(!of_own.contains(&"task".to_owned()));
        let metrics = schema["definitions"]["MetricName"].to_string();
        assert!(
            metrics.contains("micro-f1") && !metrics.contains("pearson"),
            "{metrics}"
        );
    }
}
