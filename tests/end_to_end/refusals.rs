//! What cannot work is refused before any training: one clear line, and the right exit code.

use std::fs;

use crate::support::Lab;

/// The call fails with this code, and its only line says all of `says`.
#[track_caller]
fn refused(lab: &Lab, args: &[&str], code: i32, says: &[&str]) {
    let ended = lab.run(args);
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for part in says {
        assert!(
            ended.stderr.contains(part),
            "{part:?} is not in: {}",
            ended.stderr
        );
    }
    assert_eq!(ended.stdout, "");
    assert!(!lab.path("results").exists(), "nothing was started");
}

const SWEEP: &[&str] = &["experiments/sweep.yaml"];

#[test]
fn a_mistyped_key_is_named_with_the_nearest_key() {
    let lab = Lab::new();
    let text = crate::support::SWEEP.replace("methods:", "mehtods:");
    lab.write("experiments/typo.yaml", &text);
    let says = [
        "experiments/typo.yaml:3: ",
        "unknown key `mehtods`",
        "did you mean `methods`?",
    ];
    refused(&lab, &["experiments/typo.yaml"], 2, &says);

    let text = crate::support::SWEEP.replace("eval_every: 5", "eval_evry: 5");
    lab.write("experiments/typo.yaml", &text);
    let says = [
        "experiments/typo.yaml:8: ",
        "`eval_evry`",
        "did you mean `eval_every`?",
    ];
    refused(&lab, &["experiments/typo.yaml"], 2, &says);
    let set = ["experiments/sweep.yaml", "--set", "eval_evry=5"];
    refused(
        &lab,
        &set,
        2,
        &["unknown key `eval_evry`", "did you mean `eval_every`?"],
    );
}

#[test]
fn unknown_names_are_named_with_the_nearest_name() {
    let lab = Lab::new();
    lab.write(
        "experiments/a.yaml",
        &crate::support::SWEEP.replace("[movies,", "[moveis,"),
    );
    refused(
        &lab,
        &["experiments/a.yaml"],
        2,
        &["experiments/a.yaml:2: ", "moveis", "movies?"],
    );
    lab.write(
        "experiments/a.yaml",
        &crate::support::SWEEP.replace("fine-tuning,", "fine-tunning,"),
    );
    let says = [
        "experiments/a.yaml:3: ",
        "fine-tunning",
        "did you mean `fine-tuning`?",
    ];
    refused(&lab, &["experiments/a.yaml"], 2, &says);
    let profile = ["experiments/sweep.yaml", "--profile", "paper"];
    refused(
        &lab,
        &profile,
        2,
        &["experiments/sweep.yaml", "no profile `paper`"],
    );
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let lab = Lab::new();
    refused(
        &lab,
        &["experiments/none.yaml"],
        2,
        &["experiments/none.yaml", "No such file"],
    );
    let model = ["experiments/sweep.yaml", "--model", "roberta-large"];
    refused(
        &lab,
        &model,
        1,
        &["model roberta-large", "models/roberta-large", "--model"],
    );
    fs::remove_file(lab.path("data/vader/movieReviewSnippets_GroundTruth.txt")).unwrap();
    let says = [
        "task movies",
        "movieReviewSnippets_GroundTruth.txt",
        "--data-dir",
    ];
    refused(&lab, SWEEP, 1, &says);
}

#[test]
fn a_broken_row_is_named_with_its_line() {
    let lab = Lab::new();
    let name = "data/vader/amazonReviewSnippets_GroundTruth.txt";
    let mut rows: Vec<String> = crate::support::read(&lab.path(name))
        .lines()
        .map(str::to_owned)
        .collect();
    rows[41] = "41\tThe rating is missing here .".to_owned();
    lab.write(name, &(rows.join("\n") + "\n"));
    refused(
        &lab,
        SWEEP,
        1,
        &["amazonReviewSnippets_GroundTruth.txt:42: "],
    );
}

#[test]
fn a_broken_model_is_named() {
    let lab = Lab::new();
    lab.write("models/tiny/config.json", "{\"model_type\": \"gpt9\"}");
    refused(&lab, SWEEP, 1, &["model tiny", "config.json", "gpt9"]);
}

#[test]
fn a_results_folder_that_cannot_be_written_is_named() {
    let lab = Lab::new();
    lab.write("taken", "a file where a folder should be");
    let args = ["experiments/sweep.yaml", "--results", "taken"];
    refused(
        &lab,
        &args,
        1,
        &[
            "results folder taken/sweep",
            "--results DIR",
            "Not a directory",
        ],
    );
}

#[test]
fn values_that_cannot_work_are_named() {
    let lab = Lab::new();
    let call = |set| ["experiments/sweep.yaml", "--set", set];
    refused(
        &lab,
        &call("steps=0"),
        2,
        &["`steps` is 0; it must be at least 1"],
    );
    refused(
        &lab,
        &call("steps=many"),
        2,
        &["--set steps=many", "invalid type"],
    );
    refused(
        &lab,
        &call("seeds=[13, 13]"),
        2,
        &["`seeds` lists 13 twice"],
    );
    refused(&lab, &call("tasks=[]"), 2, &["`tasks` is empty"]);
    refused(
        &lab,
        &call("model=[tiny, ./models/tiny]"),
        2,
        &["sweep.yaml: tiny: two models have this name"],
    );
    refused(
        &lab,
        &call("dart.learning_rate=-1"),
        2,
        &["method dart", "`learning_rate` is -1"],
    );
    refused(
        &lab,
        &call("search.dart.batch=[]"),
        2,
        &["search: dart: `batch` has no value"],
    );
}

#[test]
fn prompts_that_cannot_work_are_refused_before_any_run() {
    let lab = Lab::new();
    let with = |more: &str| {
        let task = format!("tasks: [{{task: movies, name: m, {more}}}]");
        let text = crate::support::SWEEP.replace("tasks: [movies, products]", &task);
        lab.write("experiments/prompt.yaml", &text);
    };
    let file = ["experiments/prompt.yaml"];
    with("words: {negative: good, positive: good}");
    let says = [
        "task m, method zero-shot with model tiny",
        "the same tokens",
    ];
    refused(&lab, &file, 2, &says);
    with("words: {negative: bad, positive: \"\"}");
    refused(&lab, &file, 2, &["has no token in the model's vocabulary"]);
    let tokens = ["experiments/sweep.yaml", "--set", "template_tokens=100"];
    let says = ["task movies, method dart with model tiny", "leaves no room"];
    refused(&lab, &tokens, 2, &says);
    for (set, says) in [
        (
            "device=gpu",
            "--set device=gpu: device: device `gpu` is unknown",
        ),
        ("epochs=18446744073709551615", "`epochs`"),
        ("threads=2147483648", "`threads`"),
        ("batch=4294967296", "`batch`"),
    ] {
        refused(&lab, &["experiments/sweep.yaml", "--set", set], 2, &[says]);
    }
}
