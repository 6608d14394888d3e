//! The catalog of tasks: data in YAML, embedded and extendable by the user's own file.

mod metric;
mod raw;
mod task;

use std::path::Path;

use crate::error::{self, DataError, Result};

pub use metric::{Metric, MetricName, relation};
pub use task::{Kind, Source, Task};

const EMBEDDED: [(&str, &str); 4] = [
    ("catalog/default.yaml", include_str!("default.yaml")),
    ("catalog/sentence.yaml", include_str!("sentence.yaml")),
    ("catalog/glue.yaml", include_str!("glue.yaml")),
    ("catalog/relation.yaml", include_str!("relation.yaml")),
];

/// The tasks that are known.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tasks: Vec<Task>,
}

impl Catalog {
    /// The catalog that comes with the program.
    ///
    /// # Errors
    /// None in a release: a test reads every entry.
    pub fn embedded() -> Result<Catalog> {
        let mut catalog = Catalog::default();
        for (origin, text) in EMBEDDED {
            catalog.add(origin, text)?;
        }
        Ok(catalog)
    }

    /// Adds the tasks of a user's YAML file; a task of a known name replaces it.
    ///
    /// # Errors
    /// A file that cannot be read or an entry that is not valid, with its line.
    pub fn extend(&mut self, path: &Path) -> Result<()> {
        let text = String::from_utf8(error::read(path)?)
            .map_err(|_| DataError::file(path, "is not UTF-8", "convert it"))?;
        self.add(&path.display().to_string(), &text)
    }

    /// Adds or replaces one task.
    pub fn insert(&mut self, task: Task) {
        match self.tasks.iter_mut().find(|known| known.name == task.name) {
            Some(known) => *known = task,
            None => self.tasks.push(task),
        }
    }

    fn add(&mut self, origin: &str, text: &str) -> Result<()> {
        for task in raw::parse(origin, text)? {
            self.insert(task);
        }
        Ok(())
    }

    /// The task of this name, in any case.
    ///
    /// # Errors
    /// An unknown name, with the nearest known ones.
    pub fn task(&self, name: &str) -> Result<&Task> {
        let lower = name.to_lowercase();
        self.tasks
            .iter()
            .find(|task| task.name == lower)
            .ok_or_else(|| DataError::UnknownTask {
                name: name.to_owned(),
                nearest: self.nearest(&lower),
            })
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let mut near: Vec<_> = self
            .tasks
            .iter()
            .map(|task| (strsim::damerau_levenshtein(name, &task.name), &task.name))
            .filter(|(distance, known)| *distance <= 1 + known.len() / 3)
            .collect();
        near.sort();
        near.into_iter()
            .take(3)
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// All tasks, in the catalog's order.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter()
    }
}
