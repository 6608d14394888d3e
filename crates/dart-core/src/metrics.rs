//! Metrics over class indices; equal to scikit-learn's.

use dart_data::Metric;

/// A task's metric.
pub fn score(metric: &Metric, gold: &[usize], predicted: &[usize], classes: usize) -> f64 {
    match metric {
        Metric::Accuracy => accuracy(gold, predicted),
        Metric::F1 => f1(gold, predicted, 1),
        Metric::MacroF1 => macro_f1(gold, predicted, classes),
        Metric::MicroF1 { negative } => micro_f1(gold, predicted, *negative),
        Metric::Matthews => matthews(gold, predicted, classes),
        // Regression tasks are catalogued only; their runs are refused before they start.
        Metric::Pearson => f64::NAN,
    }
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
pub fn calibration_error(gold: &[usize], probabilities: &[Vec<f64>]) -> f64 {
    let mut gaps = [0.0; BINS];
    for (&gold, row) in gold.iter().zip(probabilities) {
        let mut predicted = 0;
        for (class, &p) in row.iter().enumerate() {
            if p > row[predicted] {
                predicted = class;
            }
        }
        let confidence = row.get(predicted).copied().unwrap_or(0.0);
        let bin = (confidence * BINS as f64).ceil() as usize;
        let right = if predicted == gold { 1.0 } else { 0.0 };
        gaps[bin.clamp(1, BINS) - 1] += right - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / gold.len().max(1) as f64
}
