//! `dart-exp predict`: one's own texts through an exported classifier.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use dart_core::CoreError;
use dart_core::checkpoint::{CARD, Card, load};
use dart_core::device::DeviceChoice;
use dart_core::files::write_atomically;
use dart_data::layout::{Column, Read};
use dart_data::{Kind, read_unlabelled};

use crate::commands::data::source::Written;
use crate::model::lookup::Model;
use crate::terminal::failure::Usage;
use crate::terminal::print::print;

/// How `predict` is called.
#[derive(Clone, Debug, Args)]
pub struct PredictArgs {
    /// Folder that `export` wrote
    #[arg(long, value_name = "DIR")]
    pub checkpoint: PathBuf,
    /// CSV, TSV or JSON lines
    pub file: PathBuf,
    /// Column of the texts: a name, or a position from 0 where there is no header; for relations
    /// with their two entities marked as <e1>…</e1> and <e2>…</e2>
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    pub text: Column,
    /// Column of the second texts, for a task of pairs [default: text_b]
    #[arg(long, value_name = "COLUMN")]
    pub text_b: Option<Column>,
    #[command(flatten)]
    pub written: Written,
    /// The CSV file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The language model that a prompt alone was trained on, where it is no longer in its place
    #[arg(long, value_name = "NAME|DIR")]
    pub model: Option<String>,
    /// cpu, auto or cuda:N
    #[arg(long, default_value = "cpu")]
    pub device: DeviceChoice,
}

/// Writes a row a text: its row in the file, its label, a probability per class.
///
/// # Errors
/// A folder that is no checkpoint, or a file that cannot be read.
pub fn run(args: &PredictArgs) -> Result<()> {
    let base = args.model.as_deref().map(Model::named).transpose()?;
    let checkpoint = load(&args.checkpoint, base.as_deref(), args.device)
        .map_err(|error| with_remedy(error, &args.checkpoint))?;
    let text_b = second_text(args, &checkpoint.card)?;
    let mut read = args.written.of(Read::texts(args.text.clone(), text_b));
    read.marked = checkpoint.card.task.kind == Kind::Relation;
    let examples = read_unlabelled(&args.file, &read)?;
    let labels = &checkpoint.card.task.labels;
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = labels.iter().map(|label| format!("p_{label}"));
    csv.write_record(
        ["row".to_owned(), "predicted".to_owned()]
            .into_iter()
            .chain(columns),
    )?;
    for (example, probabilities) in examples.iter().zip(checkpoint.predict(&examples)?) {
        let best = dart_core::metrics::predicted(&probabilities);
        let mut cells = vec![example.row.to_string(), labels[best].clone()];
        cells.extend(probabilities.iter().map(f64::to_string));
        csv.write_record(&cells)?;
    }
    let bytes = csv.into_inner().context("encoding predictions")?;
    match &args.out {
        Some(path) => Ok(write_atomically(path, &bytes)?),
        None => print(&String::from_utf8(bytes).context("encoding predictions")?),
    }
}

/// Why a checkpoint cannot be loaded, with what to do about it.
fn with_remedy(error: CoreError, checkpoint: &Path) -> anyhow::Error {
    if matches!(error, CoreError::MissingBase { .. }) {
        return anyhow!("{error}; name its folder with --model");
    }
    match checkpoint.join(CARD).is_file() {
        true => error.into(),
        false => anyhow!("{error}; give a folder that `dart-exp export` wrote"),
    }
}

/// The column of the second texts, which a task of pairs needs and no other can use.
fn second_text(args: &PredictArgs, card: &Card) -> Result<Option<Column>> {
    match (card.task.kind, &args.text_b) {
        (Kind::Pair, given) => Ok(Some(given.clone().unwrap_or(Column::Name("text_b".into())))),
        (_, Some(_)) => {
            let why = "is no task of pairs; leave --text-b out";
            Err(Usage(format!("{}: {why}", card.task.title)).into())
        }
        (_, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_that_cannot_be_loaded_comes_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let told = |error| with_remedy(error, folder.path()).to_string();
        let damaged = || CoreError::model(folder.path(), "damaged");
        assert!(told(damaged()).ends_with("; give a folder that `dart-exp export` wrote"));
        std::fs::write(folder.path().join(CARD), "{}").unwrap();
        assert!(told(damaged()).ends_with(": damaged"));
        let gone = CoreError::MissingBase {
            folder: "gone".into(),
            name: "tiny".into(),
        };
        assert!(told(gone).ends_with("; name its folder with --model"));
    }
}
