//! Probabilities and scores of examples.

use dart_data::Example;
use tch::{Device, Kind};

use super::{PREDICT_BATCH, Prediction, RunSpec, Scores, contexts};
use crate::build::Built;
use crate::error::Result;
use crate::lm::Mode;
use crate::metrics;
use crate::prompt::{Batch, Encoded};

/// The share of the inputs that were cut; 0 of none.
pub(crate) fn cut_share<'a>(inputs: impl IntoIterator<Item = &'a Encoded>) -> f64 {
    let (mut cut, mut all) = (0usize, 0usize);
    for input in inputs {
        cut += usize::from(input.truncated);
        all += 1;
    }
    cut as f64 / all.max(1) as f64
}

/// Probabilities `[classes]` of each example, in the order of the examples.
pub(crate) fn predict(built: &Built, examples: &[Encoded]) -> Result<Vec<Vec<f64>>> {
    let _no_grad = tch::no_grad_guard();
    if let Some(rows) = contexts::predict(built, examples)? {
        return Ok(rows);
    }
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.sort_by_key(|&i| (examples[i].ids.len(), i));
    let mut rows = vec![Vec::new(); examples.len()];
    for chunk in order.chunks(PREDICT_BATCH) {
        let batch: Vec<&Encoded> = chunk.iter().map(|&i| &examples[i]).collect();
        let batch = Batch::new(&batch, built.pad, built.device)?;
        let logits = built
            .classifier
            .logits(&batch, Mode::Evaluate)?
            .f_to_kind(Kind::Double)?;
        let probabilities = logits
            .f_softmax(-1, Kind::Double)?
            .f_to_device(Device::Cpu)?;
        for (row, &i) in chunk.iter().enumerate() {
            rows[i] = Vec::<f64>::try_from(&probabilities.f_get(row as i64)?)?;
        }
    }
    Ok(rows)
}

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
