//! AdamW (Loshchilov and Hutter, 2019) over our own ordered list, with its state in the open, so
//! that a run can be saved and resumed to the same bits.

use tch::{Device, Kind, Tensor};

use crate::error::{CoreError, Result};
use crate::lm::Parameter;

/// A trained parameter with its moments.
struct Slot {
    tensor: Tensor,
    first: Tensor,
    second: Tensor,
    decay: f64,
    /// Which of a step's learning rates it has.
    group: usize,
    /// Steps before which it stays as it is.
    held: u64,
}

/// β₁, β₂ and ε.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Betas {
    /// Decay of the first moment.
    pub first: f64,
    /// Decay of the second moment.
    pub second: f64,
    /// Added to the denominator.
    pub eps: f64,
}

impl Default for Betas {
    fn default() -> Self {
        Betas {
            first: 0.9,
            second: 0.999,
            eps: 1e-8,
        }
    }
}

/// The optimizer.
pub struct AdamW {
    slots: Vec<Slot>,
    betas: Betas,
    steps: u64,
}

impl AdamW {
    /// An optimizer over `parameters`, each with its weight decay and the group whose learning rate
    /// it has. Makes the tensors require gradients.
    ///
    /// # Errors
    /// libtorch's.
    pub fn new(parameters: &[(Parameter, f64, usize)], betas: Betas) -> Result<Self> {
        let mut slots = Vec::with_capacity(parameters.len());
        for (parameter, decay, group) in parameters {
            let tensor = parameter.tensor.f_set_requires_grad(true)?;
            slots.push(Slot {
                first: tensor.f_detach()?.f_zeros_like()?,
                second: tensor.f_detach()?.f_zeros_like()?,
                tensor,
                decay: *decay,
                group: *group,
                held: 0,
            });
        }
        Ok(AdamW {
            slots,
            betas,
            steps: 0,
        })
    }

    /// Leaves the parameters that `which` says alone for the first `steps` steps; their moments
    /// start then. Until then they have no gradient and no part in the norm.
    ///
    /// # Errors
    /// libtorch's.
    pub fn hold(&mut self, steps: u64, which: &[bool]) -> Result<()> {
        for (slot, _) in self.slots.iter_mut().zip(which).filter(|(_, held)| **held) {
            slot.held = steps;
        }
        self.grant_gradients()
    }

    /// Asks for gradients of what the next step moves.
    fn grant_gradients(&mut self) -> Result<()> {
        for slot in self.slots.iter_mut().filter(|slot| slot.held > 0) {
            let _ = slot.tensor.f_set_requires_grad(self.steps >= slot.held)?;
        }
        Ok(())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The global L2 norm of all gradients, in float64.
    ///
    /// # Errors
    /// libtorch's.
    pub fn gradient_norm(&self) -> Result<f64> {
        let mut sum = 0.0;
        // Reading a number waits for the device, so those on a GPU are read together.
        let mut there: Vec<Tensor> = Vec::new();
        for slot in &self.slots {
            let gradient = slot.tensor.f_grad()?;
            if !gradient.defined() {
                continue;
            }
            match gradient.device() {
                Device::Cpu => sum += square_sum(&gradient)?,
                _ => there.push(squares(&gradient)?),
            }
        }
        if !there.is_empty() {
            let all = Tensor::f_stack(&there, 0)?.f_sum(Kind::Double)?;
            sum += all.f_double_value(&[])?;
        }
        Ok(sum.sqrt())
    }

    /// One update with the learning rate of each group; gradients are multiplied by
    /// `min(1, clip / norm)` first. Returns the norm before clipping.
    ///
    /// A parameter that no loss has reached has a gradient of 0, whether or not an earlier step
    /// left it one to reset: a resumed run must not differ from an undisturbed one (PyTorch skips
    /// such a parameter).
    ///
    /// # Errors
    /// libtorch's; [`CoreError::Diverged`] where the norm is not finite; a group without a rate.
    pub fn step(&mut self, rates: &[f64], clip: f64) -> Result<f64> {
        let _no_grad = tch::no_grad_guard();
        let norm = self.gradient_norm()?;
        if !norm.is_finite() {
            return Err(CoreError::Diverged {
                step: self.steps + 1,
                norm,
            });
        }
        let scale = if norm > clip {
            clip / (norm + 1e-6)
        } else {
            1.0
        };
        self.steps += 1;
        for slot in self.slots.iter_mut().filter(|slot| slot.held < self.steps) {
            let mut gradient = slot.tensor.f_grad()?;
            if !gradient.defined() {
                gradient = slot.first.f_zeros_like()?;
            }
            let step = self.steps - slot.held;
            let Some(&rate) = rates.get(slot.group) else {
                let message = format!(
                    "group {} of the parameters has no learning rate",
                    slot.group
                );
                return Err(CoreError::Setting(message));
            };
            let update = Update::at(self.betas, step, rate, slot.decay);
            slot.update(&gradient, scale, &update)?;
        }
        self.grant_gradients()?;
        Ok(norm)
    }

    /// Forgets all gradients.
    pub fn zero_gradients(&mut self) {
        for slot in &mut self.slots {
            slot.tensor.zero_grad();
        }
    }

    /// Moments in the order of the parameters (first, second, first, …) for a checkpoint.
    pub fn state(&self) -> Vec<Tensor> {
        self.slots
            .iter()
            .flat_map(|s| [s.first.shallow_clone(), s.second.shallow_clone()])
            .collect()
    }

    /// Restores what [`AdamW::state`] gave.
    ///
    /// # Errors
    /// Another number of tensors, or other shapes.
    pub fn restore(&mut self, state: &[Tensor], steps: u64) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        let sizes = self
            .slots
            .iter()
            .flat_map(|s| [s.first.size(), s.second.size()]);
        if !sizes.eq(state.iter().map(Tensor::size)) {
            return Err(CoreError::State(
                "the optimizer's state is of another model".into(),
            ));
        }
        for (slot, pair) in self.slots.iter_mut().zip(state.chunks_exact(2)) {
            slot.first.f_copy_(&pair[0])?;
            slot.second.f_copy_(&pair[1])?;
        }
        self.steps = steps;
        self.grant_gradients()
    }
}

/// The numbers of one update.
struct Update {
    first: f64,
    second: f64,
    eps: f64,
    keep: f64,
    size: f64,
    root_correction: f64,
}

impl Update {
    fn at(betas: Betas, step: u64, rate: f64, decay: f64) -> Self {
        let step = step as i32;
        Update {
            first: betas.first,
            second: betas.second,
            eps: betas.eps,
            keep: 1.0 - rate * decay,
            size: rate / (1.0 - betas.first.powi(step)),
            root_correction: (1.0 - betas.second.powi(step)).sqrt(),
        }
    }
}

impl Slot {
    fn update(&mut self, gradient: &Tensor, scale: f64, u: &Update) -> Result<()> {
        if let (Some(p), Some(g), Some(m), Some(v)) = (
            values_mut(&mut self.tensor),
            values(gradient),
            values_mut(&mut self.first),
            values_mut(&mut self.second),
        ) {
            fused(p, g, m, v, scale, u);
            return Ok(());
        }
        let gradient = gradient.f_mul_scalar(scale)?;
        let _ = self.tensor.f_mul_scalar_(u.keep)?;
        let _ = self
            .first
            .f_mul_scalar_(u.first)?
            .f_add_(&gradient.f_mul_scalar(1.0 - u.first)?)?;
        let square = gradient.f_square()?.f_mul_scalar(1.0 - u.second)?;
        let _ = self.second.f_mul_scalar_(u.second)?.f_add_(&square)?;
        let root = self
            .second
            .f_sqrt()?
            .f_div_scalar(u.root_correction)?
            .f_add_scalar(u.eps)?;
        let _ = self
            .tensor
            .f_sub_(&self.first.f_div(&root)?.f_mul_scalar(u.size)?)?;
        Ok(())
    }
}

/// Number of values and their address, where a loop of ours can run over them.
fn memory(tensor: &Tensor) -> Option<(*mut f32, usize)> {
    let plain = tensor.device() == Device::Cpu
        && tensor.kind() == Kind::Float
        && tensor.is_contiguous()
        && tensor.numel() > 0;
    plain.then(|| (tensor.data_ptr().cast(), tensor.numel()))
}

/// The values of a contiguous float32 tensor in main memory.
fn values(tensor: &Tensor) -> Option<&[f32]> {
    // SAFETY: `memory` gives the tensor's own values, which live as long as it; nothing writes to
    // them meanwhile, since libtorch does so only in calls, and none is made while a slice lives.
    memory(tensor).map(|(start, count)| unsafe { std::slice::from_raw_parts(start, count) })
}

/// [`values`] to write to.
fn values_mut(tensor: &mut Tensor) -> Option<&mut [f32]> {
    // SAFETY: as for `values`; parameter, gradient and moments each have storage of their own, so
    // the slices of one update do not overlap.
    memory(tensor).map(|(start, count)| unsafe { std::slice::from_raw_parts_mut(start, count) })
}

/// One pass over memory in place of nine. Element by element, so bits do not depend on threads.
fn fused(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], scale: f64, u: &Update) {
    let (b1, b2) = (u.first as f32, u.second as f32);
    let (c1, c2) = ((1.0 - u.first) as f32, (1.0 - u.second) as f32);
    let (eps, keep, size) = (u.eps as f32, u.keep as f32, u.size as f32);
    let (scale, root) = (scale as f32, u.root_correction as f32);
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let g = g * scale;
        *m = b1 * *m + c1 * g;
        *v = b2 * *v + c2 * g * g;
        *p = *p * keep - size * (*m / (v.sqrt() / root + eps));
    }
}

/// The sum of the squares, as a number where the gradient is.
fn squares(gradient: &Tensor) -> Result<Tensor> {
    let squares = gradient.f_to_kind(Kind::Double)?.f_square()?;
    Ok(squares.f_sum(Kind::Double)?)
}

fn square_sum(gradient: &Tensor) -> Result<f64> {
    let Some(values) = values(gradient) else {
        return Ok(squares(gradient)?.f_double_value(&[])?);
    };
    let mut lanes = [0f64; 8];
    let chunks = values.chunks_exact(8);
    let rest: f64 = chunks
        .remainder()
        .iter()
        .map(|&x| f64::from(x).powi(2))
        .sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(x) * f64::from(x);
        }
    }
    Ok(lanes.iter().sum::<f64>() + rest)
}

/// Linear warm-up from 0 over `warmup` of the steps, then linear decay to 0: the factor of the
/// learning rate at `step`, counted from 0 (transformers' `get_linear_schedule_with_warmup`).
pub fn linear_schedule(step: usize, steps: usize, warmup: f64) -> f64 {
    linear_after(step, steps, (warmup * steps as f64).ceil() as usize)
}

/// [`linear_schedule`] with a warm-up of `rise` steps.
pub fn linear_after(step: usize, steps: usize, rise: usize) -> f64 {
    if step < rise {
        return step as f64 / rise.max(1) as f64;
    }
    (steps.saturating_sub(step)) as f64 / steps.saturating_sub(rise).max(1) as f64
}
