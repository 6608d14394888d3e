//! docs/SETTINGS.md lists the keys of experiment files as the schema states them.
//! `WRITE_DOCS=1 cargo test -p dart-exp the_settings_page` writes its tables anew.

use std::fs;

use dart_core::method::{LabelKind, TemplateKind};
use dart_core::settings::{MethodKind, Settings};
use serde_json::Value;

use super::schema;
use crate::experiment::raw::RawExperiment;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SETTINGS.md");

/// The kinds of method for which a setting can decide something, whatever else is set.
fn kinds(name: &str) -> String {
    let with_all = |kind| Settings {
        template: TemplateKind::Encoded,
        labels: LabelKind::Pseudo,
        fluency: Some(1.0),
        demonstrations: Some(1),
        ..Settings::of(kind)
    };
    let kinds = [
        (MethodKind::Prompt, "prompt"),
        (MethodKind::Head, "head"),
        (MethodKind::Sentence, "sentence"),
    ];
    let kinds = kinds.iter().filter(|(kind, _)| with_all(*kind).means(name));
    kinds.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

/// A value as people write it in a file.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        Value::Array(list) => format!(
            "[{}]",
            list.iter().map(written).collect::<Vec<_>>().join(", ")
        ),
        other => other.to_string(),
    }
}

/// What a property's schema allows.
fn allowed(schema: &Value, of: &Value) -> Vec<String> {
    let found = of["$ref"]
        .as_str()
        .and_then(|at| schema.pointer(at.trim_start_matches('#')));
    let any = ["allOf", "anyOf", "oneOf"]
        .iter()
        .find_map(|key| of[*key].as_array());
    if let Some(of) = found {
        return allowed(schema, of);
    }
    if let Some(any) = any {
        let mut all: Vec<String> = any.iter().flat_map(|of| allowed(schema, of)).collect();
        all.dedup();
        return all;
    }
    if let Some(word) = of.get("const") {
        return vec![format!("`{}`", written(word))];
    }
    if let Some(words) = of["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", written(word)))
            .collect();
    }
    let kinds = match &of["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    kinds
        .iter()
        .map(|kind| named(schema, of, kind.as_str().unwrap_or_default()))
        .collect()
}

/// A JSON type in plain words.
fn named(schema: &Value, of: &Value, kind: &str) -> String {
    match kind {
        "integer" => format!("whole number{}", limits(of)),
        "number" => format!("number{}", limits(of)),
        "boolean" => "`true` or `false`".to_owned(),
        "string" => "text".to_owned(),
        "null" => "`null`".to_owned(),
        "array" => format!("list of {}", allowed(schema, &of["items"]).join(" or ")),
        "object" => match of["properties"].as_object() {
            Some(keys) => format!(
                "`{{{}: …}}`",
                keys.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
            None => "map".to_owned(),
        },
        _ => "see below".to_owned(),
    }
}

/// The bounds of a number; those that nobody meets are not worth a word.
fn limits(of: &Value) -> String {
    let bound = |key: &str| of[key].as_f64().filter(|bound| bound.abs() < 1e9);
    let words = [
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    ];
    let said = words
        .iter()
        .filter_map(|(key, word)| Some(format!("{word} {}", bound(key)?)));
    let said: Vec<String> = said.collect();
    match said.is_empty() {
        true => String::new(),
        false => format!(" {}", said.join(", ")),
    }
}

/// A row of a table.
fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The rows of a table of properties: the key, what it allows, `more`, and what it means.
fn rows(properties: &Value, keys: &[&str], more: impl Fn(&str, &Value) -> Vec<String>) -> String {
    let schema = schema();
    let line = |key: &&str| {
        let of = &properties[*key];
        let mut cells = vec![format!("`{key}`"), allowed(&schema, of).join(", ")];
        cells.extend(more(key, of));
        cells.push(
            of["description"]
                .as_str()
                .unwrap_or_default()
                .replace('\n', " "),
        );
        row(&cells)
    };
    keys.iter().map(line).collect()
}

fn default_of(of: &Value) -> String {
    match of.get("default") {
        Some(value) => format!("`{}`", written(value)),
        None => String::new(),
    }
}

/// The tables of the page by their names.
fn tables() -> Vec<(&'static str, String)> {
    let schema = schema();
    let keys = rows(&schema["properties"], RawExperiment::KEYS, |_, of| {
        vec![default_of(of)]
    });
    let settings = &schema["definitions"]["Options"]["properties"];
    let settings = rows(settings, Settings::NAMES, |key, of| {
        vec![default_of(of), kinds(key)]
    });
    let own = &schema["definitions"]["Task"]["anyOf"][2]["properties"];
    let names: Vec<&str> = own
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let own = rows(own, &names, |_, _| Vec::new());
    vec![
        (
            "keys",
            format!("| Key | Value | Default | What |\n|---|---|---|---|\n{keys}"),
        ),
        (
            "settings",
            format!(
                "| Setting | Value | Default | Kinds | What |\n|---|---|---|---|---|\n{settings}"
            ),
        ),
        (
            "own",
            format!("| Key | Value | What |\n|---|---|---|\n{own}"),
        ),
    ]
}

#[test]
fn the_settings_page_is_what_the_program_reads() {
    let page = fs::read_to_string(PAGE).unwrap();
    let mut made = page.clone();
    for (name, table) in tables() {
        let (start, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let (before, rest) = made.split_once(&start).unwrap();
        let (_, after) = rest.split_once(end).unwrap();
        made = format!("{before}{start}{table}{end}{after}");
    }
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(PAGE, &made).unwrap();
    } else {
        assert!(
            page == made,
            "docs/SETTINGS.md: run the tests with WRITE_DOCS=1, and read it\n{made}"
        );
    }
}
