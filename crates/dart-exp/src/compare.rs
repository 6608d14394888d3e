//! One method against each other: seeds and tasks pooled, and the error of the test sample apart.

use std::collections::HashMap;

use anyhow::Result;
use dart_core::metrics;
use dart_core::rng::Rng;

use crate::plan::Plan;
use crate::predictions::{self, Predicted};
use crate::results::{Cell, Row, score};
use crate::stats;

/// Random sign flips a comparison.
pub const FLIPS: usize = 100_000;
/// Bootstrap samples of test rows.
pub const SAMPLES: usize = 1_000;

/// One comparison: the first method less the second.
pub struct Comparison {
    /// Index of the second method.
    pub other: usize,
    /// Mean over tasks of the mean differences over seeds.
    pub difference: f64,
    /// Tasks on which the mean difference is above, below and at 0.
    pub wins: usize,
    /// See `wins`.
    pub losses: usize,
    /// See `wins`.
    pub ties: usize,
    /// (task, seed) pairs that both have.
    pub pairs: usize,
    /// Two-sided p by sign flips.
    pub p: f64,
    /// The same after Holm, over the comparisons of the table.
    pub p_holm: f64,
    /// Central 95 % of the difference under resampling of the test rows, seeds held fixed.
    pub test_rows: Option<(f64, f64)>,
}

/// Tasks of mostly the same texts count as one: their indices, grouped.
pub fn independent_tasks(plan: &Plan) -> Vec<Vec<usize>> {
    let tasks = &plan.experiment.tasks;
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (t, task) in tasks.iter().enumerate() {
        let same = |other: &usize| {
            let other = &tasks[*other];
            other.overlaps.contains(&task.name) || task.overlaps.contains(&other.name)
        };
        match groups.iter_mut().find(|group| group.iter().any(same)) {
            Some(group) => group.push(t),
            None => groups.push(vec![t]),
        }
    }
    groups
}

/// `first` against every other method of the same model and k.
pub fn compare(plan: &Plan, cells: &[Cell], first: usize) -> Result<Vec<Comparison>> {
    let groups = independent_tasks(plan);
    let mut comparisons = Vec::new();
    let mut cache = HashMap::new();
    for other in (0..plan.experiment.methods.len()).filter(|other| *other != first) {
        let (mut differences, mut drawn) = (Vec::new(), vec![0.0; SAMPLES]);
        let (mut wins, mut losses, mut ties, mut whole) = (0, 0, 0, true);
        for tasks in &groups {
            let mut of_group: HashMap<(usize, u64), Vec<f64>> = HashMap::new();
            let mut samples = Vec::new();
            for &task in tasks {
                let pairs = pairs(cells, task, first, other);
                let values: Vec<f64> = pairs.iter().map(|pair| pair.difference).collect();
                for pair in &pairs {
                    of_group.entry(pair.key).or_default().push(pair.difference);
                }
                if values.is_empty() {
                    continue;
                }
                match stats::mean(&values) {
                    d if d > 0.0 => wins += 1,
                    d if d < 0.0 => losses += 1,
                    _ => ties += 1,
                }
                samples.push(resampled(plan, task, &pairs, &mut cache)?);
            }
            if of_group.is_empty() {
                continue;
            }
            // In the order of the seeds, not of a hash.
            let mut keyed: Vec<_> = of_group.into_iter().collect();
            keyed.sort_by_key(|(key, _)| *key);
            differences.push(
                keyed
                    .iter()
                    .map(|(_, d)| stats::mean(d))
                    .collect::<Vec<f64>>(),
            );
            let count = samples.len() as f64;
            for sample in samples {
                match sample {
                    Some(s) => drawn.iter_mut().zip(s).for_each(|(d, s)| *d += s / count),
                    None => whole = false,
                }
            }
        }
        if differences.is_empty() {
            continue;
        }
        let means: Vec<f64> = differences.iter().map(|task| stats::mean(task)).collect();
        drawn
            .iter_mut()
            .for_each(|d| *d /= differences.len() as f64);
        comparisons.push(Comparison {
            other,
            difference: stats::mean(&means),
            wins,
            losses,
            ties,
            pairs: differences.iter().map(Vec::len).sum(),
            p: stats::sign_flip_p(&differences, FLIPS),
            p_holm: 1.0,
            test_rows: if whole {
                stats::percentiles(drawn)
            } else {
                None
            },
        });
    }
    let p: Vec<f64> = comparisons.iter().map(|c| c.p).collect();
    for (comparison, adjusted) in comparisons.iter_mut().zip(stats::holm(&p)) {
        comparison.p_holm = adjusted;
    }
    Ok(comparisons)
}

/// Two runs of one task, k and seed.
struct Pair<'a> {
    key: (usize, u64),
    difference: f64,
    first: &'a Row<'a>,
    other: &'a Row<'a>,
}

fn pairs<'a>(cells: &[Cell<'a>], task: usize, first: usize, other: usize) -> Vec<Pair<'a>> {
    let of = |method: usize| {
        cells
            .iter()
            .filter(move |c| (c.task, c.method) == (task, method))
    };
    let mut pairs = Vec::new();
    for row in of(first).flat_map(|cell| &cell.rows) {
        // A method without a model stands against each model.
        let matching = of(other)
            .filter(|c| c.k == row.group.k && (c.model == row.group.model || c.model == "none"))
            .flat_map(|cell| &cell.rows)
            .find(|r| r.group.seed == row.group.seed);
        let Some(matching) = matching else { continue };
        let on_test = row.group.test_rows > 0;
        if let (Some(a), Some(b)) = (score(row, on_test), score(matching, on_test)) {
            let key = (row.group.k, row.group.seed);
            pairs.push(Pair {
                key,
                difference: a - b,
                first: row,
                other: matching,
            });
        }
    }
    pairs
}

type Cache = HashMap<String, Vec<Predicted>>;

/// The mean difference over the pairs under each resampling of the test rows; `None` where the
/// pairs were not all scored on the same rows.
fn resampled(
    plan: &Plan,
    task: usize,
    pairs: &[Pair],
    cache: &mut Cache,
) -> Result<Option<Vec<f64>>> {
    let definition = &plan.experiment.tasks[task];
    for row in pairs.iter().flat_map(|pair| [pair.first, pair.other]) {
        if row.test.is_none() {
            return Ok(None);
        }
        if !cache.contains_key(&row.run.id) {
            let read = predictions::read(&row.files.predictions, &definition.labels)?;
            cache.insert(row.run.id.clone(), read);
        }
    }
    let of = |row: &Row| cache.get(&row.run.id).map(Vec::as_slice);
    let both: Vec<[&[Predicted]; 2]> = pairs
        .iter()
        .filter_map(|pair| Some([of(pair.first)?, of(pair.other)?]))
        .collect();
    let Some([sample, _]) = both.first() else {
        return Ok(None);
    };
    let rows = |predicted: &[Predicted]| predicted.iter().map(|p| p.row).collect::<Vec<_>>();
    let order = rows(sample);
    if order.is_empty()
        || both
            .iter()
            .flatten()
            .any(|predicted| rows(predicted) != order)
    {
        return Ok(None);
    }
    let mut differences = Vec::with_capacity(SAMPLES);
    for draw in 0..SAMPLES {
        let mut rng = Rng::new(0, "test rows", &[task as u64, draw as u64]);
        let chosen: Vec<usize> = order.iter().map(|_| rng.below(order.len())).collect();
        let metric = |predicted: &[Predicted]| {
            let gold: Vec<usize> = chosen.iter().map(|&i| predicted[i].gold).collect();
            let guess: Vec<usize> = chosen.iter().map(|&i| predicted[i].predicted).collect();
            metrics::score(&definition.metric, &gold, &guess, &definition.labels)
        };
        let of_pairs: Vec<f64> = both.iter().map(|[a, b]| metric(a) - metric(b)).collect();
        differences.push(stats::mean(&of_pairs));
    }
    Ok(Some(differences))
}
