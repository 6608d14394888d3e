//! Hidden states as heads, and heads as hidden states.

use tch::Tensor;

use super::packing::Packing;
use crate::error::Result;

/// `[batch, seq, H] → [batch, heads, seq, H / heads]`
pub(super) fn split_heads(x: &Tensor, heads: i64) -> Result<Tensor> {
    let (batch, seq, hidden) = x.size3()?;
    Ok(x.f_view([batch, seq, heads, hidden / heads])?
        .f_transpose(1, 2)?)
}

/// `[batch, heads, n, H / heads]` → `[tokens, H]`, or `[batch × r, H]` where n are the positions
/// `read`.
pub(super) fn merge_heads(
    context: &Tensor,
    packing: &Packing,
    read: Option<&Tensor>,
) -> Result<Tensor> {
    let context = context.f_transpose(1, 2)?.f_flatten(2, 3)?;
    match read {
        None => packing.pack(&context),
        Some(_) => Ok(context.f_flatten(0, 1)?),
    }
}
