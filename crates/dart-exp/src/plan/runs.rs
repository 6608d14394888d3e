//! From an experiment to the list of its runs, or to all that is missing for them.

use dart_data::Task;

use crate::experiment::definition::Experiment;
use crate::experiment::options::Options;
use crate::experiment::place::Place;
use crate::plan::need::Gpu;
use crate::store::folder::RunFiles;
use crate::store::job::{Job, Stage};

/// All runs of an experiment.
pub struct Plan {
    /// What is planned.
    pub experiment: Experiment,
    /// (task, method, model, k, seed) with its trials, in the order of the tables.
    pub groups: Vec<Group>,
    /// What is odd about the data, each once.
    pub warnings: Vec<String>,
}

/// The trials among which dev chooses.
pub struct Group {
    /// Task, method, model and k.
    pub place: Place,
    /// Whether its model is one of the experiment's models, and not the method's own or none.
    pub shared_model: bool,
    /// The seed.
    pub seed: u64,
    /// Test rows that are scored; 0 where there is no test set or it is not scored.
    pub test_rows: usize,
    /// Lengths of the training texts, the longest first.
    pub train_bytes: Vec<usize>,
    /// The trials, in the order of the grid.
    pub trials: Vec<Run>,
}

impl Group {
    /// Whether its only run is finished when test is scored, not when its training ends.
    pub fn ends_with_test(&self) -> bool {
        self.trials.len() == 1 && self.test_rows > 0
    }

    /// All its work: training of its trials, and scoring test once.
    pub fn cost(&self) -> f64 {
        let test = self.trials.first().map_or(0.0, |run| run.test_cost);
        test + self.trials.iter().map(|run| run.cost).sum::<f64>()
    }
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id: a readable name and a hash of all that decides its result.
    pub id: String,
    /// The settings that have a meaning for it.
    pub shown: Options,
    /// The child's work, but for the stage and the files.
    pub job: Job,
    /// Its cost in examples passed through the model, for the time left.
    pub cost: f64,
    /// The cost of scoring its test rows.
    pub test_cost: f64,
}

impl Run {
    /// The job of a stage.
    pub fn job(&self, stage: Stage, files: &RunFiles) -> Job {
        Job {
            stage,
            files: files.clone(),
            ..self.job.clone()
        }
    }

    /// Optimizer steps; 0 without training.
    pub fn steps(&self) -> usize {
        if self.shown.steps.is_some() {
            self.job.settings.steps
        } else {
            0
        }
    }

    /// The GPU that it asks for.
    pub fn gpu(&self) -> Gpu {
        match self.shown.device {
            Some(_) => Gpu::wanted(self.job.settings.device),
            None => Gpu::None,
        }
    }

    /// Threads it computes with.
    pub fn threads(&self) -> usize {
        self.job.settings.threads
    }
}

impl Plan {
    /// All runs in order.
    pub fn runs(&self) -> impl Iterator<Item = (&Group, &Run)> {
        self.groups
            .iter()
            .flat_map(|group| group.trials.iter().map(move |run| (group, run)))
    }

    /// The task of a group.
    pub fn task(&self, group: &Group) -> &Task {
        &self.experiment.tasks[group.place.task]
    }

    /// The group's name and, where it has several, the trial's number.
    pub fn trial_name(&self, group: &Group, run: &Run) -> String {
        let index = group.trials.iter().position(|trial| trial.id == run.id);
        let (index, trials) = (index.unwrap_or(0), group.trials.len());
        let experiment = &self.experiment;
        experiment.trial_name(&group.place, group.seed, index, trials)
    }

    /// `movies dart k16 s13`, with the model where there are several.
    pub fn name(&self, group: &Group) -> String {
        self.experiment.name_of(&group.place, group.seed)
    }
}
