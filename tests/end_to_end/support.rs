//! A folder with a tiny random model and small data, and the real program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The tiny BERT that dart-core's golden tests use.
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../dart-core/tests/goldens/bert-tiny"
);

/// A sweep with a search, in which every method trains for some seconds at most.
pub const SWEEP: &str = "\
model: tiny
tasks: [movies, products]
methods: [majority, zero-shot, fine-tuning, dart]
k: 4
seeds: [13, 21]
test_rows: 30
save_seconds: 0
settings: {steps: 30, eval_every: 5, batch: 4, max_length: 16}
search:
  dart: {learning_rate: [1.0e-3, 3.0e-3]}
";

/// A place to run the program in, removed at the end.
pub struct Lab {
    dir: tempfile::TempDir,
}

impl Lab {
    pub fn new() -> Self {
        let lab = Lab {
            dir: tempfile::tempdir().unwrap(),
        };
        for folder in ["experiments", "models/tiny", "data/vader"] {
            fs::create_dir_all(lab.path(folder)).unwrap();
        }
        for name in [
            "config.json",
            "vocab.txt",
            "tokenizer_config.json",
            "model.safetensors",
        ] {
            fs::copy(
                Path::new(MODEL).join(name),
                lab.path("models/tiny").join(name),
            )
            .unwrap();
        }
        lab.write(
            "data/vader/movieReviewSnippets_GroundTruth.txt",
            &snippets("movie"),
        );
        lab.write(
            "data/vader/amazonReviewSnippets_GroundTruth.txt",
            &snippets("book"),
        );
        lab.write("experiments/sweep.yaml", SWEEP);
        lab
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The program, not started yet, in this folder, with a hub's cache of its own and no network.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dart-exp"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("HF_HOME", self.path("hf"))
            .env("HF_HUB_OFFLINE", "1")
            .stdin(Stdio::null());
        for name in ["HF_ENDPOINT", "HF_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::new(self.command(args).output().unwrap())
    }

    /// Starts the program.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The run folders of an experiment whose names contain `part`, sorted.
    pub fn runs(&self, experiment: &str, part: &str) -> Vec<PathBuf> {
        let folder = self.path(experiment).join("runs");
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        runs.retain(|run| run.file_name().unwrap().to_string_lossy().contains(part));
        runs.sort();
        runs
    }

    /// What an experiment came to: `runs.csv` less time and memory, `summary.csv`, `table.md` and
    /// all predictions.
    pub fn outcome(&self, experiment: &str) -> Vec<(String, String)> {
        let folder = self.path(experiment);
        let mut files = vec![(
            "runs.csv".to_owned(),
            timeless(&read(&folder.join("runs.csv"))),
        )];
        for name in ["summary.csv", "table.md"] {
            files.push((name.to_owned(), read(&folder.join(name))));
        }
        let mut predictions: Vec<PathBuf> = fs::read_dir(folder.join("predictions"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        predictions.sort();
        files.extend(
            predictions
                .iter()
                .map(|path| (path.display().to_string(), read(path))),
        );
        let relative = |name: String| name.rsplit('/').next().unwrap_or_default().to_owned();
        files
            .into_iter()
            .map(|(name, text)| (relative(name), text))
            .collect()
    }
}

/// How a call ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn new(output: Output) -> Self {
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(
            self.code,
            Some(0),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a Python script prints about a file or folder, with the packages that tests are judged by.
#[track_caller]
pub fn python(script: &str, about: &Path) -> String {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.deps/python");
    assert!(
        packages.is_dir(),
        "the tests' Python packages are missing: run `just setup --tests`"
    );
    let output = Command::new("python3")
        .args(["-c", script, &about.display().to_string()])
        .env("PYTHONPATH", packages)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// `runs.csv` without its last two columns, seconds and peak_mib.
fn timeless(csv: &str) -> String {
    let cut = |line: &str| line.rsplitn(3, ',').nth(2).unwrap().to_owned() + "\n";
    csv.lines().map(cut).collect()
}

/// Waits until `seen` sees something; a minute is far more than it takes.
#[track_caller]
pub fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = seen() {
            return value;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "waited a minute for {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Two hundred rated sentences in the words of the tiny model's vocabulary.
fn snippets(thing: &str) -> String {
    let good = ["great", "good", "fun", "bright", "happy"];
    let bad = ["terrible", "bad", "boring", "dull", "sad"];
    let parts = ["plot", "acting", "story", "music", "book"];
    let mut rows = String::new();
    for i in 0..200 {
        let words = if i % 2 == 0 { good } else { bad };
        let (first, second) = (words[i / 2 % 5], words[i / 10 % 5]);
        let (part, number) = (parts[i / 50 % 5], i % 10);
        let rating = if i % 2 == 0 { 2.5 } else { -2.5 };
        rows +=
            &format!("{i}\t{rating}\tThe {thing} {number} was {first} , the {part} {second} .\n");
    }
    rows
}
