//! Free rows beside a frozen vocabulary (the paper's gradient masking): ids from V on mean rows of
//! P, and only P has gradients.

use tch::Tensor;

use crate::error::Result;

/// Word embeddings `[.., D]` of `ids` `[..]`: rows of E `[V, D]` below V, rows of P `[p, D]` from V
/// on. Where P is empty, ids are below V.
///
/// # Errors
/// libtorch's.
pub fn lookup(embeddings: &Tensor, pseudo: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let mut shape = ids.size();
    let (vocab, size) = embeddings.size2()?;
    let flat = ids.f_reshape([-1])?;
    shape.push(size);
    if pseudo.size()[0] == 0 {
        return Ok(embeddings
            .f_index_select(0, &flat)?
            .f_view(shape.as_slice())?);
    }
    let frozen = embeddings.f_index_select(0, &flat.f_clamp_max(vocab - 1)?)?;
    let free = pseudo.f_index_select(0, &flat.f_sub_scalar(vocab)?.f_clamp_min(0)?)?;
    let is_free = flat.f_ge(vocab)?.f_unsqueeze(1)?;
    Ok(free
        .f_where_self(&is_free, &frozen)?
        .f_view(shape.as_slice())?)
}
