//! Experiment files: the schema that editors use, files that change others, tasks without data,
//! what `plan` tells, random search and its oracle.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Lab, python, read};

/// Says of each of `files` whether it is valid under `schema`; both stand in one JSON file.
const VALIDATE: &str = "
import json, sys
import fastjsonschema
asked = json.load(open(sys.argv[1]))
validate = fastjsonschema.compile(asked['schema'])
for name, file in asked['files']:
    try:
        validate(file)
        print(name, 'valid')
    except fastjsonschema.JsonSchemaValueException as error:
        print(name, error.message.replace('\\n', ' '))
";

/// What the schema says of files.
fn validated(lab: &Lab, files: &[(String, Value)]) -> Vec<String> {
    let schema = lab.run(&["schema"]).succeeded().stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let asked = json!({"schema": schema, "files": files});
    lab.write("asked.json", &asked.to_string());
    let said = python(VALIDATE, &lab.path("asked.json"));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn the_schema_knows_every_experiment_of_the_repository() {
    let lab = Lab::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file: Value = serde_yaml::from_str(&read(&path)).unwrap();
        // Those with `base` are for `pretrain`.
        if file.get("base").is_none() {
            files.push((
                path.file_name().unwrap().to_string_lossy().into_owned(),
                file,
            ));
        }
    }
    assert!(files.len() >= 4);
    for line in validated(&lab, &files) {
        assert!(line.ends_with(" valid"), "{line}");
    }
}

#[test]
fn the_schema_says_what_the_program_says() {
    let lab = Lab::new();
    let good = "{model: tiny, tasks: movies, methods: [dart], k: 4, seeds: 13}";
    let own =
        "{file: a.csv, text: 0, label: b, labels: [x, y], template: '{a} [MASK]', words: [c, d]}";
    let cases = [
        ("", true),
        ("k: full", true),
        ("test_rows: all", true),
        (
            "methods: {dart: {clip: 3, title: D}, x: {from: dart}, lm-bff: }",
            true,
        ),
        (
            "settings: {fluency: null, fluency_mask: 0.5, fluency_labels: {k: 3}}",
            true,
        ),
        (
            "{samples: 2, search: {dart: {clip: [1, 2], batch: {low: 1, high: 9}}}}",
            true,
        ),
        ("tasks: [movies, {task: movies, name: m}, {OWN}]", true),
        ("notes: [a, b]", true),
        ("taks: x", false),
        ("k: many", false),
        ("settings: {clip: x}", false),
        ("settings: {train: lmm}", false),
        ("settings: {clip: null}", false),
        ("settings: {fluency_mask: 2}", false),
        ("search: {dart: {clip: 1}}", false),
        ("search: {dart: {clip: {low: 1, hihg: 2}}}", false),
        ("search: {dart: {clop: [1]}}", false),
        ("methods: {dart: {clop: 3}}", false),
        ("tasks: [{tsak: movies}]", false),
        ("profiles: {default: {taks: x}}", false),
    ];
    let mut files = Vec::new();
    for (i, (change, _)) in cases.iter().enumerate() {
        let change = change.replace("{OWN}", own);
        let base: Value = serde_yaml::from_str(good).unwrap();
        let mut file = base.as_object().unwrap().clone();
        let change: Option<Value> = serde_yaml::from_str(&change).unwrap();
        file.extend(change.unwrap_or(json!({})).as_object().unwrap().clone());
        files.push((i.to_string(), Value::Object(file)));
    }
    let said = validated(&lab, &files);
    for (((change, valid), said), (name, file)) in cases.iter().zip(&said).zip(&files) {
        assert_eq!(said == &format!("{name} valid"), *valid, "{change}: {said}");
        lab.write("experiments/case.yaml", &file.to_string());
        let refused = lab.run(&["plan", "experiments/case.yaml"]).code == Some(2);
        // The own file is not there, which is no fault of the experiment's.
        assert_eq!(refused, !valid, "{change}");
    }
}

#[test]
fn a_file_that_changes_another_runs_under_its_own_name() {
    let lab = Lab::new();
    lab.write(
        "experiments/less.yaml",
        "from: sweep.yaml\ntitle: Less\ntasks: movies\nmethods: [majority, zero-shot]\n",
    );
    let ended = lab
        .run(&["experiments/less.yaml", "--quiet", "--set", "seeds=13"])
        .succeeded();
    assert_eq!(ended.stdout, "");
    assert_eq!(lab.runs("results/less", "").len(), 2);
    assert!(read(&lab.path("results/less/table.md")).starts_with("# Less\n"));
    lab.write("experiments/less.yaml", "from: sweep.yaml\ntaks: movies\n");
    let ended = lab.run(&["experiments/less.yaml"]);
    assert_eq!(ended.code, Some(2));
    let says = "experiments/less.yaml:2: unknown key `taks`; did you mean `tasks`?";
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
}

#[test]
fn plan_tells_work_memory_and_what_is_missing() {
    let lab = Lab::new();
    let args = ["plan", "experiments/sweep.yaml", "--set", "seeds=13"];
    let plan = lab.run(&args).succeeded().stdout;
    assert!(!lab.path("results").exists(), "nothing is run");
    assert!(
        plan.contains("dart: 4 (0); 120; "),
        "runs, done, steps: {plan}"
    );
    assert!(plan.contains("10 runs, 0 done"), "{plan}");
    assert!(plan.contains("about "), "memory is estimated: {plan}");
    assert!(
        plan.contains("movies dart k4 s13 t2, 30 steps, to do"),
        "{plan}"
    );

    let some = [
        "--set",
        "seeds=13",
        "--set",
        "methods=[majority, zero-shot]",
        "--quiet",
    ];
    lab.run(&[&["experiments/sweep.yaml"], &some[..]].concat())
        .succeeded();
    let plan = lab.run(&args).succeeded().stdout;
    assert!(plan.contains("10 runs, 4 done"), "{plan}");
    assert!(
        plan.contains("zero-shot: 2 (2); 0; ") && plan.contains("MiB measured"),
        "{plan}"
    );
    assert!(plan.contains("by what the finished ones took"), "{plan}");

    fs::remove_file(lab.path("data/vader/movieReviewSnippets_GroundTruth.txt")).unwrap();
    let ended = lab.run(&args);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("dart: 4 runs"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("missing: no data of task movies"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stderr.contains("1 thing is missing"),
        "{}",
        ended.stderr
    );
}

#[test]
fn tasks_without_data_are_left_out_where_the_experiment_says_so() {
    let lab = Lab::new();
    let set = |value| ["--set", "methods=majority", "--set", value];
    let call = |value| [&["experiments/sweep.yaml"][..], &set(value)].concat();
    lab.write(
        "experiments/sweep.yaml",
        &crate::support::SWEEP.replace("[movies,", "[semeval, movies,"),
    );
    assert_eq!(lab.run(&call("skip_missing=false")).code, Some(1));
    let ended = lab.run(&call("skip_missing=true")).succeeded();
    assert!(
        ended.stderr.contains("left out: no data of task semeval"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stdout.contains("| Method | Movie"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("left out: no data of task semeval"),
        "the table says so"
    );
    fs::remove_dir_all(lab.path("data/vader")).unwrap();
    let ended = lab.run(&call("skip_missing=true"));
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("these are missing"),
        "{}",
        ended.stderr
    );
}

#[test]
fn random_search_tries_as_many_points_as_asked_for_and_an_oracle_is_marked() {
    let lab = Lab::new();
    let text = crate::support::SWEEP.replace(
        "learning_rate: [1.0e-3, 3.0e-3]",
        "learning_rate: {low: 1.0e-4, high: 1.0e-2}, batch: [2, 4]",
    );
    lab.write("experiments/random.yaml", &text);
    let ended = lab.run(&["experiments/random.yaml"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains("search: dart: `learning_rate` is a range"),
        "{}",
        ended.stderr
    );
    let args = [
        "experiments/random.yaml",
        "--set",
        "samples=3",
        "--set",
        "methods=dart",
        "--set",
        "tasks=movies",
        "--set",
        "steps=10",
    ];
    lab.run(&args).succeeded();
    let rows = |folder: &str| -> Vec<Value> {
        let text = read(&lab.path(folder).join("runs.jsonl"));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let runs = rows("results/random");
    assert_eq!(runs.len(), 6, "three points, two seeds");
    let points: Vec<&Value> = runs
        .iter()
        .map(|run| &run["settings"]["learning_rate"])
        .collect();
    assert_eq!(points[..3], points[3..], "the same points for every seed");
    let mut rates: Vec<f64> = points[..3]
        .iter()
        .map(|rate| rate.as_f64().unwrap())
        .collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    assert!(rates.len() == 3 && rates.iter().all(|rate| (1e-4..=1e-2).contains(rate)));
    assert!(!lab.path("results/random/oracle.csv").exists());

    // With an oracle the results are the same, and beside them stands what test would have chosen.
    lab.run(&[&args[..], &["--set", "oracle=true", "--results", "oracle"]].concat())
        .succeeded();
    let timeless = |runs: Vec<Value>| -> Vec<Value> {
        let mut runs = runs;
        for run in &mut runs {
            run["seconds"] = Value::Null;
            run["peak_mib"] = Value::Null;
        }
        runs
    };
    assert_eq!(timeless(rows("oracle/random")), timeless(runs));
    let table = read(&lab.path("results/random/table.md"));
    let with_oracle = read(&lab.path("oracle/random/table.md"));
    let (result, oracle) = with_oracle.split_once("\n## Oracle").unwrap();
    assert_eq!(result, table);
    assert!(oracle.contains("Not a result."), "{oracle}");
    let csv = read(&lab.path("oracle/random/oracle.csv"));
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 3);
    for line in &lines[1..] {
        assert_eq!(line[0], "true");
        let score = |at: usize| line[at].parse::<f64>().unwrap();
        assert!(score(8) >= score(7), "{line:?}");
    }
    let left: Vec<_> = lab
        .runs("oracle/random", "")
        .into_iter()
        .filter(|run| run.join("state").exists())
        .collect();
    assert!(left.is_empty(), "no weights stay: {left:?}");
}
