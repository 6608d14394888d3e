//! Metrics over class indices; equal to scikit-learn's.

use dart_data::Metric;
use dart_data::catalog::relation;

/// A task's metric over classes of these names.
pub fn score(metric: &Metric, gold: &[usize], predicted: &[usize], labels: &[String]) -> f64 {
    let classes = labels.len();
    match metric {
        Metric::Accuracy => accuracy(gold, predicted),
        Metric::F1 => f1(gold, predicted, 1),
        Metric::MacroF1 => macro_f1(gold, predicted, classes),
        Metric::MicroF1 { negative } => micro_f1(gold, predicted, *negative),
        Metric::DirectedF1 => directed_macro_f1(gold, predicted, &relations(labels)),
        Metric::Matthews => matthews(gold, predicted, classes),
    }
}

/// The class of the largest probability; the first of equal ones.
pub fn predicted(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (class, &p) in probabilities.iter().enumerate() {
        if p > probabilities[best] {
            best = class;
        }
    }
    best
}

/// Share of equal entries; 0 for none.
pub fn accuracy(gold: &[usize], predicted: &[usize]) -> f64 {
    let right = gold.iter().zip(predicted).filter(|(g, p)| g == p).count();
    right as f64 / gold.len().max(1) as f64
}

fn ratio(numerator: usize, denominator: usize) -> f64 {
    if denominator == 0 {
        0.0
    } else {
        numerator as f64 / denominator as f64
    }
}

/// F1 of one class: 2 TP / (2 TP + FP + FN), 0 where that is 0 / 0.
pub fn f1(gold: &[usize], predicted: &[usize], class: usize) -> f64 {
    let count = |values: &[usize]| values.iter().filter(|&&v| v == class).count();
    let both = gold
        .iter()
        .zip(predicted)
        .filter(|&(&g, &p)| g == class && p == class)
        .count();
    ratio(2 * both, count(gold) + count(predicted))
}

/// The mean of the classes' F1, over the classes that stand in `gold` or `predicted`.
pub fn macro_f1(gold: &[usize], predicted: &[usize], classes: usize) -> f64 {
    let present: Vec<usize> = (0..classes)
        .filter(|c| gold.contains(c) || predicted.contains(c))
        .collect();
    let sum: f64 = present.iter().map(|&c| f1(gold, predicted, c)).sum();
    sum / present.len().max(1) as f64
}

/// Micro F1 over all classes but `negative` (relation extraction's "Other" or "no relation").
pub fn micro_f1(gold: &[usize], predicted: &[usize], negative: usize) -> f64 {
    let count = |values: &[usize]| values.iter().filter(|&&v| v != negative).count();
    let right = gold
        .iter()
        .zip(predicted)
        .filter(|&(&g, &p)| g == p && g != negative)
        .count();
    ratio(2 * right, count(gold) + count(predicted))
}

/// The relation of each class, by the names that SemEval-2010 task 8 gives to its two directions:
/// `Cause-Effect(e1,e2)` and `Cause-Effect(e2,e1)` are one relation, `Other` is none.
pub fn relations(labels: &[String]) -> Vec<Option<usize>> {
    let mut known: Vec<&str> = Vec::new();
    let mut numbers = Vec::with_capacity(labels.len());
    for label in labels {
        numbers.push(relation(label).map(|relation| {
            known
                .iter()
                .position(|name| *name == relation)
                .unwrap_or_else(|| {
                    known.push(relation);
                    known.len() - 1
                })
        }));
    }
    numbers
}

/// SemEval-2010 task 8's official score (Hendrickx et al., 2010; scorer 1.2, "(9+1)-way with
/// directionality taken into account"): the mean over the relations of their F1, where a right
/// relation in the wrong direction is as wrong as any other. `relations` `[classes]` is what
/// [`relations`] gives. As there, a relation that does not stand in `gold` does not count; 0 where
/// none stands there.
pub fn directed_macro_f1(gold: &[usize], predicted: &[usize], relations: &[Option<usize>]) -> f64 {
    let of = |class: &usize| relations.get(*class).copied().flatten();
    let count = |values: &[usize], wanted| values.iter().filter(|v| of(v) == Some(wanted)).count();
    let relations = relations.iter().flatten().max().map_or(0, |last| last + 1);
    let (mut sum, mut present) = (0.0, 0);
    for relation in 0..relations {
        let actual = count(gold, relation);
        if actual == 0 {
            continue;
        }
        let right = gold
            .iter()
            .zip(predicted)
            .filter(|&(g, p)| g == p && of(g) == Some(relation))
            .count();
        sum += ratio(2 * right, actual + count(predicted, relation));
        present += 1;
    }
    sum / f64::from(present.max(1))
}

/// Matthews' correlation for any number of classes (Gorodkin's R_K); 0 where a side is constant.
pub fn matthews(gold: &[usize], predicted: &[usize], classes: usize) -> f64 {
    let n = gold.len() as f64;
    let right = gold.iter().zip(predicted).filter(|(g, p)| g == p).count() as f64;
    let count = |values: &[usize], c| values.iter().filter(|&&v| v == c).count() as f64;
    let (mut products, mut gold_squares, mut predicted_squares) = (0.0, 0.0, 0.0);
    for class in 0..classes {
        let (g, p) = (count(gold, class), count(predicted, class));
        products += g * p;
        gold_squares += g * g;
        predicted_squares += p * p;
    }
    let scale = ((n * n - predicted_squares) * (n * n - gold_squares)).sqrt();
    if scale == 0.0 {
        0.0
    } else {
        (right * n - products) / scale
    }
}

/// Bins of [`calibration_error`].
const BINS: usize = 15;

/// Expected calibration error (Guo et al., ICML 2017): over 15 equal bins of the largest
/// probability, closed above, the mean of |accuracy − mean confidence| weighted by the bin's share.
/// `probabilities` `[rows][classes]`; 0 for no rows.
pub fn calibration_error<R: AsRef<[f64]>>(gold: &[usize], probabilities: &[R]) -> f64 {
    let mut gaps = [0.0; BINS];
    for (&gold, row) in gold.iter().zip(probabilities) {
        let row = row.as_ref();
        let predicted = predicted(row);
        let confidence = row.get(predicted).copied().unwrap_or(0.0);
        let bin = (confidence * BINS as f64).ceil() as usize;
        let right = if predicted == gold { 1.0 } else { 0.0 };
        gaps[bin.clamp(1, BINS) - 1] += right - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / gold.len().max(1) as f64
}
