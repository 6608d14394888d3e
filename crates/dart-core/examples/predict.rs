//! Classifies texts with an exported classifier:
//! `cargo run -p dart-core --example predict -- mine "A joy from start to end."`

use std::path::Path;

use dart_core::Result;
use dart_core::checkpoint::load;
use dart_core::device::DeviceChoice;
use dart_core::metrics::predicted;
use dart_data::Example;

/// The label of each text.
pub fn classify(folder: &Path, texts: &[String]) -> Result<Vec<String>> {
    let classifier = load(folder, None, DeviceChoice::Cpu)?;
    let row = |text: &String| Example::of_text(0, text, 0);
    let rows: Vec<Example> = texts.iter().map(row).collect();
    let labels = &classifier.card.task.labels;
    let label = |probabilities: Vec<f64>| labels[predicted(&probabilities)].clone();
    let answers = classifier.predict(&rows)?; // for each text a probability a class
    Ok(answers.into_iter().map(label).collect())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, texts @ ..] = args.as_slice() else {
        eprintln!("usage: predict FOLDER TEXT…");
        std::process::exit(2);
    };
    for (label, text) in classify(Path::new(folder), texts)?.iter().zip(texts) {
        println!("{label}: {text}");
    }
    Ok(())
}
