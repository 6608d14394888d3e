//! The way of every family: word embeddings, layers one after another, hidden states; and what
//! holds for all of them: the layers' number format and their recomputation.

use tch::{Device, Kind, Tensor};

use super::backbone::{Backbone, Shape};
use super::modules::{Mode, in_kind};
use super::packing::Packing;
use super::params::Parameter;
use super::recompute::Tape;
use crate::error::Result;

/// One way of a batch through the layers.
pub(super) struct Pass {
    pub packing: Packing,
    /// Positions `[batch, r]` that are read; the last layer computes no others.
    pub read: Option<Tensor>,
    pub mode: Mode,
    /// Whether layers are computed again in the backward pass: then weights reach a layer in the
    /// layer itself, and not through a view that all layers share.
    pub recomputed: bool,
}

/// A family's layers and what stands before and behind them.
pub(super) trait Stack: Send {
    /// What all layers see beside their input: masks, positions.
    type View: Send;

    /// Number of layers.
    fn depth(&self) -> usize;

    /// Embeddings `[tokens, H]` from word embeddings `[batch, seq, D]`.
    fn embed(&self, words: &Tensor, shape: &Shape, pass: &Pass) -> Result<Tensor>;

    /// For layers that compute in `kind`.
    fn view(&self, shape: &Shape, pass: &Pass, kind: Kind) -> Result<Self::View>;

    /// Layer `i`: `[tokens, H]` from `x` `[tokens, H]`; from the last one, where positions are
    /// read, `[batch × r, H]`. Computes in the number format of `x`.
    fn layer(&self, i: usize, x: &Tensor, pass: &Pass, view: &Self::View) -> Result<Tensor>;

    /// What stands behind the last layer.
    fn finish(&self, x: Tensor) -> Result<Tensor> {
        Ok(x)
    }

    /// As [`Backbone::list`].
    fn list(&self, prefix: &str, into: &mut Vec<Parameter>);

    /// As [`Backbone::to`].
    fn to(&mut self, device: Device, kind: Kind) -> Result<()>;
}

/// A stack that computes.
pub(super) struct Stacked<S: Stack> {
    stack: S,
    /// The number format of the layers; `None`: that of the weights.
    compute: Option<Kind>,
    /// Where layers are computed again in the backward pass.
    tape: Option<Tape<(Pass, S::View)>>,
}

impl<S: Stack> Stacked<S> {
    pub fn new(stack: S) -> Self {
        Stacked {
            stack,
            compute: None,
            tape: None,
        }
    }
}

impl<S: Stack> Backbone for Stacked<S> {
    fn forward(
        &self,
        words: &Tensor,
        shape: &Shape,
        read: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        let tape = self.tape.as_ref().filter(|_| mode == Mode::Train);
        let pass = Pass {
            packing: Packing::new(&shape.keep)?,
            read: read.map(Tensor::shallow_clone),
            mode,
            recomputed: tape.is_some(),
        };
        let packing = pass.packing.share();
        let x = self.stack.embed(words, shape, &pass)?;
        let outer = x.kind();
        let x = in_kind(&x, self.compute.unwrap_or(outer))?;
        let view = self.stack.view(shape, &pass, x.kind())?;
        let depth = self.stack.depth();
        let x = match tape {
            Some(tape) => tape.forward(x, depth, (pass, view), |i, x, (pass, view)| {
                self.stack.layer(i, x, pass, view)
            })?,
            None => (0..depth).try_fold(x, |x, i| self.stack.layer(i, &x, &pass, &view))?,
        };
        packing.unpack(&self.stack.finish(in_kind(&x, outer)?)?, read)
    }

    fn backward(&self) -> Result<()> {
        match &self.tape {
            Some(tape) => tape.backward(|i, x, (pass, view)| self.stack.layer(i, x, pass, view)),
            None => Ok(()),
        }
    }

    fn compute_in(&mut self, kind: Kind) {
        self.compute = Some(kind);
    }

    fn recompute(&mut self) {
        self.tape = Some(Tape::new());
    }

    fn list(&self, prefix: &str, into: &mut Vec<Parameter>) {
        self.stack.list(prefix, into);
    }

    fn to(&mut self, device: Device, kind: Kind) -> Result<()> {
        self.stack.to(device, kind)
    }
}
