//! What every model family is: word embeddings in, hidden states out.

use tch::{Device, Kind, Tensor};

use super::config::LmConfig;
use super::head::Layout;
use super::modules::Mode;
use super::params::Parameter;
use super::weights::Weights;
use crate::error::Result;

/// A batch without its words: which positions are real and which segment each belongs to.
pub struct Shape {
    /// `[batch, seq]` float, 1 at tokens and 0 at pads; pads stand at the end.
    pub keep: Tensor,
    /// `[batch, seq]` int64 segment ids; `None`: all 0.
    pub segments: Option<Tensor>,
}

impl Shape {
    /// Each position's row of `types` `[segments, D]`: `[batch, seq, D]`, or `[1, D]` for all.
    pub(super) fn segment_rows(&self, types: &Tensor) -> Result<Tensor> {
        Ok(match &self.segments {
            Some(ids) if types.size2()?.0 > 1 => Tensor::f_embedding(types, ids, -1, false, false)?,
            _ => types.f_narrow(0, 0, 1)?,
        })
    }
}

/// What `config.json` describes, or what is wrong with it.
pub(super) type Parsed = std::result::Result<(LmConfig, Box<dyn Blueprint>), String>;

/// What a family's `config.json` describes.
pub(super) trait Blueprint {
    /// Where the checkpoint keeps the vocabulary and the head.
    fn layout(&self, weights: &Weights) -> Layout;

    /// Takes the tensors between them, whose names start with `prefix`.
    fn backbone(&self, weights: &mut Weights, c: &LmConfig, prefix: &str) -> Box<dyn Backbone>;
}

/// Everything between the word embeddings and the hidden states that a head or a decoder reads.
pub(super) trait Backbone: Send {
    /// Hidden states `[batch, r, H]` at the positions `read` `[batch, r]`, from word embeddings
    /// `[batch, seq, D]`; at all positions where `read` is `None`. What only other positions need
    /// is not computed.
    fn forward(
        &self,
        words: &Tensor,
        shape: &Shape,
        read: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor>;

    /// Adds the weights in a fixed order, under their names in a checkpoint whose names start with
    /// `prefix`.
    fn list(&self, prefix: &str, into: &mut Vec<Parameter>);

    /// Moves the weights.
    fn to(&mut self, device: Device, kind: Kind) -> Result<()>;

    /// Computes the layers in this number format; LayerNorms keep that of the weights, and so does
    /// what `forward` gives.
    fn compute_in(&mut self, kind: Kind);

    /// Computes layers again in the backward pass instead of keeping what they computed.
    fn recompute(&mut self);

    /// The part of a backward pass that a loss's own backward pass leaves to recomputation.
    fn backward(&self) -> Result<()>;
}
