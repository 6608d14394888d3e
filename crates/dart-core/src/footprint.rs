//! How much memory a run will need, from the shapes in its model's files: before it starts, and
//! without reading a weight.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::error::{CoreError, Result};
use crate::lm::LmConfig;
use crate::lm::weights::Files;
use crate::method::{Embeddings, Fluency, FluencyMask, Method, TrainPart};
use crate::settings::{Precision, TrainSettings};
use crate::train::predict::PREDICT_BATCH;

/// What a process holds before it loads anything: the program, libtorch and its buffers.
const PROCESS: f64 = 200.0 * MIB;
const MIB: f64 = 1024.0 * 1024.0;

/// What a run needs, in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    /// The weights.
    pub weights: f64,
    /// Gradients, AdamW's two moments and the best weights so far.
    pub training: f64,
    /// What a forward pass keeps for its backward pass, with the logits of the fluency constraint.
    pub activations: f64,
    /// All of it at its largest, with the process itself.
    pub peak: f64,
}

/// Values of a model's tensors, by name.
struct Sizes(BTreeMap<String, f64>);

impl Sizes {
    fn read(dir: &Path) -> Result<Self> {
        let mut sizes = BTreeMap::new();
        for file in Files::of(dir)?.parts {
            sizes.extend(header(&file)?);
        }
        Ok(Sizes(sizes))
    }

    fn sum(&self, which: impl Fn(&str) -> bool) -> f64 {
        let chosen = self.0.iter().filter(|(name, _)| which(name));
        chosen.map(|(_, count)| count).sum()
    }
}

/// Names and sizes in a safetensors file, of which only the header is read.
fn header(path: &Path) -> Result<Vec<(String, f64)>> {
    #[derive(Deserialize)]
    struct Info {
        shape: Vec<u64>,
        data_offsets: (u64, u64),
    }
    let fail = |e: std::io::Error| CoreError::io(path, e);
    let incomplete = || CoreError::model(path, "not a complete safetensors file; fetch it again");
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    let mut length = [0u8; 8];
    file.read_exact(&mut length).map_err(|_| incomplete())?;
    let length = u64::from_le_bytes(length);
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).map_err(fail)?;
    let mut tensors: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&text).map_err(|_| incomplete())?;
    tensors.remove("__metadata__");
    let mut sizes = Vec::with_capacity(tensors.len());
    for (name, info) in tensors {
        let info: Info = serde_json::from_value(info).map_err(|_| incomplete())?;
        let end = length.saturating_add(8).saturating_add(info.data_offsets.1);
        if end > size {
            return Err(incomplete());
        }
        let values: f64 = info.shape.iter().map(|&n| n as f64).product();
        sizes.push((name, values));
    }
    Ok(sizes)
}

/// The memory footprint of a run on `classes` classes, about: `lengths` are its training inputs' tokens, the
/// longest first.
///
/// # Errors
/// A model folder that cannot be read.
pub fn estimate(
    model: &Path,
    method: &Method,
    settings: &TrainSettings,
    classes: usize,
    lengths: &[usize],
) -> Result<Footprint> {
    let config = LmConfig::read(model)?;
    let cut = settings.max_length.min(config.max_length());
    let lengths: Vec<usize> = lengths.iter().map(|n| (*n).min(cut)).collect();
    let longest = lengths.first().copied().unwrap_or(cut);
    let sizes = Sizes::read(model)?;
    let vocabulary = (config.vocab * config.embedding) as f64;
    let all = sizes.sum(|_| true);
    let biases = sizes.sum(|name| name.ends_with(".bias"));
    let (train, embeddings, fluency) = match method {
        Method::Prompt(m) => (m.train, m.embeddings, m.fluency.as_ref()),
        Method::Head(m) => (m.train, m.embeddings, None),
        Method::Sentence(m) => (m.train, m.embeddings, None),
        Method::Majority => (TrainPart::None, Embeddings::Frozen, None),
    };
    let mut trained = match train {
        TrainPart::Lm => all - vocabulary,
        TrainPart::Bitfit => biases,
        TrainPart::None | TrainPart::Prompt => 0.0,
    };
    if embeddings == Embeddings::Trained && train != TrainPart::None {
        trained += vocabulary;
    }
    let float = settings.precision.weights().elt_size_in_bytes() as f64;
    let weights = float * all;
    // Gradient, two moments, the best so far and, while that is replaced, the one before.
    let training = 5.0 * float * trained;
    let activations = match train {
        TrainPart::None => 0.0,
        _ => {
            // Tuning on pairs embeds two partners with each example (SentenceClassifier).
            let texts = if matches!(method, Method::Sentence(_)) {
                3
            } else {
                1
            };
            let tokens: usize = lengths.iter().take(settings.batch).sum();
            let shape = BatchShape::new(&config, texts * settings.batch, longest, texts * tokens);
            let layers = match settings.precision {
                // Half the size, and a copy of each weight in the same format.
                Precision::BFloat16 => 2.0 * (shape.kept(settings.recompute) + all - vocabulary),
                _ => float * shape.kept(settings.recompute),
            };
            layers + float * logits(&config, fluency, settings.batch, classes, longest)
        }
    };
    let rows = PREDICT_BATCH * longest;
    let predicting = float * BatchShape::new(&config, PREDICT_BATCH, longest, rows).one_layer();
    // Reading a file takes its bytes and its tensors.
    let loading = weights;
    let most = loading.max(training + activations.max(predicting));
    Ok(Footprint {
        weights: weights / MIB,
        training: training / MIB,
        activations: activations / MIB,
        peak: (PROCESS + weights + most) / MIB,
    })
}

/// A batch going through the layers.
struct BatchShape {
    batch: f64,
    seq: f64,
    /// Without pads.
    tokens: f64,
    hidden: f64,
    intermediate: f64,
    heads: f64,
    layers: f64,
    attention_dropout: bool,
}

impl BatchShape {
    fn new(config: &LmConfig, batch: usize, seq: usize, tokens: usize) -> Self {
        BatchShape {
            batch: batch as f64,
            seq: seq as f64,
            tokens: tokens as f64,
            hidden: config.hidden as f64,
            intermediate: config.intermediate as f64,
            heads: config.heads as f64,
            layers: config.layers as f64,
            attention_dropout: config.attention_dropout > 0.0,
        }
    }

    /// The values that one layer computes: of the hidden size 10 tensors of the tokens (context, residuals,
    /// LayerNorms, dropout's masks) and 4 with pads (queries, keys, values, context), 2 of the
    /// feed-forward's size, and where attention drops out, its weights, their mask and their
    /// product.
    fn one_layer(&self) -> f64 {
        let attention = match self.attention_dropout {
            true => 3.0 * self.batch * self.heads * self.seq * self.seq,
            false => 0.0,
        };
        let packed = self.tokens * (10.0 * self.hidden + 2.0 * self.intermediate);
        packed + 4.0 * self.batch * self.seq * self.hidden + attention
    }

    /// The values that the layers keep for the backward pass, and one layer's gradients; with
    /// recomputation, their inputs alone.
    fn kept(&self, recompute: bool) -> f64 {
        match recompute {
            true => self.layers * self.tokens * self.hidden + 2.0 * self.one_layer(),
            false => (self.layers + 1.0) * self.one_layer(),
        }
    }
}

/// Values of the logits over the vocabulary at the masked words, their gradients and what lies
/// between.
fn logits(
    config: &LmConfig,
    fluency: Option<&Fluency>,
    batch: usize,
    classes: usize,
    longest: usize,
) -> f64 {
    let Some(fluency) = fluency else { return 0.0 };
    let masked = match fluency.mask {
        FluencyMask::One => 1.0,
        FluencyMask::Rate(rate) => 2.0 + rate * longest as f64,
        FluencyMask::Share(share) => share * longest as f64,
    };
    let rows = config.vocab as f64 + classes as f64;
    4.0 * batch as f64 * masked * rows
}
