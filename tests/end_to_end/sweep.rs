//! Whole sweeps through the real program: their files, and that neither company nor interruption
//! changes a bit of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Ended, Lab, read, wait_for};

fn kill(signal: &str, process: u32) {
    let status = Command::new("kill")
        .args([signal, &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Cells of `runs.csv` under these names.
fn cells(csv: &str, names: &[&str]) -> Vec<Vec<String>> {
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let at: Vec<usize> = names
        .iter()
        .map(|name| header.iter().position(|h| h == name).unwrap())
        .collect();
    csv.lines()
        .skip(1)
        .map(|line| {
            let row: Vec<&str> = line.split(',').collect();
            at.iter().map(|&i| row[i].to_owned()).collect()
        })
        .collect()
}

/// A run of `experiment` that has saved a state and goes on.
fn run_under_way(lab: &Lab, experiment: &str, part: &str) -> PathBuf {
    wait_for("a saved state", || {
        let runs = lab.runs(experiment, part);
        runs.into_iter()
            .find(|run| run.join("state/state.safetensors").is_file())
    })
}

#[test]
fn a_sweep_leaves_the_promised_files() {
    let lab = Lab::new();
    let ended = lab
        .run(&["experiments/sweep.yaml", "--jobs", "2"])
        .succeeded();
    let folder = lab.path("results/sweep");
    assert_eq!(
        ended.stdout,
        read(&folder.join("table.md")),
        "the table is what is printed"
    );

    let csv = read(&folder.join("runs.csv"));
    let header = csv.lines().next().unwrap();
    assert!(
        header.starts_with("run,task,method,model,k,seed,"),
        "{header}"
    );
    assert!(header.ends_with(",dev,test,seconds,peak_mib"), "{header}");
    // Two tasks, two seeds, three methods of one trial and one of two; in the order of the plan.
    let rows = cells(
        &csv,
        &["task", "method", "seed", "learning_rate", "run", "test"],
    );
    assert_eq!(rows.len(), 20);
    let plan: Vec<String> = rows.iter().take(6).map(|row| row[1..4].join(" ")).collect();
    let expected = [
        "majority 13 ",
        "majority 21 ",
        "zero-shot 13 ",
        "zero-shot 21 ",
        "fine-tuning 13 0.0001",
        "fine-tuning 21 0.0001",
    ];
    assert_eq!(plan, expected);

    // Of two trials one is chosen, and it alone scored test.
    let mut scored = BTreeSet::new();
    for pair in rows
        .iter()
        .filter(|row| row[1] == "dart")
        .collect::<Vec<_>>()
        .chunks(2)
    {
        assert_eq!([&pair[0][3], &pair[1][3]], ["0.001", "0.003"]);
        let chosen: Vec<_> = pair.iter().filter(|row| !row[5].is_empty()).collect();
        assert_eq!(chosen.len(), 1, "{pair:?}");
        let run = folder.join("runs").join(&chosen[0][4]);
        let selection: String = read(&run.join("selection.json"));
        assert!(selection.contains(&pair[0][4]) && selection.contains(&pair[1][4]));
        scored.insert(chosen[0][4].clone());
    }
    scored.extend(
        rows.iter()
            .filter(|row| row[1] != "dart")
            .map(|row| row[4].clone()),
    );
    let predicted: BTreeSet<String> = fs::read_dir(folder.join("predictions"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(predicted, scored);
    let movies = read(
        &folder
            .join("predictions")
            .join(format!("{}.csv", rows[0][4])),
    );
    assert_eq!(
        movies.lines().next(),
        Some("row,gold,predicted,p_negative,p_positive")
    );
    assert_eq!(movies.lines().count(), 31, "test_rows is 30");

    for run in lab.runs("results/sweep", "") {
        assert!(run.join("run.json").is_file() && run.join("log.txt").is_file());
        assert!(
            !run.join("state").exists(),
            "weights that are of no more use are removed"
        );
    }
    // A sweep that is done does nothing.
    let before = lab.outcome("results/sweep");
    let again = lab.run(&["run", "experiments/sweep.yaml"]).succeeded();
    assert!(
        again.stderr.contains("20 of them finished before"),
        "{}",
        again.stderr
    );
    assert_eq!(lab.outcome("results/sweep"), before);
}

#[test]
fn each_run_of_a_sweep_equals_that_run_alone() {
    let lab = Lab::new();
    let methods = "methods=[majority, fine-tuning, dart]";
    let args = [
        "experiments/sweep.yaml",
        "--set",
        methods,
        "--jobs",
        "3",
        "--quiet",
    ];
    lab.run(&args).succeeded();
    let names = ["run", "task", "method", "seed", "dev", "test"];
    let together = cells(&read(&lab.path("results/sweep/runs.csv")), &names);
    let mut alone = Vec::new();
    for task in ["movies", "products"] {
        for method in ["majority", "fine-tuning", "dart"] {
            for seed in ["13", "21"] {
                let sets = [
                    format!("tasks={task}"),
                    format!("methods=[{method}]"),
                    format!("seeds={seed}"),
                ];
                let mut args = vec!["experiments/sweep.yaml", "--results", "alone", "--quiet"];
                sets.iter().for_each(|set| args.extend(["--set", set]));
                lab.run(&args).succeeded();
                alone.extend(cells(&read(&lab.path("alone/sweep/runs.csv")), &names));
            }
        }
    }
    assert_eq!(alone, together);
    for run in together {
        let name = format!("sweep/predictions/{}.csv", run[0]);
        let (a, b) = (
            lab.path("results").join(&name),
            lab.path("alone").join(&name),
        );
        assert_eq!(a.is_file(), b.is_file());
        assert!(!a.is_file() || read(&a) == read(&b), "{name}");
    }
}

#[test]
fn a_killed_sweep_goes_on_to_the_same_results() {
    let lab = Lab::new();
    let long = ["--set", "steps=120", "--set", "tasks=movies", "--quiet"];
    let undisturbed = [
        &["experiments/sweep.yaml", "--results", "whole"],
        long.as_slice(),
    ]
    .concat();
    lab.run(&undisturbed).succeeded();
    let args = [
        &["experiments/sweep.yaml", "--results", "cut"],
        long.as_slice(),
    ]
    .concat();
    for method in ["fine-tuning", "dart", "dart"] {
        let mut child = lab.start(&args);
        run_under_way(&lab, "cut/sweep", method);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    lab.run(&args).succeeded();
    assert_eq!(lab.outcome("cut/sweep"), lab.outcome("whole/sweep"));
    let left: Vec<PathBuf> = all_files(&lab.path("cut"))
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".part"))
        .collect();
    assert_eq!(
        left,
        [] as [PathBuf; 0],
        "nothing half-written stays under a name that counts"
    );
}

#[test]
fn an_interrupted_sweep_says_how_to_go_on_and_does() {
    let lab = Lab::new();
    let args = [
        "experiments/sweep.yaml",
        "--set",
        "steps=120",
        "--set",
        "methods=[fine-tuning, dart]",
        "--set",
        "tasks=movies",
        "--jobs",
        "1",
    ];
    let whole = [args.as_slice(), &["--results", "whole"]].concat();
    lab.run(&whole).succeeded();
    let child = lab.start(&args);
    let run = run_under_way(&lab, "results/sweep", "dart");
    kill("-INT", child.id());
    let ended = Ended::new(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(
        run.join("state/state.safetensors").is_file(),
        "the run's state is kept"
    );
    let last = ended.stderr.lines().last().unwrap();
    let (_, again) = last.split_once("Go on with: ").unwrap();
    let again = Command::new("sh")
        .args(["-c", again])
        .current_dir(lab.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended::new(again).succeeded();
    assert_eq!(lab.outcome("results/sweep"), lab.outcome("whole/sweep"));
}

#[test]
fn a_run_that_dies_is_told_with_its_log_and_tried_once_more() {
    let lab = Lab::new();
    let args = [
        "experiments/sweep.yaml",
        "--set",
        "steps=120",
        "--set",
        "methods=[dart]",
        "--set",
        "seeds=13",
        "--set",
        "tasks=movies",
        "--jobs",
        "1",
    ];
    lab.run(&[args.as_slice(), &["--results", "whole"]].concat())
        .succeeded();
    let child = lab.start(&args);
    let run = run_under_way(&lab, "results/sweep", "dart");
    let process = read(&run.join(".lock")).trim().parse().unwrap();
    kill("-KILL", process);
    let ended = Ended::new(child.wait_with_output().unwrap()).succeeded();
    assert!(ended.stderr.contains("SIGKILL"), "{}", ended.stderr);
    assert!(ended.stderr.contains("log.txt"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("trying once more"),
        "{}",
        ended.stderr
    );
    assert_eq!(lab.outcome("results/sweep"), lab.outcome("whole/sweep"));
}

#[test]
fn a_run_that_cannot_work_fails_alone() {
    let lab = Lab::new();
    let sets = [
        "--set",
        "seeds=13",
        "--set",
        "methods=[majority, fine-tuning]",
    ];
    // Only fine-tuning looks at the device when it trains.
    let args = [
        &["experiments/sweep.yaml", "--set", "device=cuda:63"],
        sets.as_slice(),
    ]
    .concat();
    let ended = lab.run(&args);
    assert_eq!(ended.code, Some(1));
    let failures: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.contains("cuda:63"))
        .collect();
    assert_eq!(failures.len(), 2, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .lines()
            .last()
            .unwrap()
            .contains("2 runs failed"),
        "{}",
        ended.stderr
    );
    let rows = cells(
        &read(&lab.path("results/sweep/runs.csv")),
        &["task", "method"],
    );
    assert_eq!(rows, [["movies", "majority"], ["products", "majority"]]);
    let table = read(&lab.path("results/sweep/table.md"));
    assert!(
        table.contains("**Not finished**: 2 of 4 runs have ended."),
        "{table}"
    );
    let table = read(&lab.path("results/sweep/table.tex"));
    assert!(
        table.contains(" Not finished: 2 of 4 runs have ended.}"),
        "{table}"
    );
}

#[test]
fn without_test_the_dev_scores_are_the_table() {
    let lab = Lab::new();
    let args = [
        "experiments/sweep.yaml",
        "--set",
        "score_test=false",
        "--set",
        "seeds=13",
        "--set",
        "tasks=movies",
    ];
    lab.run(&args).succeeded();
    let rows = cells(&read(&lab.path("results/sweep/runs.csv")), &["dev", "test"]);
    assert!(
        rows.iter()
            .all(|row| !row[0].is_empty() && row[1].is_empty()),
        "{rows:?}"
    );
    assert_eq!(
        fs::read_dir(lab.path("results/sweep/predictions"))
            .unwrap()
            .count(),
        0
    );
    let table = read(&lab.path("results/sweep/table.md"));
    assert!(table.contains("Test was not scored"), "{table}");
    let table = read(&lab.path("results/sweep/table.tex"));
    assert!(table.contains("the cells are dev scores.}"), "{table}");
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path))
        } else {
            files.push(path)
        }
    }
    files
}
