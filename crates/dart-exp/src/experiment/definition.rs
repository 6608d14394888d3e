//! A validated experiment: everything that a plan is made of.

use std::ops::Deref;
use std::path::PathBuf;

use dart_core::settings::MethodKind;
use dart_data::{Shots, Task};

use crate::experiment::methods::Named;
use crate::experiment::options::Options;
use crate::experiment::published::Figure;
use crate::experiment::raw::RawExperiment;
use crate::experiment::search::{Points, Sampling};
use crate::experiment::shard::Shard;
use crate::experiment::tasks::TaskEntry;
use crate::model::lookup::Model;

/// A method with the layers of settings that stand over its preset.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Name, title and kind.
    pub named: Named,
    /// All layers merged.
    pub options: Options,
    /// The points that a search tries.
    pub search: Points,
    /// The sentence encoder, where it uses one: to classify by, or to choose demonstrations.
    pub encoder: Option<Model>,
}

impl Choice {
    /// Whether it runs on each of the experiment's models.
    pub fn shares_models(&self) -> bool {
        matches!(self.named.kind, MethodKind::Head | MethodKind::Prompt)
    }

    /// The one model that it runs on, in place of the experiment's.
    pub fn own_model(&self) -> Option<&Model> {
        self.encoder
            .as_ref()
            .filter(|_| self.named.kind == MethodKind::Sentence)
    }
}

/// A task of the experiment.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The task.
    pub task: Task,
    /// What the file says of it, where that is more than its name.
    pub entry: Option<TaskEntry>,
}

impl Deref for Listed {
    type Target = Task;

    fn deref(&self) -> &Task {
        &self.task
    }
}

/// A validated experiment.
#[derive(Debug)]
pub struct Experiment {
    /// Heading of the table.
    pub title: String,
    /// Its results' folder.
    pub folder: PathBuf,
    /// The share of its runs that is wanted, when not all are.
    pub shard: Option<Shard>,
    /// How a random search draws.
    pub sampling: Option<Sampling>,
    /// Tasks in the order of the columns.
    pub tasks: Vec<Listed>,
    /// Files of further tasks.
    pub catalogs: Vec<PathBuf>,
    /// Where the data are.
    pub data_dir: PathBuf,
    /// Language models.
    pub models: Vec<Model>,
    /// Methods in the order of the rows.
    pub methods: Vec<Choice>,
    /// Training examples a class.
    pub ks: Vec<Shots>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// The file under its profile and the command line's changes, for all that is said by one key.
    pub keys: RawExperiment,
    /// The method that the others are compared with.
    pub compare: Option<String>,
    /// Published figures.
    pub published: Vec<Figure>,
}

impl Experiment {
    /// The models that some method runs on.
    pub fn used_models(&self) -> impl Iterator<Item = &Model> {
        let shared = self.methods.iter().any(Choice::shares_models);
        let shared = self.models.iter().filter(move |_| shared);
        shared.chain(self.encoders())
    }

    /// The sentence encoders among them.
    pub fn encoders(&self) -> impl Iterator<Item = &Model> {
        self.methods.iter().filter_map(|m| m.encoder.as_ref())
    }

    /// [`Self::used_models`], to be changed.
    pub fn used_models_mut(&mut self) -> impl Iterator<Item = &mut Model> {
        let shared = self.methods.iter().any(Choice::shares_models);
        let own = self.methods.iter_mut().filter_map(|m| m.encoder.as_mut());
        self.models.iter_mut().filter(move |_| shared).chain(own)
    }
}
