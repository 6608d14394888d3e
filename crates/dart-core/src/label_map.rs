//! Where training took the label embeddings: a plane to draw them in, and the words that they came
//! to lie next to.

use std::path::Path;

use tch::{Kind, Tensor};

use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, indices, weights};
use crate::method::LabelPieces;
use crate::prompt::Verbalizer;
use crate::tokenizer::Tokenizer;

/// The pseudo rows' name among a fit's weights.
const ROWS: &str = "pseudo.rows";
/// Over the rows.
const DOWN: Option<&[i64]> = Some(&[0]);
/// Over the columns.
const ACROSS: Option<&[i64]> = Some(&[1]);

/// Label words and learned label rows, by the two directions in which they differ most.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelMap {
    /// The label words' rows, `[classes]`.
    pub words: Vec<[f64; 2]>,
    /// The learned rows, `[runs][classes]`.
    pub learned: Vec<Vec<[f64; 2]>>,
    /// Share of the variance that the plane shows.
    pub explained: f64,
    /// Cosine of each class's mean learned row with its word's row.
    pub cosine: Vec<f64>,
    /// The vocabulary's tokens nearest to each class's mean learned row, by cosine.
    pub nearest: Vec<Vec<String>>,
}

/// Copies the pseudo rows of a finished fit's weights to `to`, some kilobytes; `false` where the fit
/// has none.
///
/// # Errors
/// Weights that cannot be read, or a file that cannot be written.
pub fn keep_rows(best: &Path, to: &Path) -> Result<bool> {
    let mut tensors = read(best)?;
    tensors.retain(|(name, _)| name == ROWS);
    if tensors.is_empty() {
        return Ok(false);
    }
    weights::write(to, &tensors.into_iter().collect())?;
    Ok(true)
}

fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    Tensor::read_safetensors(path).map_err(|e| CoreError::model(path, e.to_string()))
}

/// The map of runs whose rows [`keep_rows`] kept, each row a class of `words`; `near` tokens are
/// looked up for each class.
///
/// # Errors
/// A model or a file that cannot be read, or rows of another model or task.
pub fn label_map(
    model: &Path,
    words: &[String],
    pieces: LabelPieces,
    runs: &[impl AsRef<Path>],
    near: usize,
) -> Result<LabelMap> {
    let tokenizer = Tokenizer::load(model)?;
    let table = LanguageModel::load(model)?.embeddings; // [V, D]
    let verbalizer = Verbalizer::new(words, pieces, &tokenizer)?;
    let classes = words.len() as i64;
    let mut rows = Vec::new();
    for ids in &verbalizer.pieces {
        let ids = indices(ids, table.device())?;
        rows.push(
            table
                .f_index_select(0, &ids)?
                .f_mean_dim(DOWN, true, Kind::Float)?,
        );
    }
    let start = Tensor::f_cat(&rows, 0)?; // [classes, D]
    let mut all = vec![start.shallow_clone()];
    for run in runs {
        let run = run.as_ref();
        let (_, learned) = read(run)?
            .pop()
            .ok_or_else(|| CoreError::model(run, "has no tensor"))?;
        let size = learned.size();
        if size.len() != 2 || size[0] < classes || size[1] != table.size()[1] {
            let message = format!("rows of shape {size:?} are of another model or task");
            return Err(CoreError::model(run, message));
        }
        // The labels stand after the template.
        all.push(learned.f_narrow(0, size[0] - classes, classes)?);
    }
    let count = all.len() as i64;
    let points = Tensor::f_cat(&all, 0)?.f_to_kind(Kind::Double)?;
    let (plane, explained) = principal_plane(&points)?;
    let mut parts = plane.chunks(words.len()).map(<[_]>::to_vec);
    let mean = points
        .f_narrow(0, classes, (count - 1) * classes)?
        .f_view([count - 1, classes, -1])?
        .f_mean_dim(DOWN, false, Kind::Double)?; // [classes, D]
    let unit = |rows: &Tensor| -> Result<Tensor> {
        let norm = rows
            .f_norm_scalaropt_dim(2.0, 1, true)?
            .f_clamp_min(1e-12)?;
        Ok(rows.f_div(&norm)?)
    };
    let (unit_mean, unit_start) = (unit(&mean)?, unit(&start.f_to_kind(Kind::Double)?)?);
    let along = unit_mean
        .f_mul(&unit_start)?
        .f_sum_dim_intlist(ACROSS, false, Kind::Double)?;
    let vocabulary = unit(&table.f_to_kind(Kind::Double)?)?;
    let likeness = unit_mean.f_matmul(&vocabulary.f_tr()?)?; // [classes, V]
    let (_, ids) = likeness.f_topk(near as i64, 1, true, true)?;
    let mut nearest = Vec::new();
    for class in 0..classes {
        let ids = Vec::<i64>::try_from(&ids.f_get(class)?)?;
        nearest.push(ids.into_iter().map(|id| tokenizer.token(id)).collect());
    }
    Ok(LabelMap {
        words: parts.next().unwrap_or_default(),
        learned: parts.collect(),
        explained,
        cosine: Vec::<f64>::try_from(&along)?,
        nearest,
    })
}

/// Coordinates of points `[n, D]` along their first two principal components (Pearson, 1901), each
/// signed so that the point farthest out is on the positive side, and the share of the variance
/// that they show.
fn principal_plane(points: &Tensor) -> Result<(Vec<[f64; 2]>, f64)> {
    let centred = points.f_sub(&points.f_mean_dim(DOWN, true, Kind::Double)?)?;
    let (u, s, _) = centred.f_svd(true, true)?;
    let variances = Vec::<f64>::try_from(&s.f_square()?)?;
    let total: f64 = variances.iter().sum();
    let scores = Vec::<Vec<f64>>::try_from(&u.f_mul(&s)?)?; // [n, min(n, D)]
    let axis = |c: usize| -> Vec<f64> {
        let values: Vec<f64> = scores
            .iter()
            .map(|row| row.get(c).copied().unwrap_or(0.0))
            .collect();
        let far = values
            .iter()
            .fold(0.0_f64, |far, v| if v.abs() > far.abs() { *v } else { far });
        let sign = if far < 0.0 { -1.0 } else { 1.0 };
        values.into_iter().map(|v| sign * v).collect()
    };
    let (x, y) = (axis(0), axis(1));
    let shown: f64 = variances.iter().take(2).sum();
    let explained = if total > 0.0 { shown / total } else { 1.0 };
    Ok((
        x.into_iter().zip(y).map(|(x, y)| [x, y]).collect(),
        explained,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(rows: &[[f64; 3]]) -> (Vec<[f64; 2]>, f64) {
        let flat: Vec<f64> = rows.iter().flatten().copied().collect();
        let points = Tensor::from_slice(&flat).view([rows.len() as i64, 3]);
        principal_plane(&points).unwrap()
    }

    #[test]
    fn points_of_a_plane_keep_their_distances() {
        // In the plane z = x + y + 1.
        let rows = [
            [0.0, 0.0, 1.0],
            [4.0, 0.0, 5.0],
            [0.0, 1.0, 2.0],
            [3.0, 2.0, 6.0],
        ];
        let (plane, explained) = plane(&rows);
        assert!((explained - 1.0).abs() < 1e-12);
        for a in 0..rows.len() {
            for b in 0..rows.len() {
                let there: f64 = (0..3).map(|i| (rows[a][i] - rows[b][i]).powi(2)).sum();
                let here: f64 = (0..2).map(|i| (plane[a][i] - plane[b][i]).powi(2)).sum();
                assert!((there - here).abs() < 1e-9, "{a} {b}");
            }
        }
        let spread = |c: usize| plane.iter().map(|p| p[c] * p[c]).sum::<f64>();
        assert!(spread(0) >= spread(1));
    }

    #[test]
    fn components_are_numpy_s() {
        // numpy 1.26: u * s of linalg.svd of the centred rows, signed as above.
        let rows = [
            [1.0, 2.0, 0.5],
            [2.0, 1.0, 0.0],
            [5.0, 4.0, 1.0],
            [7.0, 9.0, 0.0],
        ];
        let (plane, explained) = plane(&rows);
        let expected = [
            [-3.255631080611028, -0.9289521811217868],
            [-3.4422530022710465, 0.28286487231129664],
            [0.7446039698096297, 1.1321440807542562],
            [5.953280113072447, -0.4860567719437662],
        ];
        assert!((explained - 0.9913356620497679).abs() < 1e-9);
        for (ours, theirs) in plane.iter().zip(expected) {
            assert!((ours[0] - theirs[0]).abs() < 1e-9, "{ours:?} {theirs:?}");
            assert!((ours[1] - theirs[1]).abs() < 1e-9, "{ours:?} {theirs:?}");
        }
    }
}
