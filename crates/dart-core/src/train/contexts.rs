//! Prediction from several contexts an example.

use tch::{Device, Kind, Tensor};

use super::PREDICT_BATCH;
use crate::build::Built;
use crate::error::Result;
use crate::lm::Mode;
use crate::prompt::{Batch, Encoded};

/// Probabilities `[classes]` of each example from the mean of the logits over its contexts; `None`
/// for methods that have no contexts.
pub(super) fn predict(built: &Built, examples: &[Encoded]) -> Result<Option<Vec<Vec<f64>>>> {
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
