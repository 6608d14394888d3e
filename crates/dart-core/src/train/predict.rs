//! Probabilities of examples: each by itself, or from several contexts.

use tch::{Device, Kind, Tensor};

use crate::build::Built;
use crate::error::Result;
use crate::lm::Mode;
use crate::prompt::{Batch, Encoded};

/// Examples a batch when only predicting, cut by length so that little is padded.
pub(crate) const PREDICT_BATCH: usize = 32;

/// Probabilities `[classes]` of each example, in the order of the examples.
pub(crate) fn predict(built: &Built, examples: &[Encoded]) -> Result<Vec<Vec<f64>>> {
    let _no_grad = tch::no_grad_guard();
    if let Some(rows) = in_contexts(built, examples)? {
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

/// Probabilities `[classes]` of each example from the mean of the logits over its contexts; `None`
/// for methods that have no contexts.
fn in_contexts(built: &Built, examples: &[Encoded]) -> Result<Option<Vec<Vec<f64>>>> {
    let mut rows = Vec::with_capacity(examples.len());
    for example in examples {
        let contexts = built.classifier.contexts(example);
        if contexts.is_empty() {
            return Ok(None);
        }
        let mut logits = Vec::new();
        for chunk in contexts.chunks(PREDICT_BATCH) {
            let batch: Vec<&Encoded> = chunk.iter().collect();
            let batch = Batch::new(&batch, built.pad, built.device)?;
            logits.push(built.classifier.logits(&batch, Mode::Evaluate)?);
        }
        let dims = Some([0i64].as_slice());
        let mean = Tensor::f_cat(&logits, 0)?.f_mean_dim(dims, false, Kind::Double)?;
        let probabilities = mean.f_softmax(-1, Kind::Double)?.f_to_device(Device::Cpu)?;
        rows.push(Vec::<f64>::try_from(&probabilities)?);
    }
    Ok(Some(rows))
}
