//! Batches: encoded examples padded to their longest.

use tch::{Device, Tensor};

use super::encoded::Encoded;
use crate::error::Result;
use crate::lm::{Shape, indices};

/// A padded batch.
pub struct Batch {
    /// `[batch, seq]` int64.
    pub ids: Tensor,
    /// Which positions are real, and segments.
    pub shape: Shape,
    /// `[batch, 1]` int64: the position of `[MASK]` (or `[CLS]`).
    pub slots: Tensor,
    /// `[batch]` int64: the true classes.
    pub labels: Tensor,
}

impl Batch {
    /// Pads `examples` to their longest with `pad`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn new(examples: &[&Encoded], pad: i64, device: Device) -> Result<Self> {
        let batch = examples.len() as i64;
        let seq = examples.iter().map(|e| e.ids.len()).max().unwrap_or(0);
        let (mut ids, mut segments, mut keep) = (Vec::new(), Vec::new(), Vec::new());
        for example in examples {
            let n = example.ids.len();
            ids.extend(&example.ids);
            ids.resize(ids.len() + seq - n, pad);
            segments.extend(&example.segments);
            segments.resize(segments.len() + seq - n, 0);
            keep.resize(keep.len() + n, 1f32);
            keep.resize(keep.len() + seq - n, 0f32);
        }
        let slots: Vec<i64> = examples.iter().map(|e| e.slot as i64).collect();
        let labels: Vec<i64> = examples.iter().map(|e| e.label as i64).collect();
        let shape = [batch, seq as i64];
        let segments = match segments.iter().any(|&s| s != 0) {
            true => Some(indices(&segments, device)?.f_view(shape)?),
            false => None,
        };
        Ok(Batch {
            ids: indices(&ids, device)?.f_view(shape)?,
            shape: Shape {
                keep: Tensor::f_from_slice(&keep)?
                    .f_to_device(device)?
                    .f_view(shape)?,
                segments,
            },
            slots: indices(&slots, device)?.f_view([batch, 1])?,
            labels: indices(&labels, device)?,
        })
    }
}
