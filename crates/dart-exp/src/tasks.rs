//! The tasks of an experiment: the catalog's by name, the same with another prompt, one's own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use dart_core::prompt::{Part, Template};
use dart_data::template::{normalise, words_from_mapping};
use dart_data::{Catalog, Kind, OwnTask, Task};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

/// What an experiment says of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TaskEntry {
    /// A name in the catalog.
    Named(String),
    /// A task of the catalog with another prompt.
    Changed(Changed),
    /// One's own files.
    Own(Box<OwnTask>),
}

/// A task of the catalog with another prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// The catalog's name.
    task: String,
    /// Its name here.
    #[serde(default)]
    name: Option<String>,
    /// The template, in our notation or LM-BFF's.
    #[serde(default)]
    template: Option<String>,
    /// The label words.
    #[serde(default)]
    words: Option<Words>,
}

/// Label words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Words {
    /// In the order of the task's labels.
    List(Vec<String>),
    /// By label.
    Map(BTreeMap<String, String>),
    /// LM-BFF's mapping as text.
    Mapping(String),
}

impl TaskEntry {
    /// A word that the file says where it speaks of this task.
    pub fn word(&self) -> String {
        match self {
            TaskEntry::Named(name) => name.clone(),
            TaskEntry::Changed(changed) => changed.task.clone(),
            TaskEntry::Own(own) => {
                let file = own.file.as_ref().or(own.train.as_ref());
                file.map_or_else(String::new, |file| file.display().to_string())
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
            TaskEntry::Named(name) => catalog.task(name).map_err(text)?.clone(),
            TaskEntry::Changed(changed) => changed.over(catalog.task(&changed.task))?,
            TaskEntry::Own(own) => own.task(Path::new("")).map_err(text)?,
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

impl Changed {
    fn over(&self, known: dart_data::error::Result<&Task>) -> Result<Task, String> {
        let mut task = known.map_err(text)?.clone();
        if let Some(template) = &self.template {
            task.template = normalise(template).map_err(text)?;
        }
        task.words = match &self.words {
            None => task.words,
            Some(Words::List(words)) if words.len() == task.labels.len() => words.clone(),
            Some(Words::List(words)) => {
                let (labels, given) = (task.labels.len(), words.len());
                return Err(format!(
                    "task {}: {labels} labels and {given} `words`",
                    task.name
                ));
            }
            Some(Words::Map(map)) => {
                let pairs = map
                    .iter()
                    .map(|(label, word)| format!("\"{label}\": \"{word}\""));
                let mapping = format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "));
                words_from_mapping(&task, &mapping).map_err(text)?
            }
            Some(Words::Mapping(mapping)) => words_from_mapping(&task, mapping).map_err(text)?,
        };
        if let Some(name) = &self.name {
            (task.name, task.title) = (name.to_lowercase(), name.clone());
        }
        Ok(task)
    }
}

fn text(error: dart_data::DataError) -> String {
    error.to_string()
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
                let value = Value::deserialize(MapAccessDeserializer::new(map))?;
                let entry = match value.get("task") {
                    Some(_) => serde_yaml::from_value(value).map(TaskEntry::Changed),
                    None => serde_yaml::from_value(value).map(TaskEntry::Own),
                };
                entry.map_err(de::Error::custom)
            }
        }
        d.deserialize_any(Entry)
    }
}
