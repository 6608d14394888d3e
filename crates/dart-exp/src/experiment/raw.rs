//! Experiment files as they stand: every key optional, layers merged, nothing checked yet beyond
//! names and types.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dart_data::Shots;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::experiment::methods::RawMethods;
use crate::experiment::options::{Grid, Options};
use crate::experiment::tasks::TaskEntry;
use crate::experiment::values::{OneOrMany, TestRows};

macro_rules! raw_experiment {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty $(= $default:expr)?,)*) => {
        /// An experiment file, or a profile in one.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct RawExperiment {
            $($(#[doc = $doc])* pub $name: Option<$type>,)*
            /// Settings of every method; merged, not replaced.
            pub settings: Options,
            /// Values to search, by method; merged by method.
            pub search: BTreeMap<String, Grid>,
            /// Differences by name, chosen by `--profile`.
            pub profiles: BTreeMap<String, RawExperiment>,
        }

        impl RawExperiment {
            /// This file with `upper` standing over it.
            pub fn under(self, upper: RawExperiment) -> RawExperiment {
                let mut search = self.search;
                search.extend(upper.search);
                let mut profiles = self.profiles;
                for (name, upper) in upper.profiles {
                    let lower = profiles.remove(&name).unwrap_or_default();
                    profiles.insert(name, lower.under(upper));
                }
                RawExperiment {
                    $($name: upper.$name.or(self.$name),)*
                    settings: upper.settings.over(&self.settings),
                    search,
                    profiles,
                }
            }

            $($(
                /// This key, or its default.
                pub fn $name(&self) -> $type {
                    self.$name.clone().unwrap_or_else(|| $default)
                }
            )?)*

            /// The names of the keys.
            pub const KEYS: &'static [&'static str] =
                &[$(stringify!($name),)* "settings", "search"];
        }
    };
}

raw_experiment! {
    /// Experiment files that this one is a change of, by paths from its own folder; later ones
    /// stand over earlier ones.
    from: OneOrMany<PathBuf>,
    /// Name of the results folder; without it, the file's.
    name: String,
    /// Heading of the table.
    title: String,
    /// Language models: names under `models/`, or folders.
    model: OneOrMany<String> = OneOrMany(vec!["minilm-mlm".to_owned()]),
    /// Names of the catalog's tasks, and one's own.
    tasks: OneOrMany<TaskEntry>,
    /// More catalog files: one's own tasks.
    catalog: OneOrMany<PathBuf> = OneOrMany(Vec::new()),
    /// Where the data are.
    data_dir: PathBuf,
    /// Methods by name, or a map of names to changes.
    methods: RawMethods,
    /// Training examples a class; `full`: all there are.
    k: OneOrMany<Shots> = OneOrMany(vec![Shots::default()]),
    /// Seeds.
    seeds: OneOrMany<u64> = OneOrMany(vec![13, 21, 42, 87, 100]),
    /// Test rows a task at most, drawn with `test_seed`; `all`: no limit.
    test_rows: TestRows = TestRows(Some(500)),
    /// Seed of that drawing.
    test_seed: u64 = 0,
    /// Whether the chosen weights score test at all.
    score_test: bool = true,
    /// Whether all trials score test too, to show, marked as an oracle, what selection on test
    /// would have given.
    oracle: bool = false,
    /// Whether tasks whose data are not there are left out, with a note.
    skip_missing: bool = false,
    /// Random search: how many points of `search` each method tries, instead of all.
    samples: usize,
    /// Seed of the random search.
    search_seed: u64 = 0,
    /// Whether the chosen weights stay on disk after that.
    keep_weights: bool = false,
    /// Whether a class with too few rows is an error.
    strict: bool = false,
    /// Seconds between saves of a run's state.
    save_seconds: u64 = 20,
    /// The method that the others are compared with; `dart` where it is among them.
    compare: String,
    /// File of published figures.
    published: PathBuf,
    /// Remarks to stand under the table.
    notes: OneOrMany<String> = OneOrMany(Vec::new()),
}

impl RawExperiment {
    /// This file changed by `--set`s: single settings of a search, not whole grids.
    pub fn changed_by(mut self, mut upper: RawExperiment) -> RawExperiment {
        for (method, grid) in std::mem::take(&mut upper.search) {
            let lower = self.search.remove(&method).unwrap_or_default();
            self.search.insert(method, grid.over(lower));
        }
        self.under(upper)
    }

    /// The same with paths of own data that stand under `base` made whole.
    pub fn at(mut self, base: &Path) -> Self {
        if let Some(tasks) = self.tasks.take() {
            let whole = tasks.0.into_iter().map(|task| task.under(base)).collect();
            self.tasks = Some(OneOrMany(whole));
        }
        self.profiles = self
            .profiles
            .into_iter()
            .map(|(name, profile)| (name, profile.at(base)))
            .collect();
        self
    }
}
