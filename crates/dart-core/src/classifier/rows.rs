//! What pseudo rows start from: rows of the vocabulary, or random ones.

use tch::Tensor;

use crate::error::Result;
use crate::lm::{LanguageModel, indices};
use crate::rng::Rng;

/// Rows of E and decoder biases, the mean over each list of ids: `[k, D]`, `[k]`.
pub(super) fn mean_rows(lm: &LanguageModel, sources: &[Vec<i64>]) -> Result<(Tensor, Tensor)> {
    let (mut rows, mut biases) = (Vec::new(), Vec::new());
    for ids in sources {
        let at = indices(ids, lm.device())?;
        let (row, bias) = (
            lm.embeddings.f_index_select(0, &at)?,
            lm.bias.f_index_select(0, &at)?,
        );
        let dims = Some([0i64].as_slice());
        rows.push(row.f_mean_dim(dims, false, row.kind())?);
        biases.push(bias.f_mean_dim(dims, false, bias.kind())?);
    }
    Ok((Tensor::f_stack(&rows, 0)?, Tensor::f_stack(&biases, 0)?))
}

/// Normal rows with the mean and the per-component standard deviation of E, and E's mean bias.
pub(super) fn random_rows(
    lm: &LanguageModel,
    count: usize,
    seed: u64,
    purpose: &str,
) -> Result<(Tensor, Tensor)> {
    let size = lm.config.embedding;
    let options = (lm.embeddings.kind(), lm.device());
    let mut rng = Rng::new(seed, purpose, &[]);
    let draws: Vec<f64> = (0..count as i64 * size).map(|_| rng.normal()).collect();
    let draws = Tensor::f_from_slice(&draws)?.f_view([count as i64, size])?;
    let draws = draws.f_to_kind(options.0)?.f_to_device(options.1)?;
    let dims = Some([0i64].as_slice());
    let mean = lm.embeddings.f_mean_dim(dims, true, options.0)?;
    let deviation = lm.embeddings.f_std_dim(dims, true, true)?;
    let rows = draws.f_mul(&deviation)?.f_add(&mean)?;
    let bias = lm
        .bias
        .f_mean(options.0)?
        .f_expand([count as i64], false)?
        .f_contiguous()?;
    Ok((rows, bias))
}

/// Rows uniform within the largest absolute value of the vocabulary's rows from `first` on, one for
/// each, with their biases.
pub(super) fn uniform_rows(
    lm: &LanguageModel,
    first: i64,
    count: usize,
    seed: u64,
    purpose: &str,
) -> Result<(Tensor, Tensor)> {
    let size = lm.config.embedding;
    let mut rng = Rng::new(seed, purpose, &[]);
    let draws: Vec<f64> = (0..count as i64 * size)
        .map(|_| 2.0 * rng.uniform() - 1.0)
        .collect();
    let draws = Tensor::f_from_slice(&draws)?
        .f_view([count as i64, size])?
        .f_to_kind(lm.embeddings.kind())?
        .f_to_device(lm.device())?;
    let overwritten = lm.embeddings.f_narrow(0, first, count as i64)?;
    let largest = overwritten.f_abs()?.f_amax([1i64].as_slice(), true)?; // [count, 1]
    let bias = lm.bias.f_narrow(0, first, count as i64)?;
    Ok((draws.f_mul(&largest)?, bias))
}
