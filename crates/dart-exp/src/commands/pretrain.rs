//! `dart-exp pretrain`: a masked language model from an encoder and plain text.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use dart_core::CoreError;
use dart_core::control::Control;
use dart_core::files::write_atomically;
use dart_core::lm::LanguageModel;
use dart_core::lm::weights::write;
use dart_core::pretrain::{Blocks, HeldOut, PretrainReport, PretrainSettings, Pretraining, score};
use dart_core::tokenizer::{self, Tokenizer};
use dart_data::{Catalog, CorpusFile, TestSentences, corpus_files, read_corpus, test_texts};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::experiment::yaml;
use crate::run::signals::Stop;
use crate::store::lock;
use crate::store::tensorboard::EventWriter;
use crate::terminal::failure::Interrupted;
use crate::terminal::paths;
use crate::terminal::print::print;
use crate::terminal::progress::remark;

/// A file like `experiments/pretrain-minilm.yaml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainConfig {
    /// Folder name below `results/` for state, TensorBoard events and figures.
    pub name: String,
    /// The encoder to start from: a folder below `models/`.
    pub base: String,
    /// The masked language model to write: a folder below `models/`.
    pub output: String,
    /// Folder of `*.txt` files below the data folder.
    pub corpus: String,
    /// How it is trained.
    pub training: PretrainSettings,
}

/// How `pretrain` is called.
#[derive(Clone, Debug, Args)]
pub struct PretrainArgs {
    /// The file
    #[arg(value_name = "FILE.yaml")]
    file: PathBuf,
    /// Folder of the data, where the corpus and the test sets that are kept out of it stand
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Folder of the results [default: results in the repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// Folders of a pretraining.
struct Folders {
    /// Where models stand.
    models: PathBuf,
    /// The data folder, then others whose tasks' test sets are kept out of the text too.
    data: Vec<PathBuf>,
    /// Where results go.
    results: PathBuf,
}

/// Figures of a finished run.
#[derive(Serialize)]
struct Figures<'a> {
    config: &'a PretrainConfig,
    blocks: usize,
    held_out_blocks: usize,
    tokens: usize,
    removed_sentences: Vec<(String, usize)>,
    held_out: HeldOut,
}

/// Trains, or goes on where a stopped call left off, and writes the model's folder.
///
/// # Errors
/// Files that are missing or cannot be read or written, or training fails.
pub fn run(args: &PretrainArgs) -> Result<()> {
    let root = paths::root()?;
    let own = root.join("data");
    let mut data = vec![args.data_dir.clone().unwrap_or_else(|| own.clone())];
    if data[0] != own {
        data.push(own);
    }
    let results = args.results.clone().unwrap_or_else(|| root.join("results"));
    let folders = Folders {
        models: root.join("models"),
        data,
        results,
    };
    let stop = Stop::listen(|| remark("stopping after this step"))?;
    match train(&yaml::read(&args.file)?, &folders, &stop) {
        Err(error) if matches!(error.downcast_ref(), Some(CoreError::Interrupted)) => {
            let message = format!("{error}; the same command goes on");
            Err(Interrupted(message).into())
        }
        done => done,
    }
}

fn train(config: &PretrainConfig, folders: &Folders, stop: &Stop) -> Result<()> {
    let base = folders.models.join(&config.base);
    let out = folders.results.join(&config.name);
    std::fs::create_dir_all(&out).with_context(|| format!("{}", out.display()))?;
    let _lock = lock::results(&out)?;
    let tokenizer = Tokenizer::load(&base)?;
    let corpus = corpus(config, folders)?;
    let blocks = tokenize(&tokenizer, &corpus, &config.training);
    remark(&format!(
        "{} blocks of {} tokens, {} of them held out; {} sentences of test sets removed",
        blocks.train.len() + blocks.held_out.len(),
        config.training.block,
        blocks.held_out.len(),
        corpus.iter().map(|f| f.removed).sum::<usize>()
    ));
    let model = LanguageModel::load_encoder(&base)?;
    let mut training = Pretraining::new(model, tokenizer.special(), &config.training, &blocks)?;
    let state = out.join("state.safetensors");
    training.resume(&state)?;
    let mut watch = Watch::new(&out, training.step(), config.training.steps)?;
    let done = training.run(&blocks, &state, &mut |report| watch.report(report, stop));
    watch.finish()?;
    done?;
    let model_dir = folders.models.join(&config.output);
    export(&training, &base, &model_dir)?;
    let held_out = rescore(&model_dir, &blocks, config)?;
    let figures = Figures {
        config,
        blocks: blocks.train.len(),
        held_out_blocks: blocks.held_out.len(),
        tokens: config.training.steps * config.training.batch * config.training.block,
        removed_sentences: corpus.iter().map(|f| (f.name.clone(), f.removed)).collect(),
        held_out,
    };
    let json = serde_json::to_string_pretty(&figures)?;
    write_atomically(&out.join("figures.json"), json.as_bytes())?;
    print(&format!(
        "{}: held-out loss {:.3}, top-1 {:.1} %, top-5 {:.1} %\n",
        model_dir.display(),
        held_out.loss,
        100.0 * held_out.top1,
        100.0 * held_out.top5
    ))
}

/// The corpus without any sentence of any known task's test set.
fn corpus(config: &PretrainConfig, folders: &Folders) -> Result<Vec<CorpusFile>> {
    let mut texts = Vec::new();
    for task in Catalog::embedded()?.tasks() {
        for dir in &folders.data {
            texts.extend(test_texts(task, dir)?);
        }
    }
    let held = TestSentences::from_texts(&texts);
    let dir = folders.data[0].join(&config.corpus);
    let files = corpus_files(&dir)?;
    if files.is_empty() {
        bail!(
            "{}: no .txt file; give the folder that holds it with --data-dir",
            dir.display()
        );
    }
    remark(&format!(
        "reading {} files; {} test sentences are kept out",
        files.len(),
        held.len()
    ));
    Ok(read_corpus(&files, &held)?)
}

fn tokenize(tokenizer: &Tokenizer, corpus: &[CorpusFile], settings: &PretrainSettings) -> Blocks {
    let files: Vec<Vec<i64>> = corpus
        .iter()
        .map(|file| {
            let documents: Vec<Vec<i64>> = file
                .documents
                .par_iter()
                .map(|document| tokenizer.encode(document))
                .collect();
            documents.concat()
        })
        .collect();
    Blocks::cut(&files, tokenizer.special(), settings)
}

/// Writes the model folder: weights last, so that a folder with weights is complete.
fn export(training: &Pretraining, base: &Path, dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
    for name in tokenizer::FILES {
        let from = base.join(name);
        if from.exists() {
            let bytes = std::fs::read(&from).with_context(|| format!("{}", from.display()))?;
            write_atomically(&dir.join(name), &bytes)?;
        }
    }
    let path = base.join("config.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let mut config: serde_json::Value = serde_json::from_str(&text)?;
    config["architectures"] = serde_json::json!(["BertForMaskedLM"]);
    config["torch_dtype"] = serde_json::json!("float16");
    if let Some(map) = config.as_object_mut() {
        map.remove("_name_or_path");
        map.remove("gradient_checkpointing");
    }
    let text = serde_json::to_string_pretty(&config)? + "\n";
    write_atomically(&dir.join("config.json"), text.as_bytes())?;
    write(&dir.join("model.safetensors"), &training.export()?)?;
    Ok(())
}

/// Scores the model as it was written, in float16.
fn rescore(dir: &Path, blocks: &Blocks, config: &PretrainConfig) -> Result<HeldOut> {
    let tokenizer = Tokenizer::load(dir)?;
    let model = LanguageModel::load(dir)?;
    let (special, settings) = (tokenizer.special(), &config.training);
    Ok(score(model, special, settings, &blocks.held_out)?)
}

/// Reports to TensorBoard, to a CSV file of the curve and to stderr.
struct Watch {
    events: EventWriter,
    curve: PathBuf,
    steps: usize,
    first: usize,
    started: Instant,
    told: Instant,
    failure: Option<anyhow::Error>,
}

impl Watch {
    fn new(out: &Path, step: usize, steps: usize) -> Result<Self> {
        let events = EventWriter::resume(&out.join("tensorboard"), step)?;
        let curve = out.join("curve.csv");
        let header = "step,tokens,loss,top1,top5\n".to_string();
        let kept = match std::fs::read_to_string(&curve) {
            Ok(text) => text
                .lines()
                .skip(1)
                .filter(|line| {
                    line.split(',')
                        .next()
                        .and_then(|s| s.parse().ok())
                        .is_some_and(|s: usize| s <= step)
                })
                .fold(header, |all, line| all + line + "\n"),
            Err(_) => header,
        };
        write_atomically(&curve, kept.as_bytes())?;
        let now = Instant::now();
        Ok(Watch {
            events,
            curve,
            steps,
            first: step,
            started: now,
            told: now,
            failure: None,
        })
    }

    fn report(&mut self, report: &PretrainReport, stop: &Stop) -> Control {
        if let Err(error) = self.record(report) {
            self.failure.get_or_insert(error);
        }
        if self.failure.is_some() || stop.stopped() {
            Control::Stop
        } else {
            Control::Continue
        }
    }

    fn record(&mut self, report: &PretrainReport) -> Result<()> {
        match report {
            PretrainReport::Step {
                step,
                loss,
                learning_rate,
                gradient_norm,
            } => {
                self.events.scalar("train/loss", *step, *loss)?;
                self.events.scalar("learning_rate", *step, *learning_rate)?;
                self.events.scalar("gradient_norm", *step, *gradient_norm)?;
                if self.told.elapsed() > Duration::from_secs(30) {
                    self.told = Instant::now();
                    let done = (step - self.first).max(1) as f64;
                    let left =
                        self.started.elapsed().as_secs_f64() / done * (self.steps - step) as f64;
                    remark(&format!(
                        "step {step}/{}: loss {loss:.3}, {:.0} minutes left",
                        self.steps,
                        left / 60.0
                    ));
                }
            }
            PretrainReport::HeldOut {
                step,
                tokens,
                scores,
            } => {
                self.events.scalar("held_out/loss", *step, scores.loss)?;
                self.events.scalar("held_out/top1", *step, scores.top1)?;
                self.events.scalar("held_out/top5", *step, scores.top5)?;
                self.events.flush()?;
                let mut file = std::fs::OpenOptions::new().append(true).open(&self.curve)?;
                let HeldOut { loss, top1, top5 } = scores;
                writeln!(file, "{step},{tokens},{loss:.4},{top1:.4},{top5:.4}")?;
                remark(&format!(
                    "step {step}: held-out loss {loss:.3}, top-1 {:.1} %, top-5 {:.1} %",
                    100.0 * top1,
                    100.0 * top5
                ));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.events.flush()?;
        match self.failure.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
