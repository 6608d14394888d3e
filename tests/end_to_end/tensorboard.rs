//! The real TensorBoard's reader sees each run's curves: every point once, whatever happened to
//! the run.

use std::path::{Path, PathBuf};

use crate::support::{Lab, python, wait_for};

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
    python(READER, run)
        .lines()
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

/// Prints what the HParams plugin reads of a run: `name value` for each hyper-parameter, then
/// `status NUMBER`.
const HPARAMS: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
run = EventAccumulator(sys.argv[1])
run.Reload()
content = lambda tag: run.SummaryMetadata(tag).plugin_data.content
start = metadata.parse_session_start_info_plugin_data(content(metadata.SESSION_START_INFO_TAG))
for name, value in sorted(start.hparams.items()):
    print(name, getattr(value, value.WhichOneof('kind')))
end = metadata.parse_session_end_info_plugin_data(content(metadata.SESSION_END_INFO_TAG))
print('status', end.status)
";

/// Prints what the projector reads of a run: `rows columns`, then a line for each row of names.
const PROJECTOR: &str = "
import os, sys
import numpy
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
path = lambda name: os.path.join(sys.argv[1], name)
config = ProjectorConfig()
text_format.Parse(open(path('projector_config.pbtxt')).read(), config)
(embedding,) = config.embeddings
tensor = numpy.loadtxt(path(embedding.tensor_path), delimiter='\t', ndmin=2)
assert list(tensor.shape) == list(embedding.tensor_shape), tensor.shape
assert numpy.isfinite(tensor).all()
print(*tensor.shape)
print(open(path(embedding.metadata_path)).read(), end='')
";

#[test]
fn tensorboard_reads_hyper_parameters_and_learned_rows() {
    let lab = Lab::new();
    lab.run(&[ARGS, &["--set", "full_vocab=true", "--set", "steps=10"]].concat())
        .succeeded();
    let dart = only_run(&lab, "results/sweep", "dart");
    let read = python(HPARAMS, &dart);
    for line in [
        "batch 4.0",
        "fluency 1.0",
        "full_vocab True",
        "k 4.0",
        "learning_rate 0.001",
        "method dart",
        "model tiny",
        "seed 13.0",
        "status 1",
        "task movies",
        "template pseudo",
    ] {
        assert!(
            read.lines().any(|l| l == line),
            "{line:?} is not in:\n{read}"
        );
    }

    // Three template tokens, two labels, and words around them.
    let read = python(PROJECTOR, &dart);
    let mut lines = read.lines();
    let shape: Vec<usize> = lines
        .next()
        .unwrap()
        .split(' ')
        .map(|n| n.parse().unwrap())
        .collect();
    assert_eq!(lines.next(), Some("name\tkind\tnear"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), shape[0]);
    let kinds: Vec<(&str, &str)> = rows[..5].iter().map(|row| (row[0], row[1])).collect();
    let expected = [
        ("it", "template"),
        ("was", "template"),
        (".", "template"),
        ("negative", "label"),
        ("positive", "label"),
    ];
    assert_eq!(kinds, expected);
    assert!(rows[..5].iter().all(|row| row[2].split(' ').count() == 10));
    assert!(rows.len() > 10 && rows[5..].iter().all(|row| row[1] == "word"));

    // A prompt of words learned no rows.
    let zero_shot = only_run(&lab, "results/sweep", "zero-shot");
    assert!(python(HPARAMS, &zero_shot).contains("method zero-shot"));
    assert!(!zero_shot.join("projector_config.pbtxt").exists());
}
