//! Class discrimination L_C (paper, section 3.2).

use tch::{Reduction, Tensor};

use crate::error::Result;

/// Cross-entropy of `logits` `[batch, n]` for `targets` `[batch]` (int64), the batch's mean. Over
/// the label rows n is the number of classes; over all of V* the targets are vocabulary ids.
///
/// # Errors
/// libtorch's.
pub fn class_loss(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    Ok(logits.f_cross_entropy_loss::<Tensor>(targets, None, Reduction::Mean, -100, 0.0)?)
}
