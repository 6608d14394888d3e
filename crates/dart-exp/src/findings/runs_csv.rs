//! What `runs.csv` tells of finished runs, for results whose run folders are not there.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result};

use crate::experiment::definition::{Experiment, Listed};
use crate::experiment::options::Options;
use crate::experiment::place::{Place, Seeded};
use crate::experiment::trials::trials;
use crate::findings::rows::Row;
use crate::plan::outline::{Entry, Outline, Scored, Trial};
use crate::terminal::failure::Usage;
use crate::terminal::paths::short;

/// A row of the file.
pub struct Recorded {
    run: String,
    key: Key,
    /// The settings' cells in the order of [`Options::NAMES`]; none where the file has no column of
    /// it.
    settings: Vec<Option<String>>,
    dev: f64,
    test: Option<f64>,
    seconds: f64,
    peak_mib: f64,
}

/// Task, method, model, k and seed.
type Key = [String; 5];

/// Reads the file.
///
/// # Errors
/// A file that cannot be read, or a column that it lacks or that has no number.
pub fn read(path: &Path) -> Result<Vec<Recorded>> {
    let shown = || short(path);
    let mut csv = csv::Reader::from_path(path).with_context(shown)?;
    let header = csv.headers().with_context(shown)?.clone();
    let find = |name: &str| header.iter().position(|column| column == name);
    let settings: Vec<Option<usize>> = Options::NAMES.iter().map(|name| find(name)).collect();
    let column = |name: &str| {
        let lacks = || Usage(format!("{}: has no column `{name}`", shown()));
        find(name).ok_or_else(lacks)
    };
    let key = ["task", "method", "model", "k", "seed"].map(column);
    let [run, dev, test, seconds, peak] = ["run", "dev", "test", "seconds", "peak_mib"].map(column);
    let (run, dev, test, seconds, peak) = (run?, dev?, test?, seconds?, peak?);
    let key = key.into_iter().collect::<Result<Vec<usize>, Usage>>()?;
    let mut all = Vec::new();
    for record in csv.records() {
        let record = record.with_context(shown)?;
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let number = |at: usize| {
            let fault = || format!("{}: run {}: {:?}", shown(), cell(run), cell(at));
            cell(at).parse::<f64>().with_context(fault)
        };
        let of = |at: usize| key.get(at).map_or(String::new(), |at| cell(*at).to_owned());
        let given = |at: &Option<usize>| at.map(|at| cell(at).to_owned());
        all.push(Recorded {
            run: cell(run).to_owned(),
            key: [of(0), of(1), of(2), of(3), of(4)],
            settings: settings.iter().map(given).collect(),
            dev: number(dev)?,
            test: match cell(test) {
                "" => None,
                _ => Some(number(test)?),
            },
            seconds: number(seconds)?,
            peak_mib: number(peak)?,
        });
    }
    Ok(all)
}

impl Recorded {
    /// Whether it was made with these settings; those at `apart` are not looked at.
    fn has(&self, settings: &Options, apart: Option<usize>) -> bool {
        let mut cells = settings.cells().into_iter().zip(&self.settings).enumerate();
        cells.all(|(at, (cell, told))| {
            Some(at) == apart || told.as_ref().is_none_or(|told| *told == cell)
        })
    }
}

/// Takes the tasks that may be left out and have no row out of the experiment.
pub fn leave_out(experiment: &mut Experiment, recorded: &[Recorded]) {
    let told = |task: &Listed| recorded.iter().any(|row| row.key[0] == task.name);
    if experiment.keys.skip_missing() && experiment.tasks.iter().any(told) {
        experiment.tasks.retain(told);
    }
}

/// The experiment's runs, those that are told of with their ids.
///
/// # Errors
/// A setting that cannot work, named.
pub fn outline<'a>(experiment: &'a Experiment, recorded: &[Recorded]) -> Result<Outline<'a>> {
    let mut by_key: HashMap<&Key, Vec<&Recorded>> = HashMap::new();
    for row in recorded {
        by_key.entry(&row.key).or_default().push(row);
    }
    let scored = recorded.iter().filter(|row| row.test.is_some());
    let on_test: HashSet<&str> = scored.map(|row| row.key[0].as_str()).collect();
    let (mut entries, mut taken) = (Vec::new(), 0);
    for Seeded { place, seed, .. } in experiment.seeded() {
        let rows = by_key.remove(&key(experiment, &place, seed));
        let trials = matched(experiment, &place, rows.unwrap_or_default())?;
        taken += trials.iter().filter(|trial| trial.id.is_some()).count();
        let task = experiment.tasks[place.task].name.as_str();
        entries.push(Entry {
            shared_model: experiment.methods[place.method].shares_models(),
            seed,
            scored: match experiment.keys.score_test() && on_test.contains(task) {
                true => Scored::Test(None),
                false => Scored::Dev,
            },
            trials,
            place,
        });
    }
    let others = recorded.len() - taken;
    let warning = format!(
        "{others} rows of `runs.csv` are left out: their tasks, methods, seeds or settings are not \
         this experiment's"
    );
    Ok(Outline {
        experiment,
        entries,
        warnings: (others > 0).then_some(warning).into_iter().collect(),
    })
}

fn key(experiment: &Experiment, place: &Place, seed: u64) -> Key {
    [
        experiment.tasks[place.task].name.clone(),
        experiment.methods[place.method].named.name.clone(),
        place.model.clone(),
        place.k.to_string(),
        seed.to_string(),
    ]
}

/// The trials of one seed at a place, and which of the rows are theirs.
fn matched(experiment: &Experiment, place: &Place, mut rows: Vec<&Recorded>) -> Result<Vec<Trial>> {
    let choice = &experiment.methods[place.method];
    // How many steps an epoch has only the data tell.
    let points = || choice.search.points.iter().chain([&choice.options]);
    let by_epochs = points().any(|options| matches!(options.epochs, Some(Some(_))));
    let steps = Options::NAMES.iter().position(|name| *name == "steps");
    let steps = steps.filter(|_| by_epochs);
    let mut all = Vec::new();
    for resolved in trials(choice, 1)? {
        let mut settings = resolved.shown;
        let row = rows.iter().position(|row| row.has(&settings, steps));
        let row = row.map(|at| rows.remove(at));
        if let (Some(at), Some(_)) = (steps, settings.steps) {
            let told = row.and_then(|row| row.settings[at].as_ref());
            settings.steps = told.and_then(|steps| steps.parse().ok());
        }
        all.push(Trial {
            id: row.map(|row| row.run.clone()),
            settings,
        });
    }
    Ok(all)
}

/// The finished runs of an outline that was made of the same file.
pub fn rows<'a>(outline: &'a Outline, recorded: &[Recorded]) -> Vec<Row<'a>> {
    let by_run: HashMap<&str, &Recorded> =
        recorded.iter().map(|row| (row.run.as_str(), row)).collect();
    let mut rows = Vec::new();
    for entry in &outline.entries {
        let ids = entry.trials.iter().map(|trial| trial.id.as_deref());
        let told: Vec<Option<&Recorded>> = ids.map(|id| by_run.get(id?).copied()).collect();
        let chosen = chosen(entry, &told);
        for (place, (trial, told)) in entry.trials.iter().zip(&told).enumerate() {
            let (Some(id), Some(told)) = (trial.id.as_deref(), told) else {
                continue;
            };
            rows.push(Row {
                entry,
                id,
                settings: &trial.settings,
                chosen: chosen == Some(place),
                dev: told.dev,
                test: told.test.filter(|_| chosen == Some(place)),
                seconds: told.seconds,
                peak_mib: told.peak_mib,
                records: None,
            });
        }
    }
    rows
}

/// The trial that was chosen: the one that scored test; where none does, the best on dev, of equal
/// ones the first, whose scores are the same. None before all trials have finished.
fn chosen(entry: &Entry, told: &[Option<&Recorded>]) -> Option<usize> {
    let told: Vec<&Recorded> = told.iter().copied().collect::<Option<_>>()?;
    if entry.scored.on_test() {
        return told.iter().position(|row| row.test.is_some());
    }
    let most = told
        .iter()
        .map(|row| row.dev)
        .fold(f64::NEG_INFINITY, f64::max);
    told.iter().position(|row| row.dev == most)
}
