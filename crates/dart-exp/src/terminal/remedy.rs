//! Errors of the data with what to do about them in the program's own words: its commands and
//! flags.

use dart_data::error::looked_for;
use dart_data::{DataError, HowToGet};

/// The error and its remedy.
pub fn told(error: &DataError) -> String {
    match error {
        DataError::Absent {
            task,
            data_dir,
            get,
            looked,
        } => {
            let get = match get {
                HowToGet::Fetch => format!("get it with `dart-exp data fetch {task}`"),
                other => other.to_string(),
            };
            let (dir, looked) = (data_dir.display(), looked_for(looked));
            format!(
                "no data of task {task} in {dir}; {get}, or name another folder with --data-dir\
                 {looked}"
            )
        }
        DataError::UnknownTask { name, nearest } if nearest.is_empty() => {
            format!("unknown task {name:?}; `dart-exp data list` shows all tasks")
        }
        DataError::FewRows {
            path,
            label,
            found,
            wanted,
        } => format!(
            "{}: class {label:?} has {found} rows, {wanted} are needed; ask for a smaller k or drop \
             --strict",
            path.display()
        ),
        DataError::Row {
            path,
            line,
            message,
            remedy,
            setting: Some(setting),
        } => {
            let (path, key, value) = (path.display(), setting.key, &setting.value);
            format!("{path}:{line}: {message}; {remedy}, or give --{key} {value}")
        }
        DataError::File {
            path,
            message,
            remedy,
            setting: Some(setting),
        } => {
            let (path, key, value) = (path.display(), setting.key, &setting.value);
            format!("{path}: {message}; {remedy}, or give --{key} {value}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dart_data::layout::{Column, Read};
    use dart_data::{Catalog, Shots, SplitRequest};
    use std::path::Path;

    #[test]
    fn flags_and_commands_are_named() {
        let catalog = Catalog::embedded().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let missing = |task| dart_data::missing(catalog.task(task).unwrap(), folder.path());
        let dir = folder.path().display();
        for (task, get) in [
            ("cola", "get it with `dart-exp data fetch cola`"),
            ("movies", "run `just setup`, which puts it into data/vader"),
        ] {
            let told = told(&missing(task).unwrap());
            let start = format!("no data of task {task} in {dir}; {get}, or name another folder");
            let end = told
                .strip_prefix(&start)
                .unwrap_or_else(|| panic!("{told}"));
            assert!(
                end.starts_with(&format!(" with --data-dir; looked for {dir}/")),
                "{told}"
            );
        }
        assert_eq!(
            told(&catalog.task("imagenet-1k").unwrap_err()),
            "unknown task \"imagenet-1k\"; `dart-exp data list` shows all tasks"
        );
        let near = catalog.task("moveis").unwrap_err();
        assert!(told(&near).ends_with("; did you mean movies?"));

        std::fs::create_dir_all(folder.path().join("original/cr")).unwrap();
        std::fs::write(folder.path().join("original/cr/train.csv"), "1,a\n0,b\n").unwrap();
        let request = SplitRequest {
            strict: true,
            ..SplitRequest::new(folder.path(), Shots::default(), 13)
        };
        let few = dart_data::load(catalog.task("cr").unwrap(), &request).unwrap_err();
        assert!(
            told(&few).ends_with("ask for a smaller k or drop --strict"),
            "{few}"
        );
    }

    #[test]
    fn settings_of_a_file_are_options() {
        let folder = tempfile::tempdir().unwrap();
        let problem = |content: &[u8]| {
            let path: &Path = &folder.path().join("my.csv");
            std::fs::write(path, content).unwrap();
            let name = |name: &str| Column::Name(name.to_owned());
            let read = Read::by_extension(name("a"), None, name("b"));
            told(&dart_data::check_file(path, &read, 1).problems[0])
        };
        let told = problem(b"a;b\nx;y\n");
        assert!(
            told.ends_with("convert the file to commas, or give --delimiter \";\""),
            "{told}"
        );
        let told = problem(b"a,b\n\xff,y\n");
        assert!(
            told.ends_with("convert the file to UTF-8, or give --encoding latin-1"),
            "{told}"
        );
    }
}
