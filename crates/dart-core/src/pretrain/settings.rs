//! What masked-token training is told and what it reports.

use serde::{Deserialize, Serialize};

use crate::rng::key;

/// Settings of masked-token training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainSettings {
    /// Tokens a block, `[CLS]` and `[SEP]` included.
    pub block: usize,
    /// Share of each file's blocks that is held out (at least 8 blocks).
    pub held_out: f64,
    /// Blocks a step.
    pub batch: usize,
    /// Optimizer steps.
    pub steps: usize,
    /// Share of a block's tokens that is to be predicted, at the first step.
    pub mask_rate: f64,
    /// The same at the last step; linear between.
    pub mask_rate_end: f64,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Share of the steps in which the learning rate rises.
    pub warmup: f64,
    /// AdamW's β₁.
    pub beta1: f64,
    /// AdamW's β₂.
    pub beta2: f64,
    /// AdamW's ε.
    pub eps: f64,
    /// Weight decay of the matrices.
    pub weight_decay: f64,
    /// Largest global gradient norm.
    pub clip: f64,
    /// Weight of the head's LayerNorm at the start: the scale of the first logits.
    pub head_scale: f64,
    /// Steps between evaluations on the held-out blocks.
    pub eval_every: usize,
    /// Steps between saves of the state that a stopped run goes on from.
    pub save_every: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Intra-op threads.
    pub threads: usize,
}

impl PretrainSettings {
    /// Key of the settings and of what they are used on, so that a state is never taken for another
    /// run's. A run may go on with another number of threads, though then its bits are no longer
    /// those of an undisturbed one.
    pub(super) fn identity(&self, content: u64) -> i64 {
        let settings = PretrainSettings {
            threads: 1,
            ..self.clone()
        };
        key(self.seed, &format!("{settings:?}"), &[content]) as i64
    }
}

/// What a step or an evaluation reports.
#[derive(Clone, Debug)]
pub enum PretrainReport {
    /// After an optimizer step.
    Step {
        /// Steps done.
        step: usize,
        /// Cross-entropy of the batch.
        loss: f64,
        /// Learning rate.
        learning_rate: f64,
        /// Gradient norm before clipping.
        gradient_norm: f64,
    },
    /// After scoring the held-out blocks.
    HeldOut {
        /// Steps done.
        step: usize,
        /// Tokens trained on so far.
        tokens: usize,
        /// Scores.
        scores: HeldOut,
    },
}

/// Scores on the held-out blocks at the tokens to predict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Cross-entropy.
    pub loss: f64,
    /// Share of tokens whose top candidate is right.
    pub top1: f64,
    /// Share of tokens that are among the five top candidates.
    pub top5: f64,
}
