//! Experiment files as they stand: every key optional, layers merged, nothing checked yet beyond
//! names and types.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::DeserializeOwned};

use crate::failure::Usage;
use crate::options::{Grid, MethodEntry, Options};
use crate::tasks::TaskEntry;
use crate::yaml;

macro_rules! raw_experiment {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// An experiment file, or a profile in one.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct RawExperiment {
            $($(#[$doc])* pub $name: Option<$type>,)*
            /// Settings of every method; merged, not replaced.
            pub settings: Options,
            /// Values to search, by method; merged by method.
            pub search: BTreeMap<String, Grid>,
            /// Differences by name, chosen by `--profile`.
            pub profiles: BTreeMap<String, RawExperiment>,
        }

        impl RawExperiment {
            /// This file with `upper` standing over it.
            fn under(self, upper: RawExperiment) -> RawExperiment {
                let mut search = self.search;
                search.extend(upper.search);
                RawExperiment {
                    $($name: upper.$name.or(self.$name),)*
                    settings: upper.settings.over(&self.settings),
                    search,
                    profiles: self.profiles,
                }
            }

            /// The names of the keys.
            const KEYS: &'static [&'static str] =
                &[$(stringify!($name),)* "settings", "search"];
        }
    };
}

raw_experiment! {
    /// Name of the results folder; without it, the file's.
    name: String,
    /// Heading of the table.
    title: String,
    /// Language models: names under `models/`, or folders.
    model: OneOrMany<String>,
    /// Names of the catalog's tasks, and one's own.
    tasks: OneOrMany<TaskEntry>,
    /// More catalog files: one's own tasks.
    catalog: OneOrMany<PathBuf>,
    /// Where the data are.
    data_dir: PathBuf,
    /// Methods by name, or a map of names to changes.
    methods: RawMethods,
    /// Training examples a class.
    k: OneOrMany<usize>,
    /// Seeds.
    seeds: OneOrMany<u64>,
    /// Test rows a task at most, drawn with `test_seed`; `all`: no limit.
    test_rows: TestRows,
    /// Seed of that drawing.
    test_seed: u64,
    /// Whether the chosen weights score test at all.
    score_test: bool,
    /// Whether the chosen weights stay on disk after that.
    keep_weights: bool,
    /// Whether a class with too few rows is an error.
    strict: bool,
    /// Seconds between saves of a run's state.
    save_seconds: u64,
    /// The method that the others are compared with; `dart` where it is among them.
    compare: String,
    /// File of published figures.
    published: PathBuf,
    /// Remarks to stand under the table.
    notes: OneOrMany<String>,
}

/// The experiment of `file` under a profile and the command line's `--set`s.
pub fn load(file: &Path, profile: &str, sets: &[String]) -> Result<Loaded, Usage> {
    let mut raw: RawExperiment = yaml::read(file)?;
    if let Some(inner) = raw.profiles.values().find(|p| !p.profiles.is_empty()) {
        let name = inner.profiles.keys().next().map_or("", String::as_str);
        let shown = file.display();
        return Err(Usage(format!(
            "{shown}: profile `{name}` stands inside another profile"
        )));
    }
    match raw.profiles.remove(profile) {
        Some(upper) => raw = raw.under(upper),
        None if profile == "default" => {}
        None => {
            let mut known: Vec<&str> = raw.profiles.keys().map(String::as_str).collect();
            known.push("default");
            let hint = yaml::hint(profile, &known);
            let shown = file.display();
            return Err(Usage(format!(
                "{shown}: there is no profile `{profile}`; {hint}"
            )));
        }
    }
    let mut sets_of_methods = BTreeMap::<String, Options>::new();
    let mut set_of_all = Options::default();
    for set in sets {
        match Set::parse(set)? {
            Set::All(options) => set_of_all = options.over(&set_of_all),
            Set::Key(upper) => raw = raw.under(*upper),
            Set::Method(name, options) => {
                let entry = sets_of_methods.entry(name).or_default();
                *entry = options.over(entry);
            }
        }
    }
    Ok(Loaded {
        raw,
        set_of_all,
        sets_of_methods,
    })
}

/// An experiment file with the command line's changes apart: they stand over everything.
pub struct Loaded {
    /// The file under its profile.
    pub raw: RawExperiment,
    /// `--set SETTING=…`.
    pub set_of_all: Options,
    /// `--set METHOD.SETTING=…`.
    pub sets_of_methods: BTreeMap<String, Options>,
}

/// One `--set`.
enum Set {
    All(Options),
    Key(Box<RawExperiment>),
    Method(String, Options),
}

impl Set {
    fn parse(text: &str) -> Result<Self, Usage> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Usage(format!("--set {text}: give key=value")));
        };
        let parts: Vec<&str> = key.trim().split('.').collect();
        let typed = |name: &str| format!("{name}: {value}");
        match parts.as_slice() {
            [name] | ["settings", name] if Options::NAMES.contains(name) => {
                parsed(&typed(name), text).map(Set::All)
            }
            [name] if RawExperiment::KEYS.contains(name) => {
                parsed(&typed(name), text).map(|raw| Set::Key(Box::new(raw)))
            }
            ["search", method, name] => {
                let search = format!("search: {{{method}: {{{name}: {value}}}}}");
                parsed(&search, text).map(|raw| Set::Key(Box::new(raw)))
            }
            [method, name] if *method != "settings" => {
                parsed(&typed(name), text).map(|o| Set::Method((*method).to_owned(), o))
            }
            _ => {
                let known: Vec<&str> = RawExperiment::KEYS
                    .iter()
                    .chain(Options::NAMES)
                    .copied()
                    .collect();
                let given = parts.last().copied().unwrap_or_default();
                let hint = yaml::hint(given, &known);
                Err(Usage(format!(
                    "--set {text}: unknown key `{given}`; {hint}"
                )))
            }
        }
    }
}

fn parsed<T: DeserializeOwned>(yaml: &str, set: &str) -> Result<T, Usage> {
    yaml::parse(yaml, &format!("--set {set}")).map_err(|Usage(message)| {
        Usage(message.replacen(&format!("--set {set}:1"), &format!("--set {set}"), 1))
    })
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Both<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value or a list of values")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|v| OneOrMany(vec![v]))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(|v| OneOrMany(vec![v]))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<OneOrMany<T>, E> {
                T::deserialize(de::value::U64Deserializer::new(number)).map(|v| OneOrMany(vec![v]))
            }
        }
        d.deserialize_any(Both(PhantomData))
    }
}

/// A limit of test rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestRows(pub Option<usize>);

impl<'de> Deserialize<'de> for TestRows {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Rows;
        impl Visitor<'_> for Rows {
            type Value = TestRows;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("all, or a number of rows of at least 1")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<TestRows, E> {
                match text {
                    "all" => Ok(TestRows(None)),
                    _ => Err(E::unknown_variant(text, &["all", "a number"])),
                }
            }
            fn visit_u64<E: de::Error>(self, rows: u64) -> Result<TestRows, E> {
                match usize::try_from(rows) {
                    Ok(rows) if rows > 0 => Ok(TestRows(Some(rows))),
                    _ => Err(E::custom("test_rows must be at least 1")),
                }
            }
        }
        d.deserialize_any(Rows)
    }
}

/// Methods in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct RawMethods(pub Vec<(String, Option<MethodEntry>)>);

impl<'de> Deserialize<'de> for RawMethods {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Methods;
        impl<'de> Visitor<'de> for Methods {
            type Value = RawMethods;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of method names, or a map of names to changes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawMethods, A::Error> {
                let mut methods = Vec::new();
                while let Some(name) = seq.next_element()? {
                    methods.push((name, None));
                }
                Ok(RawMethods(methods))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawMethods, A::Error> {
                let mut methods = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    methods.push(entry);
                }
                Ok(RawMethods(methods))
            }
        }
        d.deserialize_any(Methods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn profiles_and_sets_stand_over_the_file() {
        let file = file(
            "tasks: [a, b]\nk: 16\nsettings: {steps: 5, batch: 4}\n\
             search: {dart: {fluency: [0, 1]}}\n\
             profiles: {paper: {tasks: c, settings: {batch: 8}, search: {x: {clip: [1]}}}}",
        );
        let sets = [
            "k=[8, 32]",
            "clip=2",
            "dart.learning_rate=3e-4",
            "settings.steps=6",
        ];
        let loaded = load(file.path(), "paper", &sets.map(String::from)).unwrap();
        assert_eq!(
            loaded.raw.tasks,
            Some(OneOrMany(vec![TaskEntry::Named("c".into())]))
        );
        assert_eq!(loaded.raw.k, Some(OneOrMany(vec![8, 32])));
        assert_eq!(
            loaded.raw.settings,
            serde_yaml::from_str("{steps: 5, batch: 8}").unwrap()
        );
        assert_eq!(loaded.raw.search.len(), 2);
        assert_eq!(
            loaded.set_of_all,
            serde_yaml::from_str("{clip: 2, steps: 6}").unwrap()
        );
        assert_eq!(loaded.sets_of_methods["dart"].learning_rate, Some(3e-4));
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_nearest_name() {
        let good = file("tasks: a\nprofiles: {paper: {k: 8}}");
        let refusal = |profile: &str, set: &str| {
            load(good.path(), profile, &[set.to_owned()])
                .err()
                .unwrap()
                .0
        };
        assert!(refusal("papr", "k=1").contains("did you mean `paper`?"));
        assert!(refusal("paper", "stepz=1").contains("did you mean `steps`?"));
        assert!(refusal("paper", "dart.stepz=1").contains("did you mean `steps`?"));
        assert!(refusal("paper", "steps").contains("key=value"));
        let bad = file("tasks: [a]\nprofiles:\n  paper:\n    mehtods: [dart]\n");
        let refusal = load(bad.path(), "paper", &[]).err().unwrap().0;
        assert!(refusal.contains(":4: "), "{refusal}");
        assert!(
            refusal.ends_with("unknown key `mehtods`; did you mean `methods`?"),
            "{refusal}"
        );
    }
}
