//! Additive attention masks: 0 where a query may look, the lowest finite value elsewhere.
//!
//! Every query must see a key: of a row that is hidden whole, libtorch's memory-efficient attention
//! on GPUs makes NaN, however finite the row is. Pads are queries too.

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

/// What the queries at `queries` `[1 or batch, n]` see of `keep` `[batch, seq]`: the tokens that are
/// at most `width` away, `[batch, 1, n, seq]`. Each sees itself too: a pad may have no token near.
pub(super) fn window(keep: &Tensor, queries: &Tensor, width: i64, kind: Kind) -> Result<Tensor> {
    let apart = distances(queries, keep.size2()?.1)?.f_abs()?;
    let tokens = keep.f_to_kind(Kind::Bool)?.f_unsqueeze(1)?;
    let near = apart.f_le(width)?.f_logical_and(&tokens)?;
    additive(&near.f_logical_or(&apart.f_eq(0)?)?.f_unsqueeze(1)?, kind)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the mask of two examples, one much shorter, lets the queries look.
    fn seen(queries: &Tensor, width: i64, kind: Kind) -> Tensor {
        let keep = Tensor::from_slice2(&[[1f32; 9], [1., 1., 0., 0., 0., 0., 0., 0., 0.]]);
        let mask = window(&keep, queries, width, kind).unwrap();
        assert_eq!(mask.kind(), kind);
        assert!(bool::try_from(mask.isfinite().all()).unwrap());
        mask.eq(0.0).squeeze_dim(1)
    }

    #[test]
    fn a_window_hides_no_row_whole() {
        for kind in [Kind::Float, Kind::Double, Kind::BFloat16] {
            let everywhere = query_positions(None, 9, Device::Cpu).unwrap();
            for width in [0, 1, 3] {
                let seen = seen(&everywhere, width, kind);
                let some = seen.any_dim(-1, false).all();
                assert!(bool::try_from(some).unwrap(), "{kind:?} {width}");
            }
        }
    }

    #[test]
    fn a_window_shows_the_tokens_near_and_pads_to_themselves_alone() {
        let read = Tensor::from_slice2(&[[0i64, 5], [1, 5]]);
        let found = |example: i64, query: i64| -> Vec<i64> {
            let row = seen(&read, 2, Kind::Float).get(example).get(query);
            Vec::try_from(&row.nonzero().view([-1])).unwrap()
        };
        assert_eq!(found(0, 0), [0, 1, 2]);
        assert_eq!(found(0, 1), [3, 4, 5, 6, 7]);
        assert_eq!(found(1, 0), [0, 1], "no pad is seen by a token");
        assert_eq!(found(1, 1), [5], "a pad without a token near");
    }
}
