//! The metrics against scikit-learn and the official scorers (tests/goldens, made by
//! scripts/goldens).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::goldens;
use dart_core::metrics;
use dart_data::Metric;
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn cases<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(goldens().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[track_caller]
fn same(what: &str, got: f64, wanted: f64) {
    assert!((got - wanted).abs() < 1e-12, "{what}: {got} {wanted}");
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    gold: Vec<usize>,
    predicted: Vec<usize>,
    accuracy: f64,
    matthews: f64,
    macro_f1_present: f64,
    f1: Option<f64>,
    micro_f1_without: BTreeMap<usize, f64>,
}

#[test]
fn metrics_equal_scikit_learn() {
    let cases: Vec<Case> = cases("metrics.json");
    assert!(cases.len() > 20);
    for case in cases {
        let (gold, predicted) = (&case.gold, &case.predicted);
        let labels: Vec<String> = (0..case.classes).map(|c| c.to_string()).collect();
        let check = |metric: Metric, wanted: f64| {
            let got = metrics::score(&metric, gold, predicted, &labels);
            same(&format!("{}, {metric}", case.name), got, wanted);
        };
        check(Metric::Accuracy, case.accuracy);
        check(Metric::Matthews, case.matthews);
        check(Metric::MacroF1, case.macro_f1_present);
        if let Some(f1) = case.f1 {
            check(Metric::F1, f1);
        }
        for (negative, wanted) in case.micro_f1_without {
            check(Metric::MicroF1 { negative }, wanted);
        }
    }
}

#[derive(Deserialize)]
struct Directed {
    name: String,
    labels: Vec<String>,
    gold: Vec<usize>,
    predicted: Vec<usize>,
    directed_f1: f64,
}

#[test]
fn directed_macro_f1_equals_scikit_learn() {
    let cases: Vec<Directed> = cases("directed.json");
    assert!(cases.len() > 5);
    for case in cases {
        let metric = Metric::DirectedF1;
        let got = metrics::score(&metric, &case.gold, &case.predicted, &case.labels);
        same(&case.name, got, case.directed_f1);
    }
    let undirected = metrics::relations(&["Other".to_string(), "good".to_string()]);
    assert_eq!(metrics::directed_macro_f1(&[1], &[1], &undirected), 0.0);
}

/// The official scorer 1.2 printed this matrix of a convolutional network's answers on the 2,717
/// test sentences (rows: gold; the last column: right relation, wrong direction), and below it the
/// official score 79.05 %.
const PRINTED: [[usize; 11]; 10] = [
    [296, 0, 0, 0, 9, 1, 0, 1, 2, 15, 4],
    [2, 209, 5, 3, 1, 9, 13, 5, 2, 32, 31],
    [0, 4, 160, 10, 2, 0, 0, 1, 0, 11, 4],
    [0, 2, 10, 260, 0, 0, 0, 2, 1, 16, 1],
    [2, 1, 0, 12, 221, 1, 0, 1, 3, 16, 1],
    [0, 4, 1, 2, 2, 101, 1, 3, 9, 31, 2],
    [0, 6, 0, 0, 2, 3, 195, 4, 2, 20, 1],
    [1, 2, 0, 2, 0, 0, 3, 228, 3, 19, 3],
    [4, 4, 2, 1, 9, 10, 0, 5, 167, 24, 5],
    [20, 25, 25, 25, 32, 20, 39, 39, 26, 203, 0],
];

#[test]
fn directed_macro_f1_is_what_the_official_scorer_prints() {
    let mut labels: Vec<String> = (0..9)
        .flat_map(|r| ["e1,e2", "e2,e1"].map(|d| format!("R{r}({d})")))
        .collect();
    labels.push("Other".into());
    let (mut gold, mut predicted) = (Vec::new(), Vec::new());
    for (row, counts) in PRINTED.iter().enumerate() {
        for (column, &count) in counts.iter().enumerate() {
            let answer = if column == 10 {
                2 * row + 1
            } else {
                2 * column
            };
            gold.extend(vec![2 * row; count]);
            predicted.extend(vec![answer; count]);
        }
    }
    assert_eq!(gold.len(), 2717);
    let score = 100.0 * metrics::score(&Metric::DirectedF1, &gold, &predicted, &labels);
    assert_eq!(format!("{score:.2}"), "79.05");
}

#[derive(Deserialize)]
struct Calibration {
    name: String,
    gold: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    ece: f64,
}

#[test]
fn calibration_error_equals_the_reference() {
    for case in cases::<Calibration>("calibration.json") {
        let got = metrics::calibration_error(&case.gold, &case.probabilities);
        same(&case.name, got, case.ece);
    }
    assert_eq!(metrics::calibration_error::<Vec<f64>>(&[], &[]), 0.0);
}
