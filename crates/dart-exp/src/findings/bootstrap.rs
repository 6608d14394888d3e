//! The error of the test sample: test rows drawn anew with replacement, the trained weights held
//! fixed.

use std::collections::HashMap;

use anyhow::Result;
use dart_core::metrics;
use dart_core::rng::Rng;
use dart_data::Metric;

use crate::experiment::place::Place;
use crate::findings::rows::{Records, Row};
use crate::plan::outline::Outline;
use crate::store::predictions::{self, Predicted};

/// Drawings of the test rows.
pub const SAMPLES: usize = 1_000;

/// The test metric of runs under drawings of the test rows, which are the same for all runs of a
/// task, so that runs can be compared pair by pair.
pub struct Bootstrap<'a> {
    outline: &'a Outline<'a>,
    runs: HashMap<String, Drawn>,
}

/// One run under all drawings.
struct Drawn {
    /// The test rows that it was scored on.
    rows: Vec<usize>,
    /// Its metric under each drawing.
    metrics: Vec<f64>,
}

impl<'a> Bootstrap<'a> {
    /// Nothing drawn yet.
    pub fn new(outline: &'a Outline<'a>) -> Self {
        Bootstrap {
            outline,
            runs: HashMap::new(),
        }
    }

    /// The weighted sum of the runs' metrics under each drawing; `None` where there is no run, or
    /// they were not all scored on the same rows, or one of them has no
    /// predictions.
    pub fn sum(&mut self, runs: &[(&Row, f64)]) -> Result<Option<Vec<f64>>> {
        for (row, _) in runs {
            let scored = row
                .records
                .as_ref()
                .filter(|records| records.test.is_some());
            let Some(records) = scored else {
                return Ok(None);
            };
            if !self.runs.contains_key(row.id) {
                let drawn = self.draw(&row.entry.place, records)?;
                self.runs.insert(row.id.to_owned(), drawn);
            }
        }
        let drawn: Vec<(&Drawn, f64)> = runs
            .iter()
            .filter_map(|(row, weight)| Some((self.runs.get(row.id)?, *weight)))
            .collect();
        let Some((first, _)) = drawn.first() else {
            return Ok(None);
        };
        if first.rows.is_empty() || drawn.iter().any(|(run, _)| run.rows != first.rows) {
            return Ok(None);
        }
        let sum = |draw: usize| drawn.iter().map(|(run, w)| w * run.metrics[draw]).sum();
        Ok(Some((0..SAMPLES).map(sum).collect()))
    }

    fn draw(&self, place: &Place, records: &Records) -> Result<Drawn> {
        let task = self.outline.task(place);
        let predicted = predictions::read(&records.files.predictions, &task.labels)?;
        Ok(Drawn {
            rows: predicted.iter().map(|p| p.row).collect(),
            metrics: resampled(&predicted, &task.metric, &task.labels, place.task as u64),
        })
    }
}

/// The metric under each drawing; drawings are keyed by the task.
fn resampled(predicted: &[Predicted], metric: &Metric, labels: &[String], task: u64) -> Vec<f64> {
    let n = predicted.len();
    let (mut gold, mut guess) = (vec![0; n], vec![0; n]);
    let mut one = |draw: usize| {
        let mut rng = Rng::new(0, "test rows", &[task, draw as u64]);
        for i in 0..n {
            let chosen = &predicted[rng.below(n)];
            (gold[i], guess[i]) = (chosen.gold, chosen.predicted);
        }
        metrics::score(metric, &gold, &guess, labels)
    };
    (0..SAMPLES).map(&mut one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::stats;

    fn labels() -> [String; 2] {
        ["no", "yes"].map(String::from)
    }

    /// `right` of `n` rows are right.
    fn predicted(right: usize, n: usize) -> Vec<Predicted> {
        let row = |row| Predicted {
            row,
            gold: row % 2,
            predicted: if row < right { row % 2 } else { 1 - row % 2 },
        };
        (0..n).map(row).collect()
    }

    #[test]
    fn accuracy_varies_as_a_binomial_share_does() {
        let drawn = resampled(&predicted(150, 200), &Metric::Accuracy, &labels(), 3);
        let spread = stats::describe(&drawn).unwrap();
        let sd = (0.75 * 0.25 / 200.0_f64).sqrt();
        // Five standard errors of the mean and of the standard deviation of 1,000 drawings.
        assert!(
            (spread.mean - 0.75).abs() < 5.0 * sd / 1000_f64.sqrt(),
            "{spread:?}"
        );
        let error = 5.0 * sd / 2000_f64.sqrt();
        assert!((spread.sd.unwrap() - sd).abs() < error, "{spread:?}");
    }

    #[test]
    fn two_runs_see_the_same_drawings() {
        // The second run is right exactly where the first is wrong.
        let (first, mut second) = (predicted(60, 100), predicted(60, 100));
        for p in &mut second {
            p.predicted = 1 - p.predicted;
        }
        let of = |p: &[Predicted]| resampled(p, &Metric::Accuracy, &labels(), 0);
        for (a, b) in of(&first).into_iter().zip(of(&second)) {
            assert!((a + b - 1.0).abs() < 1e-12);
        }
        assert_ne!(
            of(&first),
            resampled(&first, &Metric::Accuracy, &labels(), 1)
        );
    }
}
