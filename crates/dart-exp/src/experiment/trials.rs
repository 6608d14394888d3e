//! The runs that the points of a search come to.

use crate::experiment::definition::Choice;
use crate::experiment::resolve::{Resolved, resolve};
use crate::terminal::failure::Usage;

/// The different runs of a method, in the order of the points; `train_rows` turns epochs into
/// steps.
///
/// # Errors
/// A setting that cannot work, named.
pub fn trials(choice: &Choice, train_rows: usize) -> Result<Vec<Resolved>, Usage> {
    let mut trials: Vec<Resolved> = Vec::new();
    for point in &choice.search.points {
        if trials.len() == choice.search.limit {
            break;
        }
        let options = point.clone().over(&choice.options);
        let resolved = resolve(choice.named.kind, &options, train_rows)
            .map_err(|message| Usage(format!("method {}: {message}", choice.named.name)))?;
        // Two points of a grid may come to the same: λ = 0 has no mask rate.
        if !trials.contains(&resolved) {
            trials.push(resolved);
        }
    }
    Ok(trials)
}
