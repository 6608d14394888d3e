//! What a search tried, and how dev liked it on average.

use crate::options::Options;
use crate::plan::Plan;
use crate::results::Row;
use crate::stats;

/// One point of a method's grid.
pub struct Point {
    /// Index of the method.
    pub method: usize,
    /// The settings that differ among the method's trials: `learning_rate 0.0001, batch 8`.
    pub settings: String,
    /// Mean dev score over all tasks, seeds and models.
    pub dev: f64,
    /// Runs that this is the mean of.
    pub runs: usize,
}

/// The points of every method that has several, in the order of the grid.
pub fn points(plan: &Plan, rows: &[Row]) -> Vec<Point> {
    let mut points = Vec::new();
    for method in 0..plan.experiment.methods.len() {
        let of_method: Vec<&Row> = rows
            .iter()
            .filter(|row| row.group.method == method)
            .collect();
        // What differs between tasks or K alone, as steps that follow from epochs, was not tried.
        let of_group = |row: &&Row| -> Vec<Vec<String>> {
            let trials = row.group.trials.iter();
            trials.map(|run| run.shown.cells()).collect()
        };
        let mut groups: Vec<Vec<Vec<String>>> = of_method.iter().map(of_group).collect();
        groups.dedup();
        let varies = |at: &usize| {
            let within = |group: &Vec<Vec<String>>| group.iter().any(|t| t[*at] != group[0][*at]);
            groups.iter().any(within)
        };
        let varying: Vec<usize> = (0..Options::NAMES.len()).filter(varies).collect();
        let mut here: Vec<(String, Vec<f64>)> = Vec::new();
        for row in &of_method {
            let cells = row.run.shown.cells();
            let name = |at: &usize| format!("{} {}", Options::NAMES[*at], cells[*at]);
            let settings = varying.iter().map(name).collect::<Vec<_>>().join(", ");
            let dev = row.fit.outcome.dev;
            match here.iter_mut().find(|(known, _)| *known == settings) {
                Some((_, devs)) => devs.push(dev),
                None => here.push((settings, vec![dev])),
            }
        }
        if here.len() > 1 {
            points.extend(here.into_iter().map(|(settings, devs)| {
                let (dev, runs) = (stats::mean(&devs), devs.len());
                Point {
                    method,
                    settings,
                    dev,
                    runs,
                }
            }));
        }
    }
    points
}
