//! Every committed table is made again from the `runs.csv` beside it, without data, models and run
//! folders: what depends on the rows alone is the same, letter for letter.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cells::of_latex;
use crate::support::{Lab, read};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files in a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A place with the experiments and nothing of what they need.
fn lab() -> Lab {
    let lab = Lab::new();
    for folder in ["data", "models/tiny"] {
        fs::remove_dir_all(lab.path(folder)).unwrap();
    }
    fs::create_dir_all(lab.path("results/published")).unwrap();
    for folder in ["experiments", "results/published"] {
        for file in files(&root().join(folder)) {
            let name = file.file_name().unwrap();
            fs::copy(&file, lab.path(folder).join(name)).unwrap();
        }
    }
    lab
}

/// The columns of `summary.csv` that need run folders.
const OF_FOLDERS: [&str; 7] = [
    "test_rows_low",
    "test_rows_high",
    "macro_f1_mean",
    "directed_f1_mean",
    "calibration_error_mean",
    "test_rows",
    "truncated",
];

/// `summary.csv` without those columns.
fn summary(text: &str) -> Vec<Vec<String>> {
    let mut csv = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut rows = csv.records().map(Result::unwrap);
    let header = rows.next().unwrap();
    let kept = |row: &csv::StringRecord| -> Vec<String> {
        let cells = header.iter().zip(row);
        let cells = cells.filter(|(column, _)| !OF_FOLDERS.contains(column));
        cells.map(|(_, cell)| cell.to_owned()).collect()
    };
    let mut all = vec![kept(&header)];
    all.extend(rows.map(|row| kept(&row)));
    all
}

/// `table.md` without the error of the test sample and without the notes on what only data and run
/// folders tell.
fn markdown(text: &str) -> Vec<String> {
    let notes = [
        "- Test rows: ",
        "- Cut to the longest input: ",
        "- Data: ",
        "- Made from ",
    ];
    let told = |line: &&str| !notes.iter().any(|note| line.starts_with(note));
    let mut comparison = false;
    let row = |line: &str| {
        comparison = match line.starts_with('|') {
            true => comparison || line.contains("| Test rows alone, 95 % |"),
            false => false,
        };
        let mut cells: Vec<&str> = line.split(" | ").collect();
        if comparison {
            cells.remove(2);
        }
        cells.join(" | ")
    };
    text.lines().filter(told).map(row).collect()
}

/// `table.tex` without the error of the test sample.
fn latex(text: &str) -> Vec<Vec<Vec<String>>> {
    let mut tables = of_latex(text);
    for row in tables.iter_mut().skip(1).flatten() {
        row.remove(2);
    }
    tables
}

/// Line by line, so that a difference is seen.
#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(ours: &[T], theirs: &[T], file: &str) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs, "{file}");
    }
    assert_eq!(ours.len(), theirs.len(), "{file}");
}

#[test]
fn every_committed_table_is_made_again_from_its_rows() {
    let lab = lab();
    let folders = files(&root().join("results/reference"));
    let folders: Vec<&PathBuf> = folders.iter().filter(|path| path.is_dir()).collect();
    assert!(folders.len() >= 13, "{folders:?}");
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap();
        // NAME-PROFILE, or NAME alone.
        let parts = name.rsplit_once('-').filter(|(_, end)| *end == "splits");
        let (experiment, profile) = parts.unwrap_or((name, "default"));
        let made = lab.path("results").join(name);
        fs::create_dir_all(&made).unwrap();
        fs::copy(folder.join("runs.csv"), made.join("runs.csv")).unwrap();
        let ended = lab.run(&["report", experiment, "--profile", profile]);
        let ended = ended.succeeded();
        let note = format!("note: results/{name} has no run folders");
        assert!(ended.stderr.starts_with(&note), "{}", ended.stderr);
        let both = |file: &str| (read(&made.join(file)), read(&folder.join(file)));

        let (ours, theirs) = both("runs.csv");
        assert_eq!(ours, theirs, "{name}: the rows stay as they are");
        let (ours, theirs) = both("summary.csv");
        same(
            &summary(&ours),
            &summary(&theirs),
            &format!("{name}/summary.csv"),
        );
        let (ours, theirs) = both("table.md");
        assert!(ours.contains("- Made from `runs.csv` alone"), "{ours}");
        same(
            &markdown(&ours),
            &markdown(&theirs),
            &format!("{name}/table.md"),
        );
        let (ours, theirs) = both("table.tex");
        same(
            &latex(&ours).concat(),
            &latex(&theirs).concat(),
            &format!("{name}/table.tex"),
        );
        for file in files(&folder.join("plots")) {
            let file = file.file_name().unwrap().to_str().unwrap();
            let of_folders = ["labels-", "learning-"];
            let drawn = made.join("plots").join(file).is_file();
            let wanted = !of_folders.iter().any(|start| file.starts_with(start));
            assert_eq!(drawn, wanted, "{name}/plots/{file}");
        }
        let page = read(&made.join("report.html"));
        assert!(page.contains("Made from <code>runs.csv</code> alone"));
    }
}
