//! The tasks of an experiment: the catalog's by name, the same with another prompt, one's own.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use dart_core::prompt::{Part, Template};
use dart_data::{Catalog, Kind, OwnTask, Task};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::terminal::failure::Usage;
use crate::terminal::remedy::told;

/// What an experiment says of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TaskEntry {
    /// A name in the catalog.
    Named(String),
    /// One's own files, or a task of the catalog with another prompt.
    Own(Box<OwnTask>),
}

impl TaskEntry {
    /// A word that the file says where it speaks of this task.
    pub fn word(&self) -> String {
        match self {
            TaskEntry::Named(name) => name.clone(),
            TaskEntry::Own(own) => {
                let file = own.file.as_ref().or(own.train.as_ref());
                let file = file.map(|file| file.display().to_string());
                own.task.clone().or(file).unwrap_or_default()
            }
        }
    }

    /// The same with paths that stand under `base` made whole.
    pub fn under(mut self, base: &Path) -> Self {
        if let TaskEntry::Own(own) = &mut self {
            let paths = [&mut own.file, &mut own.train, &mut own.dev, &mut own.test];
            for path in paths.into_iter().flatten() {
                *path = base.join(&*path);
            }
        }
        self
    }

    /// The task.
    ///
    /// # Errors
    /// An unknown name, or settings that cannot work, named.
    pub fn task(&self, catalog: &Catalog) -> Result<Task, String> {
        let task = match self {
            TaskEntry::Named(name) => catalog.task(name).map_err(|e| told(&e))?.clone(),
            TaskEntry::Own(own) => own.resolve(catalog).map_err(|e| told(&e))?,
        };
        if task.kind == Kind::Regression {
            let message = "is a regression, which can be checked but not trained";
            return Err(format!("task {} {message}", task.name));
        }
        let fault = |message: &str| format!("task {}: {message}", task.name);
        let template = Template::parse(&task.template).map_err(|e| fault(&e.to_string()))?;
        let second = |part: &Part| matches!(part, Part::Second { .. });
        if task.kind != Kind::Pair && template.parts.iter().any(second) {
            return Err(fault("the template asks for {b}, and there is one text"));
        }
        let entity = |part: &Part| matches!(part, Part::Head | Part::Tail | Part::Marked);
        if task.kind != Kind::Relation && template.parts.iter().any(entity) {
            return Err(fault(
                "the template asks for an entity, and no relation task",
            ));
        }
        Ok(task)
    }
}

/// The catalog with further files of tasks.
pub fn catalog(files: &[PathBuf]) -> Result<Catalog> {
    let mut catalog = Catalog::embedded()?;
    for file in files {
        catalog
            .extend(file)
            .map_err(|error| Usage(format!("catalog: {error}")))?;
    }
    Ok(catalog)
}

impl<'de> Deserialize<'de> for TaskEntry {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = TaskEntry;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a task's name, {task: NAME, …} or {file: FILE, …}")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<TaskEntry, E> {
                Ok(TaskEntry::Named(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TaskEntry, A::Error> {
                // Straight from the file: what comes by way of a `Value` has lost its place.
                let own = OwnTask::deserialize(MapAccessDeserializer::new(map))?;
                own.check().map_err(de::Error::custom)?;
                Ok(TaskEntry::Own(Box::new(own)))
            }
        }
        d.deserialize_any(Entry)
    }
}

impl JsonSchema for TaskEntry {
    fn schema_name() -> Cow<'static, str> {
        "Task".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (mut changed, mut own) = (
            OwnTask::json_schema(generator),
            OwnTask::json_schema(generator),
        );
        let of_catalog = |key: &str| OwnTask::OF_CATALOG.contains(&key);
        keep(&mut changed, &["task"], of_catalog);
        keep(&mut own, &OwnTask::NEEDED, |key| key != "task");
        json_schema!({"anyOf": [{"type": "string"}, changed, own]})
    }
}

/// Leaves the keys that `wanted` wants, of which some are needed.
fn keep(schema: &mut Schema, needed: &[&str], wanted: impl Fn(&str) -> bool) {
    if let Some(keys) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        keys.retain(|key, _| wanted(key));
    }
    schema.insert("required".to_owned(), needed.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::values::OneOrMany;
    use crate::experiment::yaml;
    use dart_data::Metric;

    const OWN: &str = "
- movies
- file: a.csv
  text: 1
  label: stars
  labels: {1: bad, \"5\": good, 6: good}
  drop: [3]
  template: '{a} It was [MASK] .'
  words: {bad: terrible, good: great}
  metric: micro-f1
  negative: bad
  delimiter: ;
";

    fn read(text: &str) -> Result<Vec<TaskEntry>, String> {
        let entries = yaml::parse::<OneOrMany<TaskEntry>>(text, "x.yaml");
        entries.map(|many| many.0).map_err(|usage| usage.0)
    }

    #[test]
    fn a_job_s_task_is_the_file_s() {
        let catalog = Catalog::embedded().unwrap();
        let changed = "
- {task: movies, name: Films, words: {negative: bad, positive: fun}}
- {task: movies, words: [bad, fun], template: '[MASK] ! {a}'}
- {task: movies, words: \"{'negative': 'bad', 'positive': 'fun'}\"}
";
        for entry in [read(OWN).unwrap(), read(changed).unwrap()].concat() {
            let json = serde_json::to_string(&entry).unwrap();
            let back: TaskEntry = serde_json::from_str(&json).unwrap();
            assert_eq!(back, entry, "{json}");
            assert_eq!(back.task(&catalog), entry.task(&catalog));
            assert!(entry.task(&catalog).is_ok(), "{json}");
        }
        let own = read(OWN).unwrap()[1].task(&catalog).unwrap();
        assert_eq!(own.metric, Metric::MicroF1 { negative: 0 });
        assert_eq!(own.values, [vec!["1"], vec!["5", "6"]]);
    }

    #[test]
    fn jobs_of_earlier_versions_are_read() {
        let own = r#"{"name":null,"file":"/a.csv","train":null,"dev":null,"test":null,
            "text":"review","text_b":null,"marked":false,"label":"stars","labels":{"1":"bad","5":"good"},
            "drop":["3"],"template":"{a} [MASK]","words":{"bad":"terrible","good":"great"},
            "metric":null,"encoding":"utf-8","no_quotes":false,"test_percent":30}"#;
        let changed = r#"{"task":"movies","name":null,"template":"[MASK] {a}","words":null}"#;
        let catalog = Catalog::embedded().unwrap();
        for json in [own, changed] {
            let entry: TaskEntry = serde_json::from_str(json).unwrap();
            entry.task(&catalog).unwrap();
        }
    }

    #[test]
    fn errors_name_the_key_and_its_line() {
        for (from, to, says) in [
            (
                "  negative: bad",
                "  test_percent: many",
                "x.yaml:11: .[1].test_percent: invalid type",
            ),
            (
                "  negative: bad",
                "  negativ: bad",
                "x.yaml:11: .[1]: unknown key `negativ`; did you mean `negative`?",
            ),
            (
                "micro-f1",
                "pearson",
                "x.yaml:10: .[1].metric: unknown value `pearson`; known: accuracy, f1, macro-f1",
            ),
            ("  drop: [3]", "  drop: [[3]]", "x.yaml:7: .[1].drop[0]: "),
            ("  text: 1\n", "", "x.yaml:3: .[1]: has no `text`"),
            (
                "file: a.csv",
                "task: movies",
                "x.yaml:3: .[1]: `text` is for files of one's own",
            ),
        ] {
            let error = read(&OWN.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(says), "{says}\n{error}");
        }
    }
}
