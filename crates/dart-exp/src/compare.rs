//! One method against each other: seeds and tasks pooled, and the error of the test sample apart.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use anyhow::Result;

use crate::bootstrap::{Bootstrap, SAMPLES};
use crate::plan::{Group, Plan};
use crate::results::{Cell, Row, score};
use crate::stats;

/// Random sign flips a comparison.
pub const FLIPS: usize = 100_000;

/// One comparison: the first method less the second.
pub struct Comparison {
    /// Index of the second method.
    pub other: usize,
    /// Mean over tasks of the mean differences over seeds.
    pub difference: f64,
    /// The same in standard deviations of the differences within a task ([`stats::hedges_g`]).
    pub effect: Option<f64>,
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
    /// The same task by task.
    pub tasks: Vec<OnTask>,
}

/// A comparison on one task.
pub struct OnTask {
    /// Index of the task.
    pub task: usize,
    /// Mean of the paired differences over the seeds.
    pub difference: f64,
    /// Its interval over the seeds: mean ± t · sd / √s of the paired differences; none below three
    /// seeds.
    pub seeds: Option<(f64, f64)>,
    /// Central 95 % under resampling of the test rows, seeds held fixed.
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
pub fn compare<'a>(
    plan: &Plan,
    cells: &[Cell<'a>],
    first: usize,
    bootstrap: &mut Bootstrap,
) -> Result<Vec<Comparison>> {
    let groups = independent_tasks(plan);
    let mut comparisons = Vec::new();
    for other in (0..plan.experiment.methods.len()).filter(|other| *other != first) {
        let (mut differences, mut drawn) = (Vec::new(), vec![0.0; SAMPLES]);
        let (mut of_tasks, mut whole) = (Vec::new(), true);
        for tasks in &groups {
            let mut of_group: BTreeMap<(usize, u64), Vec<f64>> = BTreeMap::new();
            let mut samples = Vec::new();
            for &task in tasks {
                let pairs = pairs(cells, task, first, other);
                for pair in &pairs {
                    of_group.entry(pair.key).or_default().push(pair.difference);
                }
                if pairs.is_empty() {
                    continue;
                }
                let share = 1.0 / pairs.len() as f64;
                let signed = |pair: &Pair<'a>| [(pair.first, share), (pair.other, -share)];
                let runs: Vec<(&Row, f64)> = pairs.iter().flat_map(signed).collect();
                let sample = bootstrap.sum(&runs)?;
                of_tasks.push(on_task(plan, task, &pairs, sample.clone()));
                samples.push(sample);
            }
            if of_group.is_empty() {
                continue;
            }
            differences.push(of_group.values().map(|d| stats::mean(d)).collect());
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
        let means: Vec<f64> = differences
            .iter()
            .map(|task: &Vec<f64>| stats::mean(task))
            .collect();
        drawn
            .iter_mut()
            .for_each(|d| *d /= differences.len() as f64);
        let count = |ordering| {
            let sign = |t: &&OnTask| t.difference.total_cmp(&0.0) == ordering;
            of_tasks.iter().filter(sign).count()
        };
        comparisons.push(Comparison {
            other,
            difference: stats::mean(&means),
            effect: stats::hedges_g(&differences),
            wins: count(Ordering::Greater),
            losses: count(Ordering::Less),
            ties: count(Ordering::Equal),
            pairs: differences.iter().map(Vec::len).sum(),
            p: stats::sign_flip_p(&differences, FLIPS),
            p_holm: 1.0,
            test_rows: stats::percentiles(drawn).filter(|_| whole),
            tasks: of_tasks,
        });
    }
    let p: Vec<f64> = comparisons.iter().map(|c| c.p).collect();
    for (comparison, adjusted) in comparisons.iter_mut().zip(stats::holm(&p)) {
        comparison.p_holm = adjusted;
    }
    Ok(comparisons)
}

fn on_task(plan: &Plan, task: usize, pairs: &[Pair], sample: Option<Vec<f64>>) -> OnTask {
    let values: Vec<f64> = pairs.iter().map(|pair| pair.difference).collect();
    // Differences at several K or of several models are not a sample of one population.
    let one = plan.experiment.ks.len() == 1 && plan.experiment.models.len() == 1;
    let interval = stats::describe(&values).and_then(|sample| sample.interval);
    // Adding 0 makes a negative zero a positive one: neither won nor lost.
    OnTask {
        task,
        difference: stats::mean(&values) + 0.0,
        seeds: interval.filter(|_| one),
        test_rows: sample.and_then(stats::percentiles),
    }
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
        // A method without a model, or with one of its own, stands against each model.
        let comparable = |group: &Group| {
            let model = group.model == row.group.model || !group.shared_model;
            (group.k, group.seed) == (row.group.k, row.group.seed) && model
        };
        let matching = of(other)
            .flat_map(|cell| &cell.rows)
            .find(|r| comparable(r.group));
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
