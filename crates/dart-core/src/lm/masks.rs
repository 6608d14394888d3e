//! Additive attention masks: 0 where a query may look, the lowest finite value elsewhere. (Rows
//! that may look nowhere stay finite, so no gradient becomes NaN.)

use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// 0 at tokens, the lowest finite value at pads: `[batch, 1, 1, seq]`.
pub(super) fn pads(keep: &Tensor, kind: Kind) -> Result<Tensor> {
    let pad = keep.f_to_kind(kind)?.f_rsub_scalar(1)?;
    Ok(pad
        .f_mul_scalar(lowest(kind))?
        .f_unsqueeze(1)?
        .f_unsqueeze(1)?)
}

/// The mask of `visible`, a boolean tensor.
pub(super) fn additive(visible: &Tensor, kind: Kind) -> Result<Tensor> {
    let zeros = Tensor::f_zeros(visible.size(), (kind, visible.device()))?;
    Ok(zeros.f_masked_fill(&visible.f_logical_not()?, lowest(kind))?)
}

/// Where the queries stand: `read` `[batch, r]`, or all positions `[1, seq]`.
pub(super) fn query_positions(read: Option<&Tensor>, seq: i64, device: Device) -> Result<Tensor> {
    match read {
        Some(read) => Ok(read.shallow_clone()),
        None => Ok(Tensor::f_arange(seq, (Kind::Int64, device))?.f_unsqueeze(0)?),
    }
}

/// Query position less key position, `[1 or batch, n, seq]`, of `queries` `[1 or batch, n]`.
pub(super) fn distances(queries: &Tensor, seq: i64) -> Result<Tensor> {
    let keys = Tensor::f_arange(seq, (Kind::Int64, queries.device()))?;
    Ok(queries.f_unsqueeze(-1)?.f_sub(&keys)?)
}

fn lowest(kind: Kind) -> f64 {
    match kind {
        Kind::Half => -65504.0,
        Kind::BFloat16 => -3.389_531_389_251_535_5e38,
        Kind::Double => f64::MIN,
        _ => f64::from(f32::MIN),
    }
}
