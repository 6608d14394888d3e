//! From an experiment file to a validated experiment.

use std::path::PathBuf;

use anyhow::{Context, Result};
use dart_data::Task;

use crate::experiment::call::Call;
use crate::experiment::definition::{Choice, Experiment};
use crate::experiment::file::{self, Loaded};
use crate::experiment::methods::Methods;
use crate::experiment::options::{Grid, Kind, Options};
use crate::experiment::resolve::ENCODER;
use crate::experiment::search::{self, Sampling};
use crate::experiment::tasks::{TaskEntry, catalog};
use crate::experiment::values::{OneOrMany, Shots};
use crate::experiment::{published, yaml};
use crate::model::lookup::Model;
use crate::terminal::failure::Usage;
use crate::terminal::paths;

impl Experiment {
    /// Reads and validates what `call` names.
    pub fn load(call: &Call) -> Result<Self> {
        let root = paths::root()?;
        let here = std::env::current_dir().context("the working folder")?;
        let Loaded {
            raw,
            set_of_all,
            sets_of_methods,
            files,
        } = file::load(&call.file, &call.profile, &call.sets)?;
        let shown = call.file.display();
        let place = |name: &str| yaml::place(&files, name);
        let stem = call
            .file
            .file_stem()
            .map_or("experiment".into(), |s| s.to_string_lossy());
        let mut name = raw.name.unwrap_or_else(|| stem.into_owned());
        if call.profile != "default" {
            name = format!("{name}-{}", call.profile);
        }
        if paths::slug(&name) != name {
            let message = "`name` may have letters, digits, `-` and `_` only";
            return Err(Usage(format!("{shown}: {message}: {name:?}")).into());
        }
        let results = call
            .results
            .as_ref()
            .map_or(root.join("results"), |dir| here.join(dir));

        let catalogs: Vec<PathBuf> = raw.catalog.map_or_else(Vec::new, |files| {
            files.0.iter().map(|f| root.join(f)).collect()
        });
        let catalog = catalog(&catalogs)?;
        let entries =
            several(raw.tasks, "tasks", None).map_err(|m| Usage(format!("{shown}: {m}")))?;
        let base = here.join(&call.file);
        let base = base.parent().unwrap_or(&here);
        let (mut tasks, mut own_tasks) = (Vec::<Task>::new(), Vec::new());
        for entry in entries {
            let place = place(&entry.word());
            let entry = entry.under(base);
            let task = entry
                .task(&catalog)
                .map_err(|m| Usage(format!("{place}: {m}")))?;
            if tasks.iter().any(|known| known.name == task.name) {
                let message = "two tasks have this name; give one another `name`";
                return Err(Usage(format!("{place}: {}: {message}", task.name)).into());
            }
            tasks.push(task);
            own_tasks.push(Some(entry).filter(|e| !matches!(e, TaskEntry::Named(_))));
        }

        let models: Vec<Model> = match &call.model {
            Some(name) => vec![Model::find(name, &root, &here)],
            None => several(raw.model, "model", Some("minilm-mlm".to_owned()))
                .map_err(|m| Usage(format!("{shown}: {m}")))?
                .iter()
                .map(|name| Model::find(name, &root, &root))
                .collect(),
        };
        for (i, model) in models.iter().enumerate() {
            if models[..i].iter().any(|known| known.name == model.name) {
                let message = "two models have this name, by which the results tell them; \
                               rename a folder, or make two experiments of them";
                return Err(Usage(format!("{shown}: {}: {message}", model.name)).into());
            }
        }

        let raw_methods = raw.methods.map(|methods| methods.0).unwrap_or_default();
        let own: Vec<_> = raw_methods
            .iter()
            .filter_map(|(n, e)| Some((n.clone(), e.clone()?)))
            .collect();
        let known = Methods::new(&own)?;
        let names: Vec<String> = raw_methods.into_iter().map(|(name, _)| name).collect();
        let names = several(Some(OneOrMany(names)), "methods", None)
            .map_err(|m| Usage(format!("{shown}: {m}")))?;
        let listed: Vec<&str> = names.iter().map(String::as_str).collect();
        // A search may name a method that is left out this time, but none that does not exist.
        for name in raw.search.keys().chain(sets_of_methods.keys()) {
            known
                .named(name)
                .map_err(|Usage(m)| Usage(format!("{}: {m}", place(name))))?;
        }
        let device = Options {
            device: call.device.clone(),
            ..Options::default()
        };
        let sampling = raw.samples.map(|samples| Sampling {
            samples,
            seed: raw.search_seed.unwrap_or(0),
        });
        if sampling.is_some_and(|s| !(1..=100_000).contains(&s.samples)) {
            let message = "`samples` must be at least 1 and at most 100000";
            return Err(Usage(format!("{shown}: {message}")).into());
        }
        let mut methods = Vec::new();
        for name in &names {
            let named = known
                .named(name)
                .map_err(|Usage(m)| Usage(format!("{}: {m}", place(name))))?;
            let grid = raw.search.get(name).cloned().unwrap_or_default();
            let set = sets_of_methods
                .get(name)
                .cloned()
                .unwrap_or_default()
                .over(&set_of_all);
            let fixed = device.clone().over(&set);
            let options = fixed
                .clone()
                .over(&named.own)
                .over(&raw.settings)
                .over(&named.preset);
            let grid = grid.without(&fixed);
            if grid.encoder.is_some() {
                let message = "`encoder` cannot be searched; give each its own method";
                return Err(Usage(format!("{shown}: search: {name}: {message}")).into());
            }
            let encoder = uses_encoder(named.kind, &options, &grid).then(|| {
                let encoder = options.encoder.as_deref().unwrap_or(ENCODER);
                Model::find(encoder, &root, &root)
            });
            let search = search::points(name, &grid, sampling)
                .map_err(|m| Usage(format!("{shown}: search: {name}: {m}")))?;
            methods.push(Choice {
                named,
                options,
                search,
                encoder,
            });
        }
        let fault = |m| Usage(format!("{shown}: {m}"));
        let score_test = raw.score_test.unwrap_or(true);
        if raw.oracle == Some(true) && !score_test {
            let message = "`oracle` scores test and `score_test` is false; leave one out";
            return Err(fault(message.to_owned()).into());
        }
        let compare = match raw.compare {
            Some(name) if !names.contains(&name) => {
                let hint = yaml::hint(&name, &listed);
                return Err(fault(format!("compare: no method `{name}` here; {hint}")).into());
            }
            Some(name) => Some(name),
            None => names.iter().find(|name| *name == "dart").cloned(),
        };
        let published = match raw.published {
            Some(file) => published::read(&root.join(file))?,
            None => Vec::new(),
        };
        Ok(Experiment {
            title: raw.title.unwrap_or_else(|| name.clone()),
            folder: match call.shard {
                Some(shard) => shard.folder(&results.join(&name)),
                None => results.join(&name),
            },
            shard: call.shard,
            sampling,
            tasks,
            own_tasks,
            catalogs,
            data_dir: match (&call.data_dir, raw.data_dir) {
                (Some(dir), _) => here.join(dir),
                (None, Some(dir)) => root.join(dir),
                (None, None) => root.join("data"),
            },
            models,
            methods,
            ks: several(raw.k, "k", Some(Shots(16)))
                .map_err(fault)?
                .into_iter()
                .map(|k| k.0)
                .collect(),
            seeds: match raw.seeds {
                None => vec![13, 21, 42, 87, 100],
                given => several(given, "seeds", None).map_err(fault)?,
            },
            test_rows: raw.test_rows.map_or(Some(500), |rows| rows.0),
            test_seed: raw.test_seed.unwrap_or(0),
            score_test,
            oracle: raw.oracle.unwrap_or(false),
            skip_missing: raw.skip_missing.unwrap_or(false),
            keep_weights: raw.keep_weights.unwrap_or(false),
            strict: raw.strict.unwrap_or(false),
            save_seconds: raw.save_seconds.unwrap_or(20),
            compare,
            published,
            notes: raw.notes.map(|notes| notes.0).unwrap_or_default(),
        })
    }
}

/// Whether a trial of a method may ask for the sentence encoder.
fn uses_encoder(kind: Kind, options: &Options, grid: &Grid) -> bool {
    let shows = matches!(options.demonstrations, Some(Some(_))) || grid.demonstrations.is_some();
    let all = options.demonstration_share == Some(1.0) && grid.demonstration_share.is_none();
    kind == Kind::Sentence || kind == Kind::Prompt && shows && !all
}

/// A list that must not be empty nor say a thing twice.
fn several<T: PartialEq + std::fmt::Debug>(
    given: Option<OneOrMany<T>>,
    key: &str,
    default: Option<T>,
) -> Result<Vec<T>, String> {
    let values = match (given, default) {
        (Some(given), _) => given.0,
        (None, Some(default)) => vec![default],
        (None, None) => Vec::new(),
    };
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
