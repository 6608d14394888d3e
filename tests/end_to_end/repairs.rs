//! Results that lost a part, and calls in awkward surroundings.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Ended, Lab, read, wait_for};

const SEARCH: &str = "\
model: tiny
tasks: [movies]
methods: [fine-tuning, prompt-tuning]
k: 4
seeds: [13]
test_rows: 12
settings: {steps: 4, eval_every: 2, batch: 4, max_length: 16}
search:
  fine-tuning: {learning_rate: [1.0e-3, 3.0e-3]}
";

/// A lab with the finished experiment.
fn finished(more: &str) -> Lab {
    let lab = Lab::new();
    lab.write("experiments/own.yaml", &format!("{SEARCH}{more}"));
    lab.run(&["own", "--quiet"]).succeeded();
    lab
}

/// Folder of the run of `method` that dev chose.
fn winner(lab: &Lab, method: &str) -> std::path::PathBuf {
    let mut runs = lab.runs("results/own", &format!("-{method}-"));
    runs.retain(|run| run.join("selection.json").is_file());
    runs.remove(0)
}

#[test]
fn a_test_score_without_its_predictions_is_made_again() {
    let lab = finished("");
    let before = lab.outcome("results/own");
    for method in ["fine-tuning", "prompt-tuning"] {
        let run = winner(&lab, method).file_name().unwrap().to_owned();
        let file = format!("results/own/predictions/{}.csv", run.to_string_lossy());
        fs::remove_file(lab.path(&file)).unwrap();
    }
    let plan = lab.run(&["plan", "own"]).succeeded();
    assert!(plan.stdout.contains("3 runs, 1 done"), "{}", plan.stdout);
    // Until then there is no table of them, and no failure.
    lab.run(&["report", "own"]).succeeded();
    let collected = lab.run(&["collect", "own"]).succeeded();
    assert!(
        collected.stderr.contains("2 runs of the plan"),
        "{}",
        collected.stderr
    );
    lab.run(&["own", "--quiet"]).succeeded();
    assert_eq!(lab.outcome("results/own"), before);
}

#[test]
fn a_winner_trained_again_must_be_what_dev_chose() {
    let lab = finished("");
    let run = winner(&lab, "fine-tuning");
    let fit = read(&run.join("fit.json"));
    let at = fit.find("\"dev\":").unwrap() + "\"dev\":".len();
    let end = at + fit[at..].find(',').unwrap();
    let other = format!("{} 0.999{}", &fit[..at], &fit[end..]);
    fs::write(run.join("fit.json"), &other).unwrap();
    fs::remove_file(run.join("test.json")).unwrap();
    let again = lab.run(&["own", "--quiet"]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("came to dev") && again.stderr.contains("0.999"),
        "{}",
        again.stderr
    );
    assert_eq!(read(&run.join("fit.json")), other);
    assert!(!run.join("test.json").exists());
    // What it had come to, it comes to again.
    fs::write(run.join("fit.json"), &fit).unwrap();
    lab.run(&["own", "--quiet"]).succeeded();
    assert!(run.join("test.json").is_file());
    assert!(!run.join("fit-before.json").exists());
}

#[test]
fn a_prompt_is_not_exported_with_another_language_model() {
    let lab = finished("keep_weights: true\n");
    let run = winner(&lab, "prompt-tuning").display().to_string();
    let export = |out: &str| lab.run(&["export", &run, "--out", out]);
    lab.write("models/tiny/notes.txt", "no part of the model");
    export("first").succeeded();
    let there = export("first");
    assert_eq!(there.code, Some(1));
    assert!(there.stderr.contains("exists already"), "{}", there.stderr);
    let vocab = lab.path("models/tiny/vocab.txt");
    let words = read(&vocab);
    fs::write(&vocab, words.replace("the\n", "teh\n")).unwrap();
    let changed = export("second");
    assert_eq!(changed.code, Some(1));
    assert!(
        changed.stderr.contains("its files are no longer those"),
        "{}",
        changed.stderr
    );
}

/// A shell's exit status and output, the program being `$0` and the lab its folder.
fn shell(lab: &Lab, script: &str) -> Ended {
    let plain = lab.command(&[]);
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(plain.get_program())
        .current_dir(plain.get_current_dir().unwrap())
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .unwrap();
    Ended::new(output)
}

#[test]
fn nobody_has_to_listen() {
    let lab = Lab::new();
    lab.write("experiments/own.yaml", SEARCH);
    let closed = "{ \"$0\" own 2>&1 >&3; echo $? >code; } 3>/dev/null | true";
    shell(&lab, closed).succeeded();
    assert_eq!(read(&lab.path("code")).trim(), "0");
    assert!(lab.path("results/own/table.md").is_file());
    let closed = "{ \"$0\" fill-mask --model tiny --top 900 'a [MASK]'; echo $? >code; } | true";
    shell(&lab, closed).succeeded();
    assert_eq!(read(&lab.path("code")).trim(), "0");
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let lab = Lab::new();
    let more = SEARCH.replace("steps: 4", "steps: 400");
    lab.write("experiments/own.yaml", &more);
    let program = lab.command(&[]).get_program().to_owned();
    let mut child = Command::new("nohup")
        .arg(program)
        .args(["own", "--jobs", "1"])
        .current_dir(lab.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("a run", || {
        lab.runs("results/own", "")
            .iter()
            .find(|run| run.join("run.json").is_file())
            .cloned()
    });
    let hangup = Command::new("kill")
        .args(["-HUP", &child.id().to_string()])
        .status();
    assert!(hangup.unwrap().success());
    assert!(child.wait().unwrap().success());
    assert!(lab.path("results/own/table.md").is_file());
}
