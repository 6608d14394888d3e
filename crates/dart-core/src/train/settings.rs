//! How a run is optimised.

use serde::{Deserialize, Serialize};
use tch::Kind;

use crate::error::{CoreError, Result};

/// Optimisation settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Peak learning rate of the pseudo rows; `None`: `learning_rate`.
    pub pseudo_learning_rate: Option<f64>,
    /// Examples a micro-batch.
    pub batch: usize,
    /// Micro-batches a step.
    pub accumulation: usize,
    /// Optimizer steps.
    pub steps: usize,
    /// Share of the steps in which the learning rate rises linearly from 0.
    pub warmup: f64,
    /// AdamW's decoupled weight decay; never on biases and LayerNorms, and on embeddings and pseudo
    /// rows only with `decay_embeddings`.
    pub weight_decay: f64,
    /// Largest global gradient norm.
    pub clip: f64,
    /// Steps between evaluations on dev (the last step is always evaluated).
    pub eval_every: usize,
    /// Evaluations without improvement after which training stops, counted from the end of
    /// `prompt_first`; `None`: never.
    pub patience: Option<usize>,
    /// Longest input in tokens.
    pub max_length: usize,
    /// Intra-op threads of libtorch (part of a run's identity: bits depend on it).
    pub threads: usize,
    /// `auto`, `cpu` or `cuda:N`.
    pub device: String,
    /// The number format of the computation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// Whether a backward pass computes each layer again instead of keeping what it computed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recompute: bool,
    /// Share of the steps, the first, in which only the pseudo rows (and their encoder) are trained.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prompt_first: f64,
    /// Weight decay on embeddings and pseudo rows too, as the reference implementation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub decay_embeddings: bool,
}

/// Settings that came later are not written where they are as they always were: a run's identity
/// is made of what is written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The number format of a run's computation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// float32 throughout.
    #[default]
    Float32,
    /// The layers in bfloat16; weights, gradients, optimizer, LayerNorms, logits and losses in
    /// float32. Fast on GPUs and on processors with avx512_bf16 or amx, slow on others.
    BFloat16,
    /// float64 throughout, to check others by.
    Float64,
}

impl Precision {
    /// The format in which weights are kept and losses computed.
    pub fn weights(self) -> Kind {
        match self {
            Precision::Float32 | Precision::BFloat16 => Kind::Float,
            Precision::Float64 => Kind::Double,
        }
    }
}

impl Default for TrainSettings {
    /// 20 epochs of 16 examples for each of four classes, on one thread.
    fn default() -> Self {
        TrainSettings {
            learning_rate: 1e-4,
            pseudo_learning_rate: None,
            batch: 8,
            accumulation: 1,
            steps: 160,
            warmup: 0.05,
            weight_decay: 0.01,
            clip: 1.0,
            eval_every: 20,
            patience: None,
            max_length: 128,
            threads: 1,
            device: "cpu".into(),
            precision: Precision::Float32,
            recompute: false,
            prompt_first: 0.0,
            decay_embeddings: false,
        }
    }
}

impl TrainSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// Names the setting, its value and what it must be.
    pub fn check(&self) -> Result<()> {
        let counts = [
            ("batch", self.batch),
            ("accumulation", self.accumulation),
            ("steps", self.steps),
            ("eval_every", self.eval_every),
            ("patience", self.patience.unwrap_or(1)),
        ];
        for (key, value) in counts {
            ensure(value >= 1, key, value, "at least 1")?;
        }
        check_threads(self.threads)?;
        let positive = [
            ("learning_rate", self.learning_rate),
            (
                "pseudo_learning_rate",
                self.pseudo_learning_rate.unwrap_or(self.learning_rate),
            ),
            ("clip", self.clip),
        ];
        for (key, value) in positive {
            let fits = value > 0.0 && value.is_finite();
            ensure(fits, key, value, "above 0 and finite")?;
        }
        let decay = self.weight_decay;
        let fits = decay >= 0.0 && decay.is_finite();
        ensure(fits, "weight_decay", decay, "at least 0 and finite")?;
        for (key, value) in [("warmup", self.warmup), ("prompt_first", self.prompt_first)] {
            let fits = (0.0..1.0).contains(&value);
            ensure(fits, key, value, "at least 0 and below 1")?;
        }
        // [CLS], a token, [SEP], a token, [SEP].
        let longest = self.max_length;
        ensure(longest >= 5, "max_length", longest, "at least 5")
    }
}

/// Most threads that a run can ask for: libtorch starts as many as it is told.
const MOST_THREADS: usize = 1024;

/// Refuses numbers of threads that libtorch cannot compute with.
fn check_threads(threads: usize) -> Result<()> {
    let fits = (1..=MOST_THREADS).contains(&threads);
    ensure(fits, "threads", threads, "from 1 to 1024")
}

/// Lets libtorch compute with so many threads from now on.
///
/// # Errors
/// A number that it cannot compute with, which it would panic at.
pub(crate) fn set_threads(threads: usize) -> Result<()> {
    check_threads(threads)?;
    tch::set_num_threads(threads as i32);
    Ok(())
}

fn ensure(fits: bool, key: &str, value: impl std::fmt::Display, wanted: &str) -> Result<()> {
    match fits {
        true => Ok(()),
        false => Err(CoreError::Setting(format!(
            "{key} is {value}; it must be {wanted}"
        ))),
    }
}
