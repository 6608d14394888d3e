//! Recomputation (Chen et al., 2016): a forward pass keeps the input of each layer alone, and the
//! backward pass computes each layer again, so that memory holds one layer's intermediate values
//! instead of all.

use std::cell::RefCell;

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::rng::key;

/// Forward passes whose backward pass is still to come. `C` is what the layers need beside their
/// input.
pub(super) struct Tape<C> {
    passes: RefCell<Vec<Pass<C>>>,
}

struct Pass<C> {
    /// What the first layer was given, with its history.
    start: Tensor,
    /// The input of each layer, without history.
    inputs: Vec<Tensor>,
    /// What the last layer gave, as a leaf that collects its gradient.
    out: Tensor,
    context: C,
    seed: u64,
}

impl<C> Tape<C> {
    pub fn new() -> Self {
        Tape {
            passes: RefCell::new(Vec::new()),
        }
    }

    /// Runs the layers on `start` without history; `run(i, x, context)` is layer i.
    ///
    /// Dropout's seed of each layer depends on the generator's state here, which the caller seeds
    /// by step, micro-batch and pass.
    pub fn forward(
        &self,
        start: Tensor,
        layers: usize,
        context: C,
        run: impl Fn(usize, &Tensor, &C) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let draw = Tensor::f_randint(i64::MAX, [1], (Kind::Int64, tch::Device::Cpu))?;
        let seed = draw.f_int64_value(&[0])? as u64;
        let mut inputs = Vec::with_capacity(layers);
        let mut x = start.f_detach()?;
        {
            let _no_grad = tch::no_grad_guard();
            for i in 0..layers {
                seed_layer(seed, i);
                let next = run(i, &x, &context)?;
                inputs.push(std::mem::replace(&mut x, next));
            }
        }
        let out = x.f_detach()?.f_set_requires_grad(true)?;
        self.passes.borrow_mut().push(Pass {
            start,
            inputs,
            out: out.shallow_clone(),
            context,
            seed,
        });
        Ok(out)
    }

    /// Carries the gradients that a loss's backward pass has left at the outputs through the layers
    /// and on to what stands before them.
    pub fn backward(&self, run: impl Fn(usize, &Tensor, &C) -> Result<Tensor>) -> Result<()> {
        for pass in self.passes.take().into_iter().rev() {
            let mut gradient = pass.out.f_grad()?;
            if !gradient.defined() {
                continue;
            }
            for (i, input) in pass.inputs.iter().enumerate().rev() {
                let x = input.f_detach()?.f_set_requires_grad(true)?;
                seed_layer(pass.seed, i);
                push(&run(i, &x, &pass.context)?, &gradient)?;
                gradient = x.f_grad()?.f_detach()?;
            }
            if pass.start.requires_grad() {
                push(&pass.start, &gradient)?;
            }
        }
        Ok(())
    }
}

fn seed_layer(seed: u64, layer: usize) {
    tch::manual_seed(key(seed, "layer", &[layer as u64]) as i64);
}

/// Backward from `y`, whose gradient is given: that of the sum of their product.
fn push(y: &Tensor, gradient: &Tensor) -> Result<()> {
    Ok(y.f_mul(gradient)?.f_sum(y.kind())?.f_backward()?)
}
