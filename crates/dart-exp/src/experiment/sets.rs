//! `--set KEY=VALUE`: one change of an experiment, over its file and profile.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::experiment::options::Options;
use crate::experiment::raw::RawExperiment;
use crate::experiment::yaml;
use crate::terminal::failure::Usage;

/// All `--set`s of a call; later ones win.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// Keys of the file.
    pub keys: RawExperiment,
    /// `SETTING=…`: of every method.
    pub of_all: Options,
    /// `METHOD.SETTING=…`.
    pub of_methods: BTreeMap<String, Options>,
}

impl Sets {
    /// Reads them.
    ///
    /// # Errors
    /// A key that is not known, with the nearest one; a value of another type.
    pub fn read(sets: &[String]) -> Result<Self, Usage> {
        let mut all = Sets::default();
        sets.iter().try_for_each(|set| all.add(set))?;
        Ok(all)
    }

    fn add(&mut self, text: &str) -> Result<(), Usage> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Usage(format!("--set {text}: give key=value")));
        };
        let path: Vec<&str> = key.trim().split('.').collect();
        let setting = |name: &str| parsed::<Options>(&format!("{name}: {value}"), text);
        match path.as_slice() {
            [name] | ["settings", name] if Options::NAMES.contains(name) => {
                self.of_all = setting(name)?.over(&self.of_all);
            }
            ["from" | "profiles", ..] => {
                return Err(Usage(format!(
                    "--set {text}: `{}` stands in files only; choose a profile with --profile",
                    path[0]
                )));
            }
            ["methods", method, name] | [method, name] if !is_key(method) => {
                let settings = self.of_methods.entry((*method).to_owned()).or_default();
                *settings = setting(name)?.over(settings);
            }
            [first, ..] if is_key(first) => {
                let raw: RawExperiment = parsed(&nested(&path, value), text)?;
                self.keys = std::mem::take(&mut self.keys).changed_by(raw);
            }
            [first, ..] => {
                let known = [RawExperiment::KEYS, Options::NAMES].concat();
                let hint = yaml::hint(first, &known);
                return Err(Usage(format!(
                    "--set {text}: unknown key `{first}`; {hint}"
                )));
            }
            [] => {}
        }
        Ok(())
    }
}

fn is_key(name: &str) -> bool {
    RawExperiment::KEYS.contains(&name)
}

/// `a.b.c` and a value as one line of YAML.
fn nested(path: &[&str], value: &str) -> String {
    match path {
        [] => value.to_owned(),
        [last] => format!("{last}: {value}"),
        [first, rest @ ..] => format!("{first}: {{{}}}", nested(rest, value)),
    }
}

fn parsed<T: DeserializeOwned>(yaml: &str, set: &str) -> Result<T, Usage> {
    yaml::parse(yaml, &format!("--set {set}")).map_err(|Usage(message)| {
        Usage(message.replacen(&format!("--set {set}:1"), &format!("--set {set}"), 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dart_data::Shots;

    fn sets(sets: &[&str]) -> Result<Sets, Usage> {
        Sets::read(&sets.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    }

    fn options(text: &str) -> Options {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn any_path_can_be_set_and_later_ones_win() {
        let all = sets(&[
            "k=[8, 32]",
            "clip=2",
            "settings.steps=5",
            "dart.learning_rate=3e-4",
            "methods.dart.clip=7",
            "search.dart.batch=[2]",
            "search.dart.clip=[1, 2]",
            "search.lm-bff={batch: [4]}",
            "steps=6",
        ])
        .unwrap();
        assert_eq!(
            all.keys.k.unwrap().0,
            [8, 32].map(|k| Shots::new(k).unwrap())
        );
        assert_eq!(all.of_all, options("{clip: 2, steps: 6}"));
        let dart = options("{learning_rate: 3e-4, clip: 7}");
        assert_eq!(all.of_methods, [("dart".to_owned(), dart)].into());
        let grids = "{dart: {batch: [2], clip: [1, 2]}, lm-bff: {batch: [4]}}";
        assert_eq!(all.keys.search, serde_yaml::from_str(grids).unwrap());
    }

    #[test]
    fn what_cannot_be_set_is_named_with_the_nearest_key() {
        let refusal = |set| sets(&[set]).unwrap_err().0;
        assert!(refusal("steps").contains("key=value"));
        let typo = refusal("test_row=3");
        assert_eq!(
            typo,
            "--set test_row=3: unknown key `test_row`; did you mean `test_rows`?"
        );
        assert!(refusal("stepz=1").contains("did you mean `steps`?"));
        assert!(refusal("dart.stepz=1").contains("did you mean `steps`?"));
        assert!(refusal("methods.dart.stepz=1").contains("did you mean `steps`?"));
        assert!(refusal("search.dart.stepz=[1]").contains("did you mean `steps`?"));
        assert!(refusal("serach.dart.steps=[1]").contains("did you mean `search`?"));
        assert!(refusal("profiles.paper.k=1").contains("--profile"));
        assert!(refusal("k.x=1").contains("--set k.x=1"));
    }
}
