//! The real TensorBoard's reader sees each run's curves: every point once, whatever happened to
//! the run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Lab, wait_for};

/// Prints every scalar of a folder as `tag step value`, in the reader's order.
const READER: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
run = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
run.Reload()
for tag in sorted(run.Tags()['scalars']):
    for point in run.Scalars(tag):
        print(tag, point.step, repr(point.value))
";

fn curves(run: &Path) -> Vec<(String, usize, f64)> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.deps/python");
    assert!(
        packages.is_dir(),
        "TensorBoard's reader is missing: run `just setup --tests`"
    );
    let output = Command::new("python3")
        .args(["-c", READER, &run.display().to_string()])
        .env("PYTHONPATH", packages)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            (
                parts[0].to_owned(),
                parts[1].parse().unwrap(),
                parts[2].parse().unwrap(),
            )
        })
        .collect()
}

fn steps(curves: &[(String, usize, f64)], tag: &str) -> Vec<usize> {
    curves
        .iter()
        .filter(|(name, _, _)| name == tag)
        .map(|(_, step, _)| *step)
        .collect()
}

const ARGS: &[&str] = &[
    "experiments/sweep.yaml",
    "--set",
    "methods=[dart, zero-shot]",
    "--set",
    "tasks=movies",
    "--set",
    "seeds=13",
    "--set",
    "steps=100",
    "--set",
    "learning_rate=1e-3",
    "--jobs",
    "1",
];

fn only_run(lab: &Lab, experiment: &str, method: &str) -> PathBuf {
    let runs = lab.runs(experiment, method);
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.into_iter().next().unwrap()
}

#[test]
fn tensorboard_reads_each_point_once_after_a_kill_too() {
    let lab = Lab::new();
    lab.run(&[ARGS, &["--results", "whole"]].concat())
        .succeeded();
    let whole = curves(&only_run(&lab, "whole/sweep", "dart"));
    let every: Vec<usize> = (1..=100).collect();
    for tag in [
        "loss/class",
        "loss/fluency",
        "learning_rate",
        "gradient_norm",
    ] {
        assert_eq!(steps(&whole, tag), every, "{tag}");
    }
    let evaluations: Vec<usize> = (5..=100).step_by(5).collect();
    for tag in ["dev/metric", "dev/loss"] {
        assert_eq!(steps(&whole, tag), evaluations, "{tag}");
    }
    assert_eq!(steps(&whole, "test/metric"), [100]);
    let zero_shot = curves(&only_run(&lab, "whole/sweep", "zero-shot"));
    assert_eq!(steps(&zero_shot, "dev/metric"), [0]);
    assert_eq!(steps(&zero_shot, "test/metric"), [0]);

    let args = [ARGS, &["--results", "cut"]].concat();
    for _ in 0..2 {
        let mut child = lab.start(&args);
        wait_for("a saved state", || {
            let state = |run: PathBuf| run.join("state/state.safetensors").is_file();
            lab.runs("cut/sweep", "dart")
                .into_iter()
                .any(state)
                .then_some(())
        });
        child.kill().unwrap();
        child.wait().unwrap();
    }
    lab.run(&args).succeeded();
    assert_eq!(curves(&only_run(&lab, "cut/sweep", "dart")), whole);
}
