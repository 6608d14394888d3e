//! An experiment's runs as far as tables tell of them, which takes neither data nor models.

use dart_data::Task;

use crate::experiment::definition::{Choice, Experiment};
use crate::experiment::options::Options;
use crate::experiment::place::Place;
use crate::plan::runs::{Group, Plan};

/// What a table is of.
pub struct Outline<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// Every place and seed, in the order of the tables.
    pub entries: Vec<Entry>,
    /// What is odd about the data, each once.
    pub warnings: Vec<String>,
}

/// One seed of a cell: trials among which dev chooses.
pub struct Entry {
    /// The cell's place.
    pub place: Place,
    /// Whether its model is one of the experiment's, and not the method's own or none.
    pub shared_model: bool,
    /// The seed.
    pub seed: u64,
    /// What its score is of.
    pub scored: Scored,
    /// The trials, in the order of the grid.
    pub trials: Vec<Trial>,
}

/// What a score is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scored {
    /// The examples that the choice was made on: there is no test set, or it is not scored.
    Dev,
    /// So many rows of the test set; none where that is not known.
    Test(Option<usize>),
}

impl Scored {
    /// Whether it is of the test set.
    pub fn on_test(self) -> bool {
        self != Scored::Dev
    }
}

/// A run.
pub struct Trial {
    /// Its id; none for a run that is not known to have been done.
    pub id: Option<String>,
    /// The settings that have a meaning for it.
    pub settings: Options,
}

impl Outline<'_> {
    /// All trials in order.
    pub fn trials(&self) -> impl Iterator<Item = (&Entry, &Trial)> {
        self.entries
            .iter()
            .flat_map(|entry| entry.trials.iter().map(move |trial| (entry, trial)))
    }

    /// `movies dart k16 s13`, and the trial's number where there are several.
    pub fn name(&self, entry: &Entry, trial: usize) -> String {
        let (place, trials) = (&entry.place, entry.trials.len());
        self.experiment.trial_name(place, entry.seed, trial, trials)
    }

    /// The task of a place.
    pub fn task(&self, place: &Place) -> &Task {
        &self.experiment.tasks[place.task]
    }

    /// The method of a place.
    pub fn method(&self, place: &Place) -> &Choice {
        &self.experiment.methods[place.method]
    }
}

impl Plan {
    /// What a table of these runs is of.
    pub fn outline(&self) -> Outline<'_> {
        Outline {
            experiment: &self.experiment,
            entries: self.groups.iter().map(entry).collect(),
            warnings: self.warnings.clone(),
        }
    }
}

fn entry(group: &Group) -> Entry {
    let trials = group.trials.iter().map(|run| Trial {
        id: Some(run.id.clone()),
        settings: run.shown.clone(),
    });
    Entry {
        place: group.place.clone(),
        shared_model: group.shared_model,
        seed: group.seed,
        scored: match group.test_rows {
            0 => Scored::Dev,
            rows => Scored::Test(Some(rows)),
        },
        trials: trials.collect(),
    }
}
