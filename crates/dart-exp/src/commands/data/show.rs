//! `dart-exp data show`.

use anyhow::{Context, Result};
use clap::Args;
use dart_core::prompt::{InputEncoder, Template};
use dart_core::tokenizer::Tokenizer;
use dart_data::summary::{per_label, percentiles};
use dart_data::{Example, Shots, SplitRequest, Task};

use super::source::{Data, usage};
use crate::model::lookup::Model;
use crate::terminal::print::print;
use crate::terminal::progress::remark;

/// Percentages at which lengths are told.
const AT: [f64; 5] = [0.0, 50.0, 90.0, 99.0, 100.0];

/// How `data show` is called.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    data: Data,
    /// The task
    task: String,
    /// Training rows a class, or full
    #[arg(long, default_value_t)]
    k: Shots,
    /// Seed of the split
    #[arg(long, default_value_t = 13)]
    seed: u64,
    /// Language model whose tokens are counted: a name under models/ or of the Hugging Face hub, or
    /// a folder
    #[arg(long, value_name = "NAME|DIR", default_value = "minilm-mlm")]
    model: String,
    /// Longest input in tokens
    #[arg(long, default_value_t = 128)]
    max_length: usize,
    /// Examples a class
    #[arg(long, default_value_t = 1)]
    examples: usize,
}

/// Prints what the splits look like to the model.
pub fn run(args: &ShowArgs) -> Result<()> {
    let folder = args.data.folder()?;
    let catalog = args.data.catalog()?;
    let task = catalog.task(&args.task).map_err(usage)?;
    let splits = dart_data::load(task, &SplitRequest::new(&folder, args.k, args.seed))?;
    let model = Model::named(&args.model)?;
    let tokenizer = Tokenizer::load(&model).context("--model NAME|DIR names another model")?;
    let template = Template::parse(&task.template)?;
    let encoder = InputEncoder::prompt(&template, None, &tokenizer, args.max_length)?;
    // Lengths are told as they are before anything is cut.
    let whole = InputEncoder::prompt(&template, None, &tokenizer, usize::MAX)?;

    let mut text = format!("{} ({}), {}\n", task.title, task.name, task.metric_title());
    for (label, word) in task.labels.iter().zip(&task.words) {
        text += &format!("  label {label}: {word}\n");
    }
    text += &format!("template: {}\n", task.template);
    text += &format!("distribution: {}\n", splits.distribution);
    for (name, rows) in [
        ("train", &splits.train),
        ("dev", &splits.dev),
        ("test", &*splits.test),
    ] {
        if rows.is_empty() {
            text += &format!("{name}: none\n");
            continue;
        }
        text += &format!("{name}: {} rows: {}\n", rows.len(), counts(task, rows));
        let length = |row| Ok(whole.encode(row, &tokenizer)?.ids.len());
        let lengths: Vec<usize> = rows.iter().map(length).collect::<Result<_>>()?;
        let cut = lengths.iter().filter(|n| **n > args.max_length).count();
        let values = percentiles(lengths, &AT);
        let told = AT.iter().zip(values).map(|(p, n)| format!("{p}% {n}"));
        text += &format!(
            "  tokens with the prompt: {}; {:.1}% of the rows are truncated at {}\n",
            told.collect::<Vec<_>>().join(", "),
            100.0 * cut as f64 / rows.len() as f64,
            args.max_length
        );
    }
    for class in 0..task.labels.len() {
        let of_class = splits.train.iter().filter(|row| row.label == class);
        for example in of_class.take(args.examples) {
            let prompt = encoder.encode(example, &tokenizer)?.ids;
            let pieces: Vec<String> = prompt.iter().map(|id| tokenizer.token(*id)).collect();
            text += &format!("example of {}: {}\n", task.labels[class], example.text_a);
            if let Some(second) = &example.text_b {
                text += &format!("  and: {second}\n");
            }
            text += &format!("  prompt: {}\n", pieces.join(" ").replace(" ##", ""));
        }
    }
    print(&text)?;
    for warning in &splits.warnings {
        remark(&format!("note: {warning}"));
    }
    Ok(())
}

fn counts(task: &Task, rows: &[Example]) -> String {
    let counts = per_label(rows, task.labels.len());
    let cells = task.labels.iter().zip(counts);
    let cells: Vec<String> = cells.map(|(name, n)| format!("{name} {n}")).collect();
    cells.join(", ")
}
