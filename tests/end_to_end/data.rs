//! `dart-exp data`.

use std::fs;

use crate::support::{Lab, read};

const MOVIES: &str = "data/vader/movieReviewSnippets_GroundTruth.txt";

#[test]
fn the_list_tells_what_is_there() {
    let lab = Lab::new();
    let list = lab.run(&["data", "list"]).succeeded().stdout;
    let line = |task: &str| -> Vec<&str> {
        let line = list.lines().find(|line| line.starts_with(task));
        line.unwrap_or_else(|| panic!("no {task} in:\n{list}"))
            .split_whitespace()
            .collect()
    };
    assert_eq!(line("movies")[..2], ["movies", "2"]);
    assert_eq!(line("movies").last(), Some(&"vader"));
    assert_eq!(line("trec"), ["trec", "6", "5452/-/500", "accuracy", "-"]);
    assert_eq!(line("tweets").last(), Some(&"-"));
    let elsewhere = lab.run(&["data", "list", "--data-dir", "none"]).succeeded();
    assert!(!elsewhere.stdout.contains("vader"));
}

#[test]
fn check_names_every_broken_row_and_goes_on() {
    let lab = Lab::new();
    lab.write(
        "mine.csv",
        "review,stars\ngood,5\nbad\nboring,1\ndull,1,2\nfun,5\n",
    );
    let args = "data check --file mine.csv --text review --label stars";
    let args: Vec<&str> = args.split(' ').collect();
    let ended = lab.run(&args);
    assert_eq!(ended.code, Some(1));
    for part in [
        "mine.csv: 5 rows (1: 1, 5: 2)",
        "mine.csv:3: ",
        "mine.csv:5: ",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in: {}",
            ended.stdout
        );
    }
    assert_eq!(ended.stderr, "dart-exp: 2 problems\n");
    let limited = lab.run(&[args.as_slice(), &["--limit", "1"]].concat());
    assert_eq!(limited.stderr, "dart-exp: 2 problems\n");
    assert!(
        limited.stdout.contains("and 1 more problems") && !limited.stdout.contains("mine.csv:5:")
    );
    assert_eq!(lab.run(&args[..6]).code, Some(2), "no --label");
}

#[test]
fn check_reads_all_tasks_that_are_there() {
    let lab = Lab::new();
    let rows = read(&lab.path(MOVIES));
    lab.write(MOVIES, &format!("{rows}200\tno rating\n"));
    let ended = lab.run(&["data", "check"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stdout
            .contains("movieReviewSnippets_GroundTruth.txt:201: "),
        "{}",
        ended.stdout
    );
    // The published files are larger than these.
    assert!(ended.stdout.contains("has 200 rows, 3708 are published"));
    assert!(!ended.stdout.contains("Tweets"));
    let ended = lab.run(&["data", "check", "moveis"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("did you mean movies?"));
}

#[test]
fn kshot_writes_the_rows_that_a_run_trains_on() {
    let lab = Lab::new();
    let args = "data kshot --task movies --k 4 --seed 13 --out drawn";
    let args: Vec<&str> = args.split(' ').collect();
    let files = lab.run(&args).succeeded().stdout;
    let names: Vec<&str> = files.lines().collect();
    assert_eq!(
        names,
        ["train", "dev", "test"].map(|name| format!("drawn/movies/4-13/{name}.tsv"))
    );
    let train = read(&lab.path(names[0]));
    assert_eq!(train.lines().count(), 8);
    let all = read(&lab.path(MOVIES));
    assert!(train.lines().all(|row| all.lines().any(|line| line == row)));
    let shown = lab.run(&["data", "show", "movies", "--k", "4", "--model", "tiny"]);
    let shown = shown.succeeded().stdout;
    let example = shown
        .lines()
        .find_map(|line| line.strip_prefix("example of negative: "));
    let text = |row: &str| row.rsplit('\t').next().map(str::to_owned);
    assert_eq!(
        train.lines().next().and_then(text).as_deref(),
        example,
        "{shown}"
    );

    let again = args
        .iter()
        .map(|arg| if *arg == "4" { "0" } else { arg })
        .collect::<Vec<_>>();
    assert_eq!(lab.run(&again).code, Some(2), "K is at least 1");
    let many: Vec<&str> = args
        .iter()
        .map(|arg| if *arg == "4" { "90" } else { arg })
        .collect();
    let warned = lab.run(&many).succeeded();
    assert!(
        warned.stderr.contains("rows of the 180 asked for"),
        "{}",
        warned.stderr
    );
    let strict = lab.run(&[many.as_slice(), &["--strict"]].concat());
    assert_eq!(strict.code, Some(1));
    assert!(
        strict.stderr.contains("rows, 180 are needed"),
        "{}",
        strict.stderr
    );
}

#[test]
fn show_tells_counts_lengths_truncation_and_the_prompt() {
    let lab = Lab::new();
    let args = "data show movies --k 4 --model tiny --max-length 10";
    let args: Vec<&str> = args.split(' ').collect();
    let shown = lab.run(&args).succeeded().stdout;
    for part in [
        "label negative: terrible",
        "template: {a} It was [MASK] .",
        "train: 8 rows: negative 4, positive 4",
        "100.0% of the rows are truncated at 10",
        "it was [MASK] . [SEP]",
    ] {
        assert!(shown.contains(part), "{part:?} is not in:\n{shown}");
    }
    let whole = lab.run(&args[..args.len() - 2]).succeeded().stdout;
    assert!(
        whole.contains("; 0.0% of the rows are truncated at 128"),
        "{whole}"
    );
    fs::remove_file(lab.path(MOVIES)).unwrap();
    let missing = lab.run(&args);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(1), ""));
    assert!(missing.stderr.contains("no data of task movies"));
}

#[test]
fn fetch_tells_how_to_get_what_it_cannot_fetch() {
    let lab = Lab::new();
    let ended = lab.run(&["data", "fetch", "tacred"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("licence"), "{}", ended.stderr);
    assert_eq!(lab.run(&["data", "fetch", "nothing"]).code, Some(2));
    assert_eq!(lab.run(&["data", "fetch"]).code, Some(2));
}

/// A small file of one's own, with a header, in the words of the tiny model.
fn reviews() -> String {
    let words = [("terrible", 1), ("great", 5), ("boring", 2), ("good", 4)];
    let mut csv = "stars,review\n".to_owned();
    for i in 0..80 {
        let (word, stars) = words[i % 4];
        csv += &format!("{stars},\"The story {i} was {word} , the music too .\"\n");
    }
    csv
}

const OWN: &str = "\
model: tiny
tasks:
  - file: ../mine.csv
    text: review
    label: stars
    labels: {1: bad, 2: bad, 4: good, 5: good}
    template: \"*cls**sent_0*_It_was*mask*.*sep+*\"
    words: {bad: terrible, good: great}
  - {task: movies, name: films, template: \"[MASK] ! {a}\", words: {negative: bad, positive: fun}}
methods: [zero-shot, dart]
k: 4
seeds: 13
settings: {steps: 4, eval_every: 2, batch: 4, max_length: 24}
";

#[test]
fn an_experiment_runs_on_one_s_own_file_and_prompt() {
    let lab = Lab::new();
    lab.write("mine.csv", &reviews());
    lab.write("experiments/own.yaml", OWN);
    lab.run(&["experiments/own.yaml"]).succeeded();
    let runs = read(&lab.path("results/own/runs.csv"));
    for start in ["mine,zero-shot,", "mine,dart,", "films,zero-shot,"] {
        assert!(
            runs.lines().any(|row| row
                .split_once(',')
                .is_some_and(|(_, rest)| rest.starts_with(start))),
            "{runs}"
        );
    }
    let predictions = lab.path("results/own/predictions");
    let mine = fs::read_dir(predictions)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mine = mine
        .filter(|path| path.to_string_lossy().contains("mine-dart"))
        .map(|path| read(&path));
    let mine: Vec<String> = mine.collect();
    assert_eq!(mine.len(), 1);
    assert!(mine[0].contains("good") && mine[0].contains("bad"));
}

#[test]
fn own_tasks_that_cannot_work_are_named() {
    let lab = Lab::new();
    lab.write("mine.csv", &reviews());
    for (good, bad, code, says) in [
        (
            "    label:",
            "    lable:",
            2,
            "unknown key `lable`; did you mean `label`?",
        ),
        (
            "good: great}",
            "good: great, so: so}",
            2,
            "has 2 classes and 3 words",
        ),
        ("*mask*", "*", 2, "[MASK] exactly once"),
        ("../mine.csv", "mine.csv", 1, "experiments/mine.csv"),
        ("text: review", "text: reviews", 1, "reviews"),
        ("5: good", "6: good", 1, "mine.csv:3: "),
        ("name: films", "name: mine", 2, "two tasks have this name"),
        ("[MASK] ! {a}", "[MASK] ! {b} {a}", 2, "asks for {b}"),
        (
            "{negative: bad",
            "{negativ: bad",
            2,
            "is no label of movies",
        ),
    ] {
        assert!(OWN.contains(good), "{good}");
        let text = OWN.replacen(good, bad, 1);
        lab.write("experiments/own.yaml", &text);
        let ended = lab.run(&["experiments/own.yaml"]);
        assert_eq!(ended.code, Some(code), "{bad}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{bad}: {}", ended.stderr);
        assert!(
            !lab.path("results").exists(),
            "{bad}: something was started"
        );
    }
}
