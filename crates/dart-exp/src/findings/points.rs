//! What a search tried, and how dev liked it on average.

use crate::experiment::options::Options;
use crate::findings::rows::Row;
use crate::findings::stats;
use crate::plan::outline::Outline;

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
pub fn points(outline: &Outline, rows: &[Row]) -> Vec<Point> {
    let mut points = Vec::new();
    for method in 0..outline.experiment.methods.len() {
        let of_method: Vec<&Row> = rows
            .iter()
            .filter(|row| row.entry.place.method == method)
            .collect();
        // What follows from the searched settings, or differs between tasks alone, was not tried.
        let search = &outline.experiment.methods[method].search;
        let tried: Vec<Vec<String>> = search.points.iter().map(Options::cells).collect();
        let varies = |at: &usize| tried.iter().any(|cells| cells[*at] != tried[0][*at]);
        let varying: Vec<usize> = (0..Options::NAMES.len()).filter(varies).collect();
        let mut here: Vec<(String, Vec<f64>)> = Vec::new();
        for row in &of_method {
            let cells = row.settings.cells();
            let name = |at: &usize| match (Options::NAMES[*at], cells[*at].as_str()) {
                (name, "") => format!("{name} none"),
                (name, value) => format!("{name} {value}"),
            };
            let settings = varying.iter().map(name).collect::<Vec<_>>().join(", ");
            let dev = row.dev;
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
