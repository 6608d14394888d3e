//! `dart-exp bench`: seconds of a training step and of evaluation, as one JSON object.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use dart_core::method::{
    Fluency, FluencyLabels, FluencyMask, LabelRows, Method, PromptMethod, TemplateRows,
};
use dart_core::train::{Precision, RunSpec, TrainSettings, time};
use dart_data::{OwnTask, Shots, SplitRequest, load};
use serde_json::json;

use crate::run::clock::peak_mib;
use crate::terminal::print::print;

/// What is timed: DART with one sampled label an example.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Folder of a masked language model
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Training rows: CSV, TSV or JSON lines
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// Rows to evaluate
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    /// Column of the text
    #[arg(long)]
    pub text: String,
    /// Column of the label
    #[arg(long)]
    pub label: String,
    /// Label values in the order of the classes
    #[arg(long, value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Label words in the order of the classes
    #[arg(long, value_delimiter = ',')]
    pub words: Vec<String>,
    /// Manual template
    #[arg(long)]
    pub template: String,
    /// Threads
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Examples a step
    #[arg(long, default_value_t = 8)]
    pub batch: usize,
    /// Test rows to evaluate
    #[arg(long, default_value_t = 200)]
    pub eval_rows: usize,
    /// Steps in all
    #[arg(long, default_value_t = 20)]
    pub steps: usize,
    /// First steps that are not timed
    #[arg(long, default_value_t = 3)]
    pub warm_up: usize,
    /// Learning rate
    #[arg(long, default_value_t = 1e-4)]
    pub learning_rate: f64,
    /// λ; 0 for L_C alone
    #[arg(long, default_value_t = 1.0)]
    pub fluency: f64,
    /// Share of the text's tokens masked by the fluency constraint
    #[arg(long, default_value_t = 0.1)]
    pub mask_rate: f64,
    /// Seed
    #[arg(long, default_value_t = 13)]
    pub seed: u64,
    /// float32, bfloat16 or float64
    #[arg(long, default_value = "float32", value_parser = precision)]
    pub precision: Precision,
}

fn precision(name: &str) -> Result<Precision, serde_json::Error> {
    serde_json::from_value(name.into())
}

/// Times and prints.
///
/// # Errors
/// Files or a model that cannot be read, or settings that do not work.
pub fn run(args: &BenchArgs) -> Result<()> {
    let here = std::env::current_dir().context("the current folder is gone")?;
    let own: OwnTask = serde_json::from_value(json!({
        "train": args.train,
        "dev": args.train,
        "test": args.test,
        "text": args.text,
        "label": args.label,
        "labels": args.labels,
        "template": args.template,
        "words": args.words,
        "no_quotes": args.train.extension().is_some_and(|e| e == "tsv"),
    }))?;
    let task = own.task(&here)?;
    let mut splits = load(
        &task,
        &SplitRequest::new(Path::new("."), Shots::Full, args.seed),
    )?;
    Arc::make_mut(&mut splits.test).truncate(args.eval_rows);
    let method = Method::Prompt(PromptMethod {
        template: TemplateRows::PSEUDO,
        labels: LabelRows::PSEUDO,
        fluency: (args.fluency > 0.0).then_some(Fluency {
            weight: args.fluency,
            labels: FluencyLabels::Sampled,
            mask: FluencyMask::Rate(args.mask_rate),
            ..Fluency::default()
        }),
        ..PromptMethod::default()
    });
    let settings = TrainSettings {
        learning_rate: args.learning_rate,
        batch: args.batch,
        steps: args.steps,
        warmup: 0.0,
        eval_every: args.steps,
        threads: args.threads,
        precision: args.precision,
        ..TrainSettings::default()
    };
    let spec = RunSpec {
        model: &args.model,
        method: &method,
        settings: &settings,
        task: &task,
        seed: args.seed,
        demonstrations: None,
    };
    let timing = time(&spec, &splits.train, &splits.test, args.warm_up)?;
    let mut object = serde_json::to_value(timing)?;
    object["peak_mib"] = json!(peak_mib());
    print(&format!("{object}\n"))
}
