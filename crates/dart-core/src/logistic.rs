//! Multinomial logistic regression with an L2 penalty, by Newton's method in float64.
//!
//! Minimises C Σ −log p(y|x) + ½‖W‖² over W and an intercept without penalty, which is what
//! scikit-learn's `LogisticRegression` does; as there, two classes share one vector (the first
//! class's logit is 0). The Newton direction is found by conjugate gradients, so that no Hessian is
//! stored.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::indices;

/// Most Newton steps; the problem is convex, and ten or so serve.
const STEPS: usize = 200;
/// Most conjugate-gradient steps for one direction.
const INNER: usize = 1000;
/// Largest entry of the gradient, relative to the first one, at which the search ends.
const TOLERANCE: f64 = 1e-10;
/// Intercept of a class that no training example has: never predicted, and still a number.
const NEVER: f64 = -1e9;

/// A fitted regression; logits are `weight · x + bias`.
#[derive(Debug)]
pub struct Logistic {
    /// `[classes, H]` float64.
    pub weight: Tensor,
    /// `[classes]` float64.
    pub bias: Tensor,
}

/// Fits `labels` (below `classes`) to the rows of `x` `[rows, H]` with inverse penalty `c`. A class
/// without a row gets probability 0.
///
/// # Errors
/// libtorch's.
pub fn fit(x: &Tensor, labels: &[usize], classes: usize, c: f64) -> Result<Logistic> {
    let _no_grad = tch::no_grad_guard();
    let x = x
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Double)?;
    let size = x.size2()?.1;
    let present: Vec<usize> = (0..classes).filter(|y| labels.contains(y)).collect();
    let options = (Kind::Double, Device::Cpu);
    let weight = Tensor::f_zeros([classes as i64, size], options)?;
    let bias = Tensor::f_full([classes as i64], NEVER, options)?;
    let at: Vec<i64> = present.iter().map(|&y| y as i64).collect();
    let at = indices(&at, Device::Cpu)?;
    let solution = Tensor::f_zeros([size + 1, present.len() as i64], options)?;
    if present.len() > 1 {
        let places: Vec<i64> = labels
            .iter()
            .map(|y| present.iter().position(|p| p == y).unwrap_or(0) as i64)
            .collect();
        let problem = Problem::new(&x, &places, present.len() as i64, c)?;
        let free = problem.solve()?;
        // Two classes have one column, the second class's.
        let first = solution.size()[1] - free.size()[1];
        solution
            .f_narrow(1, first, free.size()[1])?
            .f_copy_(&free)?;
    }
    let solution = solution.f_tr()?; // [present, H + 1]
    Ok(Logistic {
        weight: weight.f_index_copy(0, &at, &solution.f_narrow(1, 0, size)?)?,
        bias: bias.f_index_copy(0, &at, &solution.f_select(1, size)?)?,
    })
}

/// The penalised loss over coefficients A `[H + 1, r]`, the last row being the intercepts.
struct Problem {
    /// `[rows, H + 1]`, the last column being ones.
    x: Tensor,
    /// `[rows, n]`, one 1 a row.
    truth: Tensor,
    /// `[H + 1, 1]`, 0 at the intercept.
    penalised: Tensor,
    c: f64,
    classes: i64,
}

impl Problem {
    fn new(x: &Tensor, labels: &[i64], classes: i64, c: f64) -> Result<Self> {
        let (rows, size) = x.size2()?;
        let options = (Kind::Double, Device::Cpu);
        let x = Tensor::f_cat(&[x, &Tensor::f_ones([rows, 1], options)?], 1)?;
        let truth = indices(labels, Device::Cpu)?
            .f_one_hot(classes)?
            .f_to_kind(Kind::Double)?;
        let penalised = Tensor::f_ones([size + 1, 1], options)?;
        let _ = penalised.f_get(size)?.f_zero_()?;
        Ok(Problem {
            x,
            truth,
            penalised,
            c,
            classes,
        })
    }

    fn columns(&self) -> i64 {
        if self.classes == 2 { 1 } else { self.classes }
    }

    /// `[rows, n]` of `[rows, r]`: with two classes, 0 for the first.
    fn whole(&self, part: &Tensor) -> Result<Tensor> {
        Ok(match self.classes {
            2 => Tensor::f_cat(&[&part.f_zeros_like()?, part], 1)?,
            _ => part.shallow_clone(),
        })
    }

    /// The gradient's form of `[rows, n]`: `[H + 1, r]`.
    fn back(&self, whole: &Tensor) -> Result<Tensor> {
        let part = whole.f_narrow(1, self.classes - self.columns(), self.columns())?;
        Ok(self.x.f_tr()?.f_matmul(&part)?.f_mul_scalar(self.c)?)
    }

    fn loss(&self, a: &Tensor) -> Result<f64> {
        let logits = self.whole(&self.x.f_matmul(a)?)?;
        let log = logits.f_log_softmax(1, Kind::Double)?;
        let fit = dot(&log, &self.truth)? * -self.c;
        Ok(fit + 0.5 * dot(&a.f_mul(&self.penalised)?, a)?)
    }

    /// Probabilities `[rows, n]` and the gradient `[H + 1, r]`.
    fn gradient(&self, a: &Tensor) -> Result<(Tensor, Tensor)> {
        let p = self
            .whole(&self.x.f_matmul(a)?)?
            .f_softmax(1, Kind::Double)?;
        let gradient = self
            .back(&p.f_sub(&self.truth)?)?
            .f_add(&a.f_mul(&self.penalised)?)?;
        Ok((p, gradient))
    }

    /// The Hessian at probabilities `p` times `v`, `[H + 1, r]`.
    fn curvature(&self, p: &Tensor, v: &Tensor) -> Result<Tensor> {
        let pu = self.whole(&self.x.f_matmul(v)?)?.f_mul(p)?; // [rows, n]
        let total = pu.f_sum_dim_intlist(Some([1i64].as_slice()), true, Kind::Double)?;
        self.back(&pu.f_sub(&p.f_mul(&total)?)?)?
            .f_add(&v.f_mul(&self.penalised)?)
            .map_err(Into::into)
    }

    /// A descent direction: the Hessian's inverse times −`gradient`, to a tolerance that falls with
    /// the gradient.
    fn direction(&self, p: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let norm = dot(gradient, gradient)?.sqrt();
        let goal = norm * norm.sqrt().min(0.1);
        let mut d = gradient.f_zeros_like()?;
        let mut rest = gradient.f_neg()?;
        let mut way = rest.copy();
        let mut square = norm * norm;
        for _ in 0..INNER {
            let curved = self.curvature(p, &way)?;
            let bend = dot(&way, &curved)?;
            if square.sqrt() <= goal || bend <= 0.0 {
                break;
            }
            let step = square / bend;
            d = d.f_add(&way.f_mul_scalar(step)?)?;
            rest = rest.f_sub(&curved.f_mul_scalar(step)?)?;
            let next = dot(&rest, &rest)?;
            way = rest.f_add(&way.f_mul_scalar(next / square)?)?;
            square = next;
        }
        Ok(d)
    }

    /// The coefficients of least loss.
    fn solve(&self) -> Result<Tensor> {
        let shape = [self.x.size2()?.1, self.columns()];
        let mut a = Tensor::f_zeros(shape, (Kind::Double, Device::Cpu))?;
        let mut loss = self.loss(&a)?;
        let mut first = None;
        for _ in 0..STEPS {
            let (p, gradient) = self.gradient(&a)?;
            let largest = gradient.f_abs()?.f_max()?.f_double_value(&[])?;
            if largest <= TOLERANCE * *first.get_or_insert(largest) {
                break;
            }
            let d = self.direction(&p, &gradient)?;
            let slope = dot(&d, &gradient)?;
            let mut step = 1.0;
            let moved = loop {
                let next = a.f_add(&d.f_mul_scalar(step)?)?;
                let next_loss = self.loss(&next)?;
                if next_loss <= loss + 1e-4 * step * slope {
                    break Some((next, next_loss));
                }
                step *= 0.5;
                // What is left to gain is below rounding.
                if step < 1e-10 {
                    break None;
                }
            };
            let Some(moved) = moved else { break };
            (a, loss) = moved;
        }
        Ok(a)
    }
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(a.f_mul(b)?.f_sum(Kind::Double)?.f_double_value(&[])?)
}
