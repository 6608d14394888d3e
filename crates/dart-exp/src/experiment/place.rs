//! Where in an experiment a run stands.

use dart_core::settings::MethodKind;
use dart_data::Shots;

use crate::experiment::definition::{Choice, Experiment};
use crate::model::lookup::Model;

/// A cell of an experiment's table: its runs differ in their seeds and in what a search tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into the experiment's tasks.
    pub task: usize,
    /// Index into its methods.
    pub method: usize,
    /// The model's name; `none` for methods that use none.
    pub model: String,
    /// Training examples a class.
    pub k: Shots,
}

/// A model and a seed at a place.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The place.
    pub place: Place,
    /// The model of this name.
    pub model: Model,
    /// The seed.
    pub seed: u64,
}

impl Experiment {
    /// All places with each seed, in the order of the tables.
    pub fn seeded(&self) -> Vec<Seeded> {
        let mut all = Vec::new();
        for task in 0..self.tasks.len() {
            for (method, choice) in self.methods.iter().enumerate() {
                for model in self.models_of(choice) {
                    for &k in &self.ks {
                        let place = Place {
                            task,
                            method,
                            model: model.name.clone(),
                            k,
                        };
                        all.extend(self.seeds.iter().map(|&seed| Seeded {
                            place: place.clone(),
                            model: model.clone(),
                            seed,
                        }));
                    }
                }
            }
        }
        all
    }

    /// The models that a method runs on; one named `none` where it uses none.
    fn models_of(&self, choice: &Choice) -> Vec<Model> {
        match (choice.own_model(), choice.named.kind) {
            (Some(own), _) => vec![own.clone()],
            (None, MethodKind::Majority) => vec![Model::none()],
            (None, _) => self.models.clone(),
        }
    }

    /// `movies dart k16 s13`, with the model where there are several.
    pub fn name_of(&self, place: &Place, seed: u64) -> String {
        let task = &self.tasks[place.task].name;
        let method = &self.methods[place.method].named.name;
        let model = match self.models.len() {
            1 => String::new(),
            _ => format!(" {}", place.model),
        };
        format!("{task} {method}{model} k{} s{seed}", place.k)
    }

    /// [`Self::name_of`] and, where there are several trials, the number of the one at `index`.
    pub fn trial_name(&self, place: &Place, seed: u64, index: usize, trials: usize) -> String {
        let name = self.name_of(place, seed);
        match trials {
            0 | 1 => name,
            _ => format!("{name} t{}", index + 1),
        }
    }
}
