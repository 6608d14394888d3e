//! Where in a run a micro-batch stands.

use crate::rng::key;

/// The place of a micro-batch in a run: all that its randomness depends on.
#[derive(Clone, Copy, Debug)]
pub struct MicroStep {
    /// The run's seed.
    pub seed: u64,
    /// The step, from 0.
    pub step: u64,
    /// The micro-batch within the step.
    pub micro: u64,
}

impl MicroStep {
    /// Seeds libtorch's generator, which dropout draws from, for a forward pass (0: L_C, 1 + i: the
    /// i-th pass of the fluency constraint), so that a resumed run draws the same.
    pub(crate) fn seed_pass(self, pass: u64) {
        tch::manual_seed(key(self.seed, "dropout", &[self.step, self.micro, pass]) as i64);
    }
}
