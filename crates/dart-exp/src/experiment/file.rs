//! Reading an experiment: files over files, a profile, `--set`s.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::experiment::options::Options;
use crate::experiment::raw::RawExperiment;
use crate::experiment::sets::Sets;
use crate::experiment::yaml;
use crate::terminal::failure::Usage;

/// The experiment of `file` under a profile and the command line's `--set`s.
pub fn load(file: &Path, profile: &str, sets: &[String]) -> Result<Loaded, Usage> {
    let mut files = Vec::new();
    let mut raw = read(file, &mut files)?;
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
    let sets = Sets::read(sets)?;
    Ok(Loaded {
        keys: raw.changed_by(sets.keys),
        set_of_all: sets.of_all,
        sets_of_methods: sets.of_methods,
        files,
    })
}

/// A file over those that it is a change of; `trail` gets all that were read, this one first.
fn read(file: &Path, trail: &mut Vec<PathBuf>) -> Result<RawExperiment, Usage> {
    let mut raw: RawExperiment = yaml::read(file)?;
    let shown = file.display();
    let fault = |message: String| Err(Usage(format!("{shown}: {message}")));
    for (name, profile) in &raw.profiles {
        if let Some(inner) = profile.profiles.keys().next() {
            return fault(format!("profile `{inner}` stands inside another profile"));
        }
        if profile.from.is_some() {
            return fault(format!(
                "profile `{name}`: `from` stands at the top of a file only"
            ));
        }
    }
    trail.push(file.to_owned());
    let Some(from) = raw.from.take() else {
        return Ok(raw);
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut lower = RawExperiment::default();
    for other in from.0 {
        let other = folder.join(other);
        let same = |known: &PathBuf| match (known.canonicalize(), other.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => *known == other,
        };
        if trail.iter().any(same) {
            return fault(format!("`from` comes to {} twice", other.display()));
        }
        let base = std::path::absolute(&other).unwrap_or_else(|_| other.clone());
        let mut read = read(&other, trail)?.at(base.parent().unwrap_or(Path::new("")));
        // Results go to a folder of this file's own.
        read.name = None;
        lower = lower.under(read);
    }
    Ok(lower.under(raw))
}

/// An experiment file with the command line's changes apart: they stand over everything.
pub struct Loaded {
    /// The file under its profile.
    pub keys: RawExperiment,
    /// `--set SETTING=…`.
    pub set_of_all: Options,
    /// `--set METHOD.SETTING=…`.
    pub sets_of_methods: BTreeMap<String, Options>,
    /// The file and those that it is a change of.
    pub files: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tasks::TaskEntry;
    use crate::experiment::values::OneOrMany;
    use dart_data::Shots;

    fn shots(k: usize) -> Shots {
        Shots::new(k).unwrap()
    }

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
            loaded.keys.tasks,
            Some(OneOrMany(vec![TaskEntry::Named("c".into())]))
        );
        assert_eq!(loaded.keys.k, Some(OneOrMany(vec![shots(8), shots(32)])));
        assert_eq!(
            loaded.keys.settings,
            serde_yaml::from_str("{steps: 5, batch: 8}").unwrap()
        );
        assert_eq!(loaded.keys.search.len(), 2);
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
        let bad = file("tasks: [a]\nprofiles:\n  paper:\n    mehtods: [dart]\n");
        let refusal = load(bad.path(), "paper", &[]).err().unwrap().0;
        assert!(refusal.contains(":4: "), "{refusal}");
        assert!(
            refusal.ends_with("unknown key `mehtods`; did you mean `methods`?"),
            "{refusal}"
        );
    }

    #[test]
    fn a_file_can_be_a_change_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(folder.path().join("low")).unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write(
            "low/base.yaml",
            "name: base\ntasks: [{file: mine.csv, text: a, label: b, template: x, words: [c, d]}]\n\
             k: 16\nsettings: {steps: 5, clip: 2}\nprofiles: {paper: {k: 8, strict: true}}",
        );
        write(
            "low/more.yaml",
            "settings: {clip: 3}\nsearch: {dart: {batch: [1]}}",
        );
        write(
            "top.yaml",
            "from: [low/base.yaml, low/more.yaml]\nsettings: {batch: 4}\n\
             profiles: {paper: {k: 32}, other: {k: 1}}",
        );
        let top = folder.path().join("top.yaml");
        let loaded = load(&top, "paper", &["search.dart.clip=[1]".to_owned()]).unwrap();
        assert_eq!(loaded.keys.name, None);
        assert_eq!(loaded.keys.k, Some(OneOrMany(vec![shots(32)])));
        assert_eq!(loaded.keys.strict, Some(true));
        let settings = "{steps: 5, clip: 3, batch: 4}";
        assert_eq!(
            loaded.keys.settings,
            serde_yaml::from_str(settings).unwrap()
        );
        let search = "{dart: {batch: [1], clip: [1]}}";
        assert_eq!(loaded.keys.search, serde_yaml::from_str(search).unwrap());
        let task = loaded.keys.tasks.unwrap().0.remove(0);
        let data = folder.path().join("low/mine.csv").display().to_string();
        assert_eq!(
            task.word(),
            data,
            "data stand beside the file that names them"
        );
        assert_eq!(loaded.files.len(), 3);
        assert_eq!(
            load(&top, "other", &[]).unwrap().keys.k,
            Some(OneOrMany(vec![shots(1)]))
        );

        write("low/base.yaml", "from: ../top.yaml");
        let refusal = load(&top, "default", &[]).err().unwrap().0;
        assert!(refusal.contains("base.yaml: `from` comes to"), "{refusal}");
        write("low/base.yaml", "profiles: {paper: {from: x.yaml}}");
        let refusal = load(&top, "default", &[]).err().unwrap().0;
        assert!(refusal.contains("base.yaml: profile `paper`"), "{refusal}");
        write("low/base.yaml", "taks: a");
        let refusal = load(&top, "default", &[]).err().unwrap().0;
        assert!(
            refusal.contains("base.yaml:1: ") && refusal.contains("`tasks`"),
            "{refusal}"
        );
    }
}
