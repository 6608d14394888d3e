//! `dart-exp schema`: the JSON Schema (draft 7, which editors know) of experiment files.
//!
//! Structs, their keys and the types of these are found by asking the very `Deserialize` that reads
//! the files ([`probe`]), so the schema cannot drift from the program. What a file may spell in
//! several ways is said here.

mod probe;

use anyhow::{Context, Result};
use dart_core::settings::Settings;
use dart_data::OwnTask;
use serde_json::{Map, Value, json};

use crate::experiment::options::MethodEntry;
use crate::experiment::range::Range;
use crate::experiment::raw::RawExperiment;
use crate::terminal::print::print;
use probe::Probe;

/// Prints the schema.
pub fn run() -> Result<()> {
    let text = serde_json::to_string_pretty(&schema()).context("encoding the schema")?;
    print(&(text + "\n"))
}

fn schema() -> Value {
    let mut probe = Probe::new(spelled);
    let root = probe.schema::<RawExperiment>();
    // Named by `spelled`.
    probe.schema::<MethodEntry>();
    probe.schema::<OwnTask>();
    probe.schema::<Range>();
    let mut definitions = probe.definitions();
    describe(&mut definitions, "RawExperiment", RawExperiment::DOCS);
    for name in ["Options", "MethodEntry", "Grid"] {
        describe(&mut definitions, name, Settings::DOCS);
    }
    let own = [
        ("settings", "Settings of every method."),
        ("search", "Values to search, by method."),
        ("profiles", "Differences by name, chosen by --profile."),
    ];
    describe(&mut definitions, "RawExperiment", &own);
    let method = [
        (
            "from",
            "Another method whose settings this one starts from.",
        ),
        ("kind", "Its kind, where it builds on no other."),
        ("title", "Its name in tables."),
    ];
    describe(&mut definitions, "MethodEntry", &method);
    describe_tasks(&mut definitions);
    definitions["Range"]["required"] = json!(["low", "high"]);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An experiment of dart-exp",
        "allOf": [root],
        "definitions": definitions,
    })
}

/// Parts the two uses of an entry under `tasks`, and says which keys each needs.
fn describe_tasks(definitions: &mut Map<String, Value>) {
    let mut changed = definitions["OwnTask"].clone();
    if let Some(properties) = changed["properties"].as_object_mut() {
        properties.retain(|key, _| OwnTask::OF_CATALOG.contains(&key.as_str()));
    }
    changed["required"] = json!(["task"]);
    definitions.insert("Changed".to_owned(), changed);
    if let Some(properties) = definitions["OwnTask"]["properties"].as_object_mut() {
        properties.remove("task");
    }
    definitions["OwnTask"]["required"] = json!(OwnTask::NEEDED);
}

/// Adds what keys mean.
fn describe(definitions: &mut Map<String, Value>, name: &str, docs: &[(&str, &str)]) {
    let Some(properties) = definitions
        .get_mut(name)
        .and_then(|definition| definition["properties"].as_object_mut())
    else {
        return;
    };
    for (key, doc) in docs {
        let Some(property) = properties.get_mut(*key) else {
            continue;
        };
        // Beside a reference, draft 7 heeds nothing else.
        let types = property.take();
        *property = match types.get("$ref") {
            Some(_) => json!({"description": doc.trim(), "allOf": [types]}),
            None => {
                let mut types = types;
                types["description"] = doc.trim().into();
                types
            }
        };
    }
}

/// The schema of a value that may be spelled in several ways: it stands in a struct under a key,
/// with `[]` for what stands in a list; of a list, `element` is what the elements are.
fn spelled(within: &str, path: &str, element: Value) -> Option<Value> {
    let at_least_1 = json!({"type": "integer", "minimum": 1});
    if within == "Grid" && !element.is_null() {
        let list = json!({"type": "array", "items": element});
        return Some(json!({"anyOf": [list, {"$ref": "#/definitions/Range"}]}));
    }
    if !element.is_null() || (within == "Grid" && !path.ends_with("[]")) {
        return None;
    }
    Some(match path {
        "methods" => json!({"anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [{"$ref": "#/definitions/MethodEntry"}, {"type": "null"}],
                },
            },
        ]}),
        "tasks[]" => json!({"anyOf": [
            {"type": "string"},
            {"$ref": "#/definitions/Changed"},
            {"$ref": "#/definitions/OwnTask"},
        ]}),
        "test_rows" => json!({"anyOf": [{"const": "all"}, at_least_1]}),
        "k[]" => json!({"anyOf": [{"const": "full"}, at_least_1]}),
        "fluency_labels" | "fluency_labels[]" => json!({"anyOf": [
            {"enum": ["auto", "all", "sampled"]},
            {
                "type": "object",
                "properties": {"k": at_least_1},
                "required": ["k"],
                "additionalProperties": false,
            },
        ]}),
        "fluency_mask" | "fluency_mask[]" => json!({"anyOf": [
            {"const": "one"},
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        ]}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::options::Options;

    fn property<'a>(schema: &'a Value, definition: &str, key: &str) -> &'a Value {
        &schema["definitions"][definition]["properties"][key]
    }

    #[test]
    fn every_key_of_every_shape_is_there_with_its_meaning() {
        let schema = schema();
        for (definition, keys) in [
            ("RawExperiment", RawExperiment::KEYS),
            ("Options", Options::NAMES),
            ("MethodEntry", Options::NAMES),
            ("Grid", Options::NAMES),
        ] {
            assert_eq!(
                schema["definitions"][definition]["additionalProperties"],
                false
            );
            for key in keys {
                let described = property(&schema, definition, key);
                assert!(
                    described["description"].is_string(),
                    "{definition}.{key}: {described}"
                );
            }
        }
    }

    #[test]
    fn types_are_those_that_files_are_read_with() {
        let schema = schema();
        let types = |definition, key| {
            let mut types = property(&schema, definition, key).clone();
            types.as_object_mut().unwrap().remove("description");
            types
        };
        let number = json!({"type": "number"});
        assert_eq!(types("Options", "clip"), number);
        assert_eq!(
            types("Options", "fluency"),
            json!({"anyOf": [number, {"type": "null"}]})
        );
        assert_eq!(
            types("Options", "steps"),
            json!({"type": "integer", "minimum": 0})
        );
        assert_eq!(types("Options", "full_vocab"), json!({"type": "boolean"}));
        let parts = types("Options", "train");
        assert!(
            parts["enum"].as_array().unwrap().contains(&json!("bitfit")),
            "{parts}"
        );
        let range = json!({"$ref": "#/definitions/Range"});
        let clips = json!({"anyOf": [{"type": "array", "items": number}, range]});
        assert_eq!(types("Grid", "clip"), clips);
        let text = json!({"type": "string"});
        let models = json!({"anyOf": [text, {"type": "array", "items": text}, {"type": "null"}]});
        assert_eq!(types("RawExperiment", "model"), models);
        let grids = json!({"$ref": "#/definitions/Grid"});
        let search = json!({"type": "object", "additionalProperties": grids});
        assert_eq!(types("RawExperiment", "search"), search);
    }

    #[test]
    fn the_two_entries_of_a_task_have_their_own_keys() {
        let schema = schema();
        let keys = |name: &str| -> Vec<String> {
            let properties = schema["definitions"][name]["properties"].as_object();
            properties.unwrap().keys().cloned().collect()
        };
        let required = |name: &str| schema["definitions"][name]["required"].clone();
        assert_eq!(
            required("OwnTask"),
            json!(["text", "label", "template", "words"])
        );
        assert_eq!(required("Changed"), json!(["task"]));
        assert_eq!(keys("Changed"), ["name", "task", "template", "words"]);
        let own = keys("OwnTask");
        for key in ["file", "delimiter", "negative", "test_percent"] {
            assert!(own.contains(&key.to_owned()), "{own:?}");
        }
        assert!(!own.contains(&"task".to_owned()));
        let metric = property(&schema, "OwnTask", "metric").to_string();
        assert!(
            metric.contains("micro-f1") && !metric.contains("pearson"),
            "{metric}"
        );
    }
}
