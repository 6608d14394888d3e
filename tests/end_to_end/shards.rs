//! An experiment in shares: each on its own, or as a Slurm job array, merged to the same results.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Lab, read};

/// Two tasks, one seed, one method of one trial and one of two: six runs in four groups.
const SWEEP: &[&str] = &[
    "experiments/sweep.yaml",
    "--set",
    "steps=5",
    "--set",
    "seeds=13",
    "--set",
    "methods=[majority, dart]",
];

/// `run` with more options.
fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SWEEP, &["--quiet"], more].concat()
}

/// Another command with more options.
fn of<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command], SWEEP, more].concat()
}

fn names(lab: &Lab, folder: &str) -> BTreeSet<String> {
    let runs = lab.runs(folder, "");
    runs.iter()
        .map(|run| run.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn shards_are_disjoint_and_merge_to_what_one_machine_finds() {
    let lab = Lab::new();
    lab.run(&with(&["--results", "whole"])).succeeded();
    let mut seen = BTreeSet::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let ended = lab.run(&with(&["--shard", shard])).succeeded();
        assert_eq!(ended.stdout, "", "a share has no table");
        let folder = format!("results/sweep/shards/{}", shard.replace('/', "-of-"));
        let here = names(&lab, &folder);
        assert!(here.len() >= 2 && here.is_disjoint(&seen), "{here:?}");
        // All trials of a group are in one share: that is where its choice was written.
        for run in lab.runs(&folder, "") {
            let group = run.to_string_lossy().rsplit_once('-').unwrap().0.to_owned();
            let trials = lab
                .runs(&folder, "")
                .into_iter()
                .filter(|other| other.to_string_lossy().starts_with(&format!("{group}-")));
            let chosen = trials.filter(|run| run.join("selection.json").is_file());
            assert_eq!(chosen.count(), 1, "{group}");
        }
        seen.extend(here);
        if shard == "2/3" {
            let ended = lab.run(&of("collect", &[])).succeeded();
            assert!(
                ended.stderr.contains("finished nowhere yet"),
                "{}",
                ended.stderr
            );
            let table = read(&lab.path("results/sweep/table.md"));
            assert!(table.contains("**Not finished**"), "{table}");
        }
    }
    assert_eq!(seen, names(&lab, "whole/sweep"));
    let ended = lab.run(&of("collect", &[])).succeeded();
    assert!(
        !ended.stderr.contains("finished nowhere"),
        "{}",
        ended.stderr
    );
    assert_eq!(lab.outcome("results/sweep"), lab.outcome("whole/sweep"));
    // What was merged counts as finished.
    let again = lab.run(&of("run", &[])).succeeded();
    assert!(
        again.stderr.contains("6 of them finished before"),
        "{}",
        again.stderr
    );
    assert_eq!(lab.outcome("results/sweep"), lab.outcome("whole/sweep"));
}

#[test]
fn results_of_other_machines_are_merged_by_their_folders() {
    let lab = Lab::new();
    lab.run(&with(&["--results", "whole"])).succeeded();
    for (folder, task) in [("one", "movies"), ("two", "products")] {
        let set = format!("tasks={task}");
        lab.run(&with(&["--results", folder, "--set", &set]))
            .succeeded();
    }
    lab.run(&of("collect", &["one", "two/sweep"])).succeeded();
    assert_eq!(lab.outcome("results/sweep"), lab.outcome("whole/sweep"));
    // Runs of an experiment of another name are the same runs.
    fs::rename(lab.path("one/sweep"), lab.path("one/other")).unwrap();
    let both = ["one", "two", "--results", "named"];
    lab.run(&of("collect", &both)).succeeded();
    assert_eq!(lab.outcome("named/sweep"), lab.outcome("whole/sweep"));
    for wrong in ["data", "experiments/sweep.yaml", "nowhere"] {
        let ended = lab.run(&of("collect", &[wrong]));
        assert_eq!(ended.code, Some(1));
        let wanted = format!("{wrong}: no results of dart-exp");
        assert!(ended.stderr.contains(&wanted), "{}", ended.stderr);
    }
}

/// A program of Slurm's that notes its arguments in `NAME.log` and prints `says`.
fn stand_in(lab: &Lab, name: &str, says: &str) {
    fs::create_dir_all(lab.path("bin")).unwrap();
    let log = lab.path(&format!("{name}.log")).display().to_string();
    lab.write(
        &format!("bin/{name}"),
        &format!("#!/bin/sh\necho \"$@\" >> '{log}'\necho {says}\n"),
    );
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(lab.path("bin").join(name), mode).unwrap();
}

fn path(lab: &Lab) -> String {
    let outer = std::env::var("PATH").unwrap_or_default();
    format!("{}:{outer}", lab.path("bin").display())
}

/// Runs a script as Slurm would run this task of the array.
fn as_task(lab: &Lab, script: &Path, task: usize) -> Ended {
    let output = Command::new("sh")
        .arg(script)
        .current_dir(lab.path(""))
        .env("PATH", path(lab))
        .env("SLURM_ARRAY_TASK_ID", task.to_string())
        .env("SLURM_JOB_ID", "77")
        .output();
    Ended::new(output.unwrap())
}

#[test]
fn slurm_s_scripts_do_the_experiment() {
    let lab = Lab::new();
    lab.run(&with(&["--results", "whole"])).succeeded();
    stand_in(&lab, "scontrol", "");
    let own = ["--sbatch=--partition=long", "--sbatch=--comment=two words"];
    let args = [&["--tasks", "2", "--write-only"], &own[..]].concat();
    let ended = lab.run(&of("slurm", &args)).succeeded();
    let script = lab.path("results/sweep/slurm-array.sh");
    assert!(
        ended.stdout.contains("results/sweep/slurm-array.sh"),
        "{}",
        ended.stdout
    );
    let text = read(&script);
    for line in [
        "--array=1-2",
        "--cpus-per-task=1",
        "--partition=long",
        "--comment=\"two words\"",
        "--requeue",
    ] {
        assert!(
            text.lines().any(|l| l == format!("#SBATCH {line}")),
            "{line}: {text}"
        );
    }
    for task in [2, 1] {
        as_task(&lab, &script, task).succeeded();
    }
    as_task(&lab, &lab.path("results/sweep/slurm-collect.sh"), 1).succeeded();
    assert_eq!(lab.outcome("results/sweep"), lab.outcome("whole/sweep"));
    assert!(
        !lab.path("scontrol.log").exists(),
        "nothing was interrupted"
    );
}

#[test]
fn a_task_that_runs_out_of_time_is_put_back_into_the_queue() {
    let lab = Lab::new();
    stand_in(&lab, "scontrol", "");
    let args = ["--tasks", "1", "--write-only", "--set", "steps=100000"];
    lab.run(&of("slurm", &args)).succeeded();
    let script = lab.path("results/sweep/slurm-array.sh");
    let child = Command::new("sh")
        .arg(&script)
        .current_dir(lab.path(""))
        .env("PATH", path(&lab))
        .env("SLURM_ARRAY_TASK_ID", "1")
        .env("SLURM_JOB_ID", "77")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    crate::support::wait_for("a saved state", || {
        let runs = lab.runs("results/sweep/shards/1-of-1", "dart");
        runs.into_iter()
            .find(|run| run.join("state/state.safetensors").is_file())
    });
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-USR1", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(read(&lab.path("scontrol.log")), "requeue 77\n");
}

#[test]
fn slurm_submits_the_array_and_then_the_merge() {
    let lab = Lab::new();
    stand_in(&lab, "sbatch", "42");
    let run = |args: &[&str]| {
        let output = lab
            .command(&of("slurm", args))
            .env("PATH", path(&lab))
            .output();
        Ended::new(output.unwrap())
    };
    let ended = run(&[]).succeeded();
    assert!(ended.stdout.contains("job 42"), "{}", ended.stdout);
    let calls = read(&lab.path("sbatch.log"));
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 2);
    assert!(calls[0].starts_with("--parsable ") && calls[0].ends_with("slurm-array.sh"));
    assert!(
        calls[1].contains("--dependency=afterany:42") && calls[1].ends_with("slurm-collect.sh")
    );

    fs::remove_file(lab.path("bin/sbatch")).unwrap();
    let output = lab
        .command(&of("slurm", &[]))
        .env("PATH", lab.path("bin"))
        .output()
        .unwrap();
    let ended = Ended::new(output);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--write-only"), "{}", ended.stderr);
    let ended = run(&["--shard", "1/2"]);
    assert_eq!(ended.code, Some(2));
    let ended = run(&["--sbatch", "long"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("give an option of sbatch"),
        "{}",
        ended.stderr
    );
}

#[test]
fn collect_and_table_read_the_run_folders() {
    let lab = Lab::new();
    let sets = [
        "--set",
        "seeds=13",
        "--set",
        "methods=[majority, zero-shot, fine-tuning]",
    ];
    let call = |command| [&[command, "experiments/sweep.yaml"], sets.as_slice()].concat();
    lab.run(&call("run")).succeeded();
    let before = lab.outcome("results/sweep");
    for name in ["runs.csv", "summary.csv", "table.md"] {
        fs::remove_file(lab.path("results/sweep").join(name)).unwrap();
    }
    let table = lab.run(&call("table")).succeeded();
    assert!(!lab.path("results/sweep/table.md").exists());
    lab.run(&call("collect")).succeeded();
    assert_eq!(lab.outcome("results/sweep"), before);
    assert_eq!(table.stdout, read(&lab.path("results/sweep/table.md")));
}
