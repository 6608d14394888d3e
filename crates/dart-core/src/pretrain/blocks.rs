//! Text cut into blocks, and words hidden in them.

use tch::{Device, Tensor};

use super::settings::PretrainSettings;
use crate::error::{CoreError, Result};
use crate::lm::indices;
use crate::rng::Rng;
use crate::tokenizer::Special;

/// Blocks of token ids, `[CLS]` and `[SEP]` included, all of one length.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// What is trained on.
    pub train: Vec<Vec<i64>>,
    /// What is scored.
    pub held_out: Vec<Vec<i64>>,
}

impl Blocks {
    /// Cuts each file's token ids into blocks, shuffles them with the seed and holds out the first
    /// `max(8, share)` of each file. What is left over at a file's end is dropped.
    pub fn cut(files: &[Vec<i64>], special: Special, settings: &PretrainSettings) -> Self {
        let inner = settings.block.saturating_sub(2).max(1);
        let mut blocks = Blocks::default();
        for ids in files {
            let mut cut: Vec<Vec<i64>> = ids
                .chunks_exact(inner)
                .map(|chunk| {
                    let mut block = vec![special.cls];
                    block.extend_from_slice(chunk);
                    block.push(special.sep);
                    block
                })
                .collect();
            Rng::new(settings.seed, "held-out", &[]).shuffle(&mut cut);
            let held = ((cut.len() as f64 * settings.held_out) as usize)
                .max(8)
                .min(cut.len());
            blocks.held_out.extend(cut.drain(..held));
            blocks.train.append(&mut cut);
        }
        blocks
    }
}

/// A batch with words hidden.
pub(super) struct Masked {
    /// `[batch, block]` int64.
    pub ids: Tensor,
    /// `[batch, count]`: positions to predict.
    pub read: Tensor,
    /// `[batch × count]`: the tokens that stood there.
    pub targets: Tensor,
}

/// Hides `rate` of the tokens of each block (the same number in each): 80 % become `[MASK]` (id V,
/// the free row), 10 % a random token, 10 % stay (Devlin et al., section 3.1).
pub(super) fn hide(
    blocks: &[&Vec<i64>],
    rate: f64,
    special: Special,
    vocab: i64,
    rng: &mut Rng,
) -> Result<Masked> {
    let (mut ids, mut read, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    let length = blocks.first().map_or(0, |b| b.len());
    let inner = length.saturating_sub(2);
    let count = ((inner as f64 * rate).round() as usize).clamp(1, inner.max(1));
    for block in blocks {
        let mut hidden = (*block).clone();
        for i in rng.choose(inner, count) {
            let position = i + 1;
            read.push(position as i64);
            targets.push(block[position]);
            let lot = rng.uniform();
            if lot < 0.8 {
                hidden[position] = special.mask;
            } else if lot < 0.9 {
                hidden[position] = rng.below(vocab as usize) as i64;
            }
        }
        ids.extend(
            hidden
                .into_iter()
                .map(|id| if id == special.mask { vocab } else { id }),
        );
    }
    let batch = blocks.len() as i64;
    Ok(Masked {
        ids: indices(&ids, Device::Cpu)?.f_view([batch, length as i64])?,
        read: indices(&read, Device::Cpu)?.f_view([batch, count as i64])?,
        targets: indices(&targets, Device::Cpu)?,
    })
}

/// log((count + 1) / (all + V)) of each token, `[V]`.
pub(super) fn log_frequencies(blocks: &[Vec<i64>], vocab: i64) -> Result<Tensor> {
    let mut counts = vec![1f64; vocab as usize];
    for &id in blocks.iter().flatten() {
        match counts.get_mut(id as usize) {
            Some(count) => *count += 1.0,
            None => {
                return Err(CoreError::Unsupported(format!(
                    "the model has no token {id}"
                )));
            }
        }
    }
    let total: f64 = counts.iter().sum();
    let logs: Vec<f32> = counts.iter().map(|c| (c / total).ln() as f32).collect();
    Ok(Tensor::f_from_slice(&logs)?)
}
