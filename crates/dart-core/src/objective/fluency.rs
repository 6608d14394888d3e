//! The fluency constraint L_F (paper, section 3.3): a masked word of the input must be predictable
//! under the true label and not under wrong ones.

use tch::{Kind, Tensor};

use crate::error::Result;

/// Binary cross-entropy of p = softmax(logits)\[target\] at each masked position: `[m]`.
///
/// `logits` `[m, V*]`, `targets` `[m]` (int64, the masked words), `wanted` `[m]` (1 under the true
/// label, 0 under a wrong one).
///
/// With R = log Σ exp over all entries but the target and d = z − R, −log p = softplus(−d) and
/// −log(1 − p) = softplus(d): accurate, with finite gradients, however close p comes to 0 or 1.
/// Computed in float32 or wider.
///
/// # Errors
/// libtorch's.
pub fn masked_word_loss(logits: &Tensor, targets: &Tensor, wanted: &Tensor) -> Result<Tensor> {
    let logits = match logits.kind() {
        Kind::Half | Kind::BFloat16 => logits.f_to_kind(Kind::Float)?,
        _ => logits.shallow_clone(),
    };
    let targets = targets.f_unsqueeze(1)?;
    let word = logits.f_gather(1, &targets, false)?; // [m, 1]
    let others = logits.f_scatter_value(1, &targets, f64::NEG_INFINITY)?;
    let rest = others.f_logsumexp([1i64].as_slice(), true)?; // [m, 1]
    let d = word.f_sub(&rest)?.f_squeeze_dim(1)?;
    let signs = wanted
        .f_to_kind(d.kind())?
        .f_mul_scalar(-2.0)?
        .f_add_scalar(1.0)?;
    let x = d.f_mul(&signs)?;
    // softplus(x) = log(e^x + e^0)
    Ok(x.f_logaddexp(&x.f_zeros_like()?)?)
}
