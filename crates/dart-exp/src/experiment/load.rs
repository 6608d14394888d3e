//! From an experiment file to a validated experiment.

use std::path::PathBuf;

use anyhow::{Context, Result};
use dart_core::settings::Settings;
use dart_data::Catalog;

use crate::experiment::call::Call;
use crate::experiment::definition::{Choice, Experiment, Listed};
use crate::experiment::file::{self, Loaded};
use crate::experiment::methods::Methods;
use crate::experiment::options::{Grid, Options};
use crate::experiment::published::{self, Figure};
use crate::experiment::raw::RawExperiment;
use crate::experiment::search::{self, Sampling};
use crate::experiment::tasks::{TaskEntry, catalog};
use crate::experiment::yaml;
use crate::model::lookup::Model;
use crate::terminal::failure::Usage;
use crate::terminal::paths;

impl Experiment {
    /// Reads and validates what `call` names.
    ///
    /// # Errors
    /// What is wrong with the file, with its place, or with the call.
    pub fn load(call: &Call) -> Result<Self> {
        let file = ExperimentFile::read(call)?;
        let name = file.name()?;
        let catalogs = file.catalogs();
        let known = file.known_methods()?;
        let names = file.method_names(&known)?;
        let sampling = file.sampling()?;
        file.refuse_unscored_oracle()?;
        Ok(Experiment {
            title: file.keys().title.clone().unwrap_or_else(|| name.clone()),
            folder: file.folder(&name),
            shard: call.shard,
            sampling,
            tasks: file.tasks(&catalog(&catalogs)?)?,
            catalogs,
            data_dir: file.data_dir(),
            models: file.models()?,
            methods: names
                .iter()
                .map(|name| file.method(name, &known, sampling))
                .collect::<Result<_, _>>()?,
            ks: file.several(file.keys().k().0, "k")?,
            seeds: file.several(file.keys().seeds().0, "seeds")?,
            compare: file.compare(&names)?,
            published: file.published()?,
            keys: file.loaded.keys,
        })
    }
}

/// An experiment file that is being validated.
struct ExperimentFile<'c> {
    call: &'c Call,
    loaded: Loaded,
    /// What names in the file stand under.
    root: PathBuf,
    /// What names on the command line stand under.
    here: PathBuf,
}

impl<'c> ExperimentFile<'c> {
    fn read(call: &'c Call) -> Result<Self> {
        Ok(ExperimentFile {
            call,
            root: paths::root()?,
            here: std::env::current_dir().context("the working folder")?,
            loaded: file::load(&call.file, &call.profile, &call.sets)?,
        })
    }

    fn keys(&self) -> &RawExperiment {
        &self.loaded.keys
    }

    /// An error about the file as a whole.
    fn fault(&self, message: impl std::fmt::Display) -> Usage {
        Usage(format!("{}: {message}", self.call.file.display()))
    }

    /// An error about what the file says of `word`, with its line.
    fn fault_at(&self, word: &str, message: impl std::fmt::Display) -> Usage {
        Usage(format!(
            "{}: {message}",
            yaml::place(&self.loaded.files, word)
        ))
    }

    fn several<T: PartialEq + std::fmt::Debug>(
        &self,
        values: Vec<T>,
        key: &str,
    ) -> Result<Vec<T>, Usage> {
        several(values, key).map_err(|message| self.fault(message))
    }

    /// The name of the results' folder.
    fn name(&self) -> Result<String, Usage> {
        let stem = || match self.call.file.file_stem() {
            Some(stem) => stem.to_string_lossy().into_owned(),
            None => "experiment".to_owned(),
        };
        let mut name = self.keys().name.clone().unwrap_or_else(stem);
        if self.call.profile != "default" {
            name = format!("{name}-{}", self.call.profile);
        }
        match paths::slug(&name) == name {
            true => Ok(name),
            false => Err(self.fault(format!(
                "`name` may have letters, digits, `-` and `_` only: {name:?}"
            ))),
        }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let results = match &self.call.results {
            Some(dir) => self.here.join(dir),
            None => self.root.join("results"),
        };
        match self.call.shard {
            Some(shard) => shard.folder(&results.join(name)),
            None => results.join(name),
        }
    }

    fn data_dir(&self) -> PathBuf {
        match (&self.call.data_dir, &self.keys().data_dir) {
            (Some(dir), _) => self.here.join(dir),
            (None, Some(dir)) => self.root.join(dir),
            (None, None) => self.root.join("data"),
        }
    }

    fn catalogs(&self) -> Vec<PathBuf> {
        let files = self.keys().catalog().0;
        files.iter().map(|file| self.root.join(file)).collect()
    }

    fn tasks(&self, catalog: &Catalog) -> Result<Vec<Listed>, Usage> {
        let entries = self.keys().tasks.clone().map(|entries| entries.0);
        let file = self.here.join(&self.call.file);
        let base = file.parent().unwrap_or(&self.here);
        let mut tasks: Vec<Listed> = Vec::new();
        for entry in self.several(entries.unwrap_or_default(), "tasks")? {
            let word = entry.word();
            let entry = entry.under(base);
            let task = entry.task(catalog).map_err(|m| self.fault_at(&word, m))?;
            if tasks.iter().any(|known| known.task.name == task.name) {
                let message = "two tasks have this name; give one another `name`";
                return Err(self.fault_at(&word, format!("{}: {message}", task.name)));
            }
            let entry = Some(entry).filter(|e| !matches!(e, TaskEntry::Named(_)));
            tasks.push(Listed { task, entry });
        }
        Ok(tasks)
    }

    fn models(&self) -> Result<Vec<Model>, Usage> {
        let models: Vec<Model> = match &self.call.model {
            Some(name) => vec![Model::find(name, &self.root, &self.here)],
            None => {
                let names = self.several(self.keys().model().0, "model")?;
                let find = |name: &String| self.model(name);
                names.iter().map(find).collect()
            }
        };
        for (i, model) in models.iter().enumerate() {
            if models[..i].iter().any(|known| known.name == model.name) {
                return Err(self.fault(format!(
                    "{}: two models have this name, by which the results tell them; rename a \
                     folder, or make two experiments of them",
                    model.name
                )));
            }
        }
        Ok(models)
    }

    /// A model that the file names.
    fn model(&self, name: &str) -> Model {
        Model::find(name, &self.root, &self.root)
    }

    fn known_methods(&self) -> Result<Methods, Usage> {
        let listed = self.keys().methods.iter().flat_map(|methods| &methods.0);
        let own: Vec<_> = listed
            .filter_map(|(name, entry)| Some((name.clone(), entry.clone()?)))
            .collect();
        Methods::new(&own)
    }

    /// The names of the methods, in the order of the file.
    fn method_names(&self, known: &Methods) -> Result<Vec<String>, Usage> {
        let listed = self.keys().methods.iter().flat_map(|methods| &methods.0);
        let names = listed.map(|(name, _)| name.clone()).collect();
        let names = self.several(names, "methods")?;
        // A search may name a method that is left out this time, but none that does not exist.
        let searched = self.keys().search.keys();
        for name in searched.chain(self.loaded.sets_of_methods.keys()) {
            known
                .named(name)
                .map_err(|Usage(m)| self.fault_at(name, m))?;
        }
        Ok(names)
    }

    fn sampling(&self) -> Result<Option<Sampling>, Usage> {
        let seed = self.keys().search_seed();
        match self.keys().samples {
            None => Ok(None),
            Some(samples @ 1..=100_000) => Ok(Some(Sampling { samples, seed })),
            Some(_) => Err(self.fault("`samples` must be at least 1 and at most 100000")),
        }
    }

    /// A method with its layers of settings: the command line over its own entry in the file, that
    /// over the file's `settings`, these over its preset.
    fn method(
        &self,
        name: &str,
        known: &Methods,
        sampling: Option<Sampling>,
    ) -> Result<Choice, Usage> {
        let named = known
            .named(name)
            .map_err(|Usage(m)| self.fault_at(name, m))?;
        let device = Options {
            device: self.call.device,
            ..Options::default()
        };
        let of_method = self.loaded.sets_of_methods.get(name).cloned();
        let set = of_method.unwrap_or_default().over(&self.loaded.set_of_all);
        let fixed = device.over(&set);
        let options = fixed
            .clone()
            .over(&named.own)
            .over(&self.keys().settings)
            .over(&named.preset);
        let grid: Grid = self.keys().search.get(name).cloned().unwrap_or_default();
        let grid = grid.without(&fixed);
        let of_search = |message| self.fault(format!("search: {name}: {message}"));
        if grid.encoder.is_some() {
            let message = "`encoder` cannot be searched; give each its own method";
            return Err(of_search(message.to_owned()));
        }
        let search = search::points(name, &grid, sampling).map_err(of_search)?;
        let decided = |point: &Options| point.clone().over(&options).decided(named.kind);
        let encoder = search
            .points
            .iter()
            .map(decided)
            .find(Settings::has_encoder);
        Ok(Choice {
            encoder: encoder.map(|settings| self.model(&settings.encoder)),
            named,
            options,
            search,
        })
    }

    fn refuse_unscored_oracle(&self) -> Result<(), Usage> {
        match self.keys().oracle() && !self.keys().score_test() {
            true => {
                let message = "`oracle` scores test and `score_test` is false; leave one out";
                Err(self.fault(message))
            }
            false => Ok(()),
        }
    }

    fn compare(&self, names: &[String]) -> Result<Option<String>, Usage> {
        match &self.keys().compare {
            Some(name) if !names.contains(name) => {
                let listed: Vec<&str> = names.iter().map(String::as_str).collect();
                let hint = yaml::hint(name, &listed);
                Err(self.fault(format!("compare: no method `{name}` here; {hint}")))
            }
            Some(name) => Ok(Some(name.clone())),
            None => Ok(names.iter().find(|name| *name == "dart").cloned()),
        }
    }

    fn published(&self) -> Result<Vec<Figure>, Usage> {
        match &self.keys().published {
            Some(file) => published::read(&self.root.join(file)),
            None => Ok(Vec::new()),
        }
    }
}

/// A list that must not be empty nor say a thing twice.
fn several<T: PartialEq + std::fmt::Debug>(values: Vec<T>, key: &str) -> Result<Vec<T>, String> {
    if values.is_empty() {
        return Err(format!("`{key}` is empty; list at least one"));
    }
    for (i, value) in values.iter().enumerate() {
        if values[..i].contains(value) {
            return Err(format!("`{key}` lists {value:?} twice"));
        }
    }
    Ok(values)
}
