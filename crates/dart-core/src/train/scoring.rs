//! Scores of examples from their probabilities.

use dart_data::Example;

use super::report::{Prediction, Scores};
use super::spec::RunSpec;
use crate::metrics;

/// Scores of `examples` from their rows of probabilities; `truncated` is the share that was cut.
pub(super) fn scores(
    spec: &RunSpec,
    examples: &[Example],
    rows: Vec<Vec<f64>>,
    truncated: f64,
) -> Scores {
    let mut loss = 0.0;
    let mut predictions = Vec::with_capacity(examples.len());
    for (example, probabilities) in examples.iter().zip(rows) {
        let predicted = metrics::predicted(&probabilities);
        loss -= probabilities[example.label].max(f64::MIN_POSITIVE).ln() / examples.len() as f64;
        predictions.push(Prediction {
            row: example.row,
            gold: example.label,
            predicted,
            probabilities,
        });
    }
    let gold: Vec<usize> = predictions.iter().map(|p| p.gold).collect();
    let predicted: Vec<usize> = predictions.iter().map(|p| p.predicted).collect();
    let confidences: Vec<&[f64]> = predictions.iter().map(|p| &p.probabilities[..]).collect();
    let labels = &spec.task.labels;
    let relations = metrics::relations(labels);
    Scores {
        metric: metrics::score(&spec.task.metric, &gold, &predicted, labels),
        macro_f1: metrics::macro_f1(&gold, &predicted, labels.len()),
        directed_f1: relations
            .iter()
            .any(Option::is_some)
            .then(|| metrics::directed_macro_f1(&gold, &predicted, &relations)),
        calibration_error: metrics::calibration_error(&gold, &confidences),
        loss,
        truncated,
        predictions,
    }
}
