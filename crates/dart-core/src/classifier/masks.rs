//! The words of a micro-batch that are masked, and where they are predicted.

use tch::{Device, Tensor};

use super::micro_step::MicroStep;
use crate::error::Result;
use crate::lm::indices;
use crate::method::{FluencyMask, FluencyMean};
use crate::prompt::{Batch, Encoded};
use crate::rng::Rng;

/// Masked words of a micro-batch.
pub(super) struct Masks {
    /// Positions of each example.
    positions: Vec<Vec<usize>>,
    /// The words that stood there.
    words: Vec<Vec<i64>>,
}

/// Where masked words are read, `widest` an example; examples with fewer repeat position 0 with
/// weight 0.
pub(super) struct Reading {
    /// `[batch, widest]` int64.
    pub positions: Tensor,
    /// `[batch · widest]` int64: the words.
    pub words: Tensor,
    /// `[batch · widest]`: the part of each loss in their mean.
    pub weights: Vec<f64>,
    /// Most masks of an example.
    pub widest: usize,
}

impl Masks {
    /// Draws the masks of each example.
    pub fn draw(examples: &[&Encoded], rule: FluencyMask, at: MicroStep) -> Self {
        let mut positions: Vec<Vec<usize>> = Vec::with_capacity(examples.len());
        for (i, example) in examples.iter().enumerate() {
            let mut rng = Rng::new(at.seed, "fluency mask", &[at.step, at.micro, i as u64]);
            let maskable = &example.maskable;
            positions.push(match rule {
                FluencyMask::One if maskable.is_empty() => Vec::new(),
                FluencyMask::One => vec![maskable[rng.below(maskable.len())]],
                FluencyMask::Rate(rate) => maskable
                    .iter()
                    .copied()
                    .filter(|_| rng.uniform() < rate)
                    .collect(),
                FluencyMask::Share(share) => {
                    let count = (maskable.len() as f64 * share) as usize;
                    let chosen = rng.choose(maskable.len(), count);
                    chosen.into_iter().map(|j| maskable[j]).collect()
                }
            });
        }
        let words = positions
            .iter()
            .zip(examples)
            .map(|(positions, e)| positions.iter().map(|&p| e.ids[p]).collect())
            .collect();
        Masks { positions, words }
    }

    /// Where the words are read, on `device`; `None` where nothing is masked.
    ///
    /// # Errors
    /// libtorch's.
    pub fn reading(&self, mean: FluencyMean, device: Device) -> Result<Option<Reading>> {
        let widest = self.positions.iter().map(Vec::len).max().unwrap_or(0);
        if widest == 0 {
            return Ok(None);
        }
        let size = self.positions.len();
        let all: usize = self.positions.iter().map(Vec::len).sum();
        let (mut read, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for (positions, words) in self.positions.iter().zip(&self.words) {
            let parts = match mean {
                FluencyMean::Examples => positions.len().max(1) * size,
                FluencyMean::Masks => all,
            };
            for i in 0..widest {
                read.push(positions.get(i).map_or(0, |&p| p as i64));
                targets.push(words.get(i).copied().unwrap_or(0));
                weights.push(match i < positions.len() {
                    true => 1.0 / parts as f64,
                    false => 0.0,
                });
            }
        }
        Ok(Some(Reading {
            positions: indices(&read, device)?.f_view([size as i64, widest as i64])?,
            words: indices(&targets, device)?,
            weights,
            widest,
        }))
    }

    /// The batch's ids with `mask` in the places of the words.
    ///
    /// # Errors
    /// libtorch's.
    pub fn hide(&self, batch: &Batch, mask: i64) -> Result<Tensor> {
        let seq = batch.ids.size2()?.1;
        let rows = self.positions.iter().enumerate();
        let flat: Vec<i64> = rows
            .flat_map(|(row, positions)| {
                positions.iter().map(move |&p| row as i64 * seq + p as i64)
            })
            .collect();
        let at = indices(&flat, batch.ids.device())?;
        let filled = batch.ids.f_reshape([-1])?.f_index_fill(0, &at, mask)?;
        Ok(filled.f_view([-1, seq])?)
    }
}

impl Reading {
    /// The mean of `losses` `[batch · widest]`, times `weight`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn mean(&self, losses: &Tensor, weight: f64) -> Result<Tensor> {
        let weights: Vec<f64> = self.weights.iter().map(|w| w * weight).collect();
        let weights = Tensor::f_from_slice(&weights)?
            .f_to_kind(losses.kind())?
            .f_to_device(losses.device())?;
        Ok(losses.f_mul(&weights)?.f_sum(losses.kind())?)
    }
}
