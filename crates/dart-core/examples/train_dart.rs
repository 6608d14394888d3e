//! Trains DART on 32 labelled reviews (16 to learn from, 16 to choose the best step by), writes the
//! classifier as a folder and classifies another review:
//! `cargo run -p dart-core --example train_dart -- models/minilm-mlm mine`

use std::error::Error;
use std::path::Path;

use dart_core::checkpoint::{Contents, Origin, load, save};
use dart_core::device::DeviceChoice::Cpu;
use dart_core::method::{LabelKind, TemplateKind};
use dart_core::settings::{MethodKind, Settings};
use dart_core::train::{RunSpec, fit, load_best};
use dart_data::{Catalog, Example};

const REVIEWS: &str = include_str!("reviews.tsv");

/// Trains on the language model in `model`, writes the new folder `out`, and gives the probabilities
/// of the two classes, negative and positive, for `text`.
pub fn train(model: &Path, out: &Path, text: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let catalog = Catalog::embedded()?;
    let task = catalog.task("sst-2")?; // "{a} It was [MASK] .", terrible or great
    let mut rows = Vec::new(); // a line is a label, a tab and a text; the classes take turns
    for (row, line) in REVIEWS.lines().enumerate() {
        let (label, text) = line.split_once('\t').ok_or("a line without a tab")?;
        rows.push(Example::of_text(row, text, (label == "positive").into()));
    }
    let (learn, dev) = rows.split_at(16);

    let mut settings = Settings::of(MethodKind::Prompt);
    (settings.template, settings.labels) = (TemplateKind::Pseudo, LabelKind::Pseudo);
    settings.fluency = Some(1.0);
    (settings.steps, settings.eval_every) = (20, 5);
    let (method, settings) = (settings.method(), settings.training());
    let spec = RunSpec::new(model, &method, &settings, task, 13);

    let state = tempfile::tempdir()?;
    let outcome = fit(&spec, learn, dev, state.path(), &mut ())?;
    let origin = Origin {
        spec: &spec,
        outcome: &outcome,
        run: "reviews",
        base: "minilm-mlm",
    };
    let best = load_best(&spec, state.path(), Cpu)?;
    save(&best, &origin, Contents::Model, out)?;
    let mut answers = load(out, None, Cpu)?.predict(&[Example::of_text(0, text, 0)])?;
    Ok(answers.remove(0))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, model, out] = args.as_slice() else {
        return Err("usage: train_dart MODEL OUT".into());
    };
    let text = "A joy from start to end.";
    let answer = train(Path::new(model), Path::new(out), text)?;
    println!("{text} (negative, positive) = {answer:.3?}");
    Ok(())
}
