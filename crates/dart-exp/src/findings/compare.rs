//! One method against each other: seeds and tasks pooled, and the error of the test sample apart.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Deref;

use anyhow::Result;
use dart_data::Task;
use dart_data::layout::Layout;

use crate::findings::bootstrap::{Bootstrap, SAMPLES};
use crate::findings::cells::Cell;
use crate::findings::rows::Row;
use crate::findings::stats;
use crate::plan::outline::{Entry, Outline};

/// Random sign flips a comparison.
pub const FLIPS: usize = 100_000;

/// Scores are shares of examples; a smaller difference between them is an error of rounding.
const ROUNDING: f64 = 1e-12;

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
    /// (task, seed) units that both have.
    pub units: usize,
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

/// Tasks of mostly the same texts count as one: their indices, grouped. So do tasks that are joined
/// only by a third.
pub fn independent_tasks<T: Deref<Target = Task>>(tasks: &[T]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (t, task) in tasks.iter().enumerate() {
        let shares = |group: &Vec<usize>| group.iter().any(|o| share_texts(task, &tasks[*o]));
        let (joined, mut others): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        let mut joined = joined.concat();
        joined.push(t);
        joined.sort_unstable();
        others.push(joined);
        others.sort_unstable();
        groups = others;
    }
    groups
}

/// Whether the catalog says so, or a training file of the one is one of the other's: a task under
/// another prompt keeps its files.
fn share_texts(task: &Task, other: &Task) -> bool {
    let file = |a: &Layout| {
        let same = |b: &Layout| a.train == b.train && a.dirs.iter().any(|dir| b.dirs.contains(dir));
        other.layouts.iter().any(same)
    };
    other.overlaps.contains(&task.name)
        || task.overlaps.contains(&other.name)
        || task.layouts.iter().any(file)
}

/// `first` against every other method of the same model and k. The unit is a task and a seed: what
/// has one seed shares training examples at several K, so that its differences count as one, their
/// mean; those of several models too.
pub fn compare<'a>(
    outline: &Outline,
    cells: &[Cell<'a>],
    first: usize,
    bootstrap: &mut Bootstrap,
) -> Result<Vec<Comparison>> {
    let groups = independent_tasks(&outline.experiment.tasks);
    let mut comparisons = Vec::new();
    for other in (0..outline.experiment.methods.len()).filter(|other| *other != first) {
        let (mut differences, mut drawn) = (Vec::new(), vec![0.0; SAMPLES]);
        let (mut of_tasks, mut whole) = (Vec::new(), true);
        for tasks in &groups {
            let mut of_group: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            let mut samples = Vec::new();
            for &task in tasks {
                let pairs = pairs(cells, task, first, other);
                for pair in &pairs {
                    of_group.entry(pair.seed).or_default().push(pair.difference);
                }
                if pairs.is_empty() {
                    continue;
                }
                let share = 1.0 / pairs.len() as f64;
                let signed = |pair: &Pair<'a>| [(pair.first, share), (pair.other, -share)];
                let runs: Vec<(&Row, f64)> = pairs.iter().flat_map(signed).collect();
                let sample = bootstrap.sum(&runs)?;
                of_tasks.push(on_task(outline, task, &pairs, sample.clone()));
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
            units: differences.iter().map(Vec::len).sum(),
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

fn on_task(outline: &Outline, task: usize, pairs: &[Pair], sample: Option<Vec<f64>>) -> OnTask {
    let values: Vec<f64> = pairs.iter().map(|pair| pair.difference).collect();
    // Differences at several K or of several models are not a sample of one population.
    let one = outline.experiment.ks.len() == 1 && outline.experiment.models.len() == 1;
    let interval = stats::describe(&values).and_then(|sample| sample.interval);
    // Neither won nor lost, even where sums of shares leave a rounding error.
    let difference = match stats::mean(&values) {
        even if even.abs() < ROUNDING => 0.0,
        difference => difference,
    };
    OnTask {
        task,
        difference,
        seeds: interval.filter(|_| one),
        test_rows: sample.and_then(stats::percentiles),
    }
}

/// Two runs of one task, k and seed.
struct Pair<'a> {
    seed: u64,
    difference: f64,
    first: &'a Row<'a>,
    other: &'a Row<'a>,
}

fn pairs<'a>(cells: &[Cell<'a>], task: usize, first: usize, other: usize) -> Vec<Pair<'a>> {
    let of = |method: usize| {
        let here = move |cell: &&Cell| {
            let place = cell.place();
            (place.task, place.method) == (task, method)
        };
        cells.iter().filter(here).flat_map(|cell| &cell.rows)
    };
    let mut pairs = Vec::new();
    for row in of(first) {
        for matching in of(other).filter(|other| comparable(row.entry, other.entry)) {
            if let (Some(a), Some(b)) = (row.score(), matching.score()) {
                pairs.push(Pair {
                    seed: row.entry.seed,
                    difference: a - b,
                    first: row,
                    other: matching,
                });
            }
        }
    }
    pairs
}

/// Whether two entries of a task differ in the method alone: one without a model, or with one of its
/// own, stands against each model.
fn comparable(entry: &Entry, other: &Entry) -> bool {
    let own = !entry.shared_model || !other.shared_model;
    let model = own || entry.place.model == other.place.model;
    (entry.place.k, entry.seed) == (other.place.k, other.seed) && model
}

#[cfg(test)]
mod tests {
    use dart_data::Catalog;

    use super::*;

    #[test]
    fn tasks_of_the_same_texts_count_once_in_any_order() {
        let catalog = Catalog::embedded().unwrap();
        let groups = |names: &[&str]| {
            let tasks: Vec<&Task> = names
                .iter()
                .map(|name| catalog.task(name).unwrap())
                .collect();
            independent_tasks(&tasks)
        };
        assert_eq!(
            groups(&["sst-2", "cr", "mr", "trec"]),
            [vec![0, 2], vec![1], vec![3]]
        );
        // FewRel's training relations and its validation relations share nothing, Wiki80 both.
        assert_eq!(groups(&["fewrel", "fewrel-val"]), [[0], [1]]);
        assert_eq!(
            groups(&["fewrel", "cr", "fewrel-val", "wiki80"]),
            [vec![0, 2, 3], vec![1]]
        );
        assert_eq!(
            groups(&["wiki80", "fewrel", "cr", "fewrel-val"]),
            [vec![0, 1, 3], vec![2]]
        );

        let mut renamed = catalog.task("movies").unwrap().clone();
        renamed.name = "films".to_owned();
        for other in ["movies", "mr"] {
            let tasks = [catalog.task(other).unwrap(), &renamed];
            assert_eq!(independent_tasks(&tasks), [[0, 1]], "{other}");
        }
    }
}
