//! Dev scores over the steps of training, from the runs' TensorBoard files.

use std::collections::BTreeMap;

use anyhow::Result;

use super::lines::{self, Axis, Curve, Point, Spread};
use super::picture::{About, Picture, capital, tasks};
use super::scene::COLOURS;
use crate::experiment::definition::Choice;
use crate::findings::cells::Cell;
use crate::findings::rows::Row;
use crate::findings::summary::Findings;
use crate::store::tensorboard;

/// One picture a task, model and K: the mean over the seeds, in a band from the least to the most.
pub fn pictures(findings: &Findings) -> Result<Vec<Picture>> {
    let outline = findings.outline;
    let experiment = outline.experiment;
    let mut pictures = Vec::new();
    for (t, task) in tasks(outline) {
        for model in &experiment.models {
            for &k in &experiment.ks {
                // A method with a model of its own stands beside each.
                let here = |cell: &&Cell| {
                    let place = cell.place();
                    let own = !experiment.methods[place.method].shares_models();
                    place.task == t && place.k == k && (own || place.model == model.name)
                };
                let mut curves = Vec::new();
                for cell in findings.cells.iter().filter(here) {
                    let method = cell.place().method;
                    let points = mean_curve(&cell.rows)?;
                    // A method without training has one evaluation or none.
                    if points.len() > 1 {
                        curves.push(Curve {
                            name: experiment.methods[method].named.title.clone(),
                            place: method,
                            points,
                        });
                    }
                }
                if curves.is_empty() {
                    continue;
                }
                let of_k = format!("k{k}");
                let (mut shown, mut name) = (task.title.clone(), vec!["learning", &task.name]);
                if experiment.models.len() > 1 {
                    shown += &format!(", {}", model.name);
                    name.push(&model.name);
                }
                if experiment.ks.len() > 1 {
                    shown += &format!(", K = {k}");
                    name.push(&of_k);
                }
                let x = Axis {
                    name: "Steps".to_owned(),
                    doubling: false,
                };
                let y = format!("{} on dev, %", capital(&task.metric.to_string()));
                let base = experiment.compare.as_ref().and_then(|name| {
                    let named = |choice: &Choice| choice.named.name == *name;
                    experiment.methods.iter().position(named)
                });
                let parts = legible(curves, base);
                for (i, curves) in parts.iter().enumerate() {
                    let (mut shown, mut name) = (shown.clone(), name.clone());
                    let part = (i + 1).to_string();
                    if parts.len() > 1 {
                        shown += &format!(" ({part} of {})", parts.len());
                        name.push(&part);
                    }
                    let scene = lines::curves(&shown, &x, &y, Spread::Band, curves);
                    let title = format!("{shown}: dev scores over the steps");
                    pictures.push(Picture::new(About::Learning, &name, &title, &scene));
                }
            }
        }
    }
    Ok(pictures)
}

/// Curves that one picture can show.
const MOST: usize = 6;

/// Spreads the curves over pictures, the one that the others are compared with in each of them.
fn legible(mut curves: Vec<Curve>, base: Option<usize>) -> Vec<Vec<Curve>> {
    if curves.len() <= MOST {
        return vec![distinct(curves)];
    }
    let base = curves.iter().position(|curve| Some(curve.place) == base);
    let base = base.map(|at| curves.remove(at));
    let room = MOST - usize::from(base.is_some());
    let count = curves.len().div_ceil(room);
    let of_part = |part: &[Curve]| distinct(part.iter().chain(&base).cloned().collect());
    // Parts alike in size.
    curves
        .chunks(curves.len().div_ceil(count))
        .map(of_part)
        .collect()
}

/// Methods far apart in an experiment have one colour; in a picture the earlier takes the next free
/// one.
fn distinct(mut curves: Vec<Curve>) -> Vec<Curve> {
    for i in 0..curves.len() {
        let free = |place: &usize| {
            let mut others = curves.iter().enumerate().filter(|(j, _)| *j != i);
            others.all(|(_, other)| other.place % COLOURS != place % COLOURS)
        };
        let place = curves[i].place;
        curves[i].place = (place..place + COLOURS).find(free).unwrap_or(place);
    }
    curves
}

/// At every step that all runs were evaluated at: the mean, the least and the most, in percent.
fn mean_curve(rows: &[&Row]) -> Result<Vec<Point>> {
    let mut by_step: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for records in rows.iter().filter_map(|row| row.records.as_ref()) {
        for (step, value) in tensorboard::scalars(&records.files.folder, "dev/metric")? {
            by_step.entry(step).or_default().push(100.0 * value);
        }
    }
    let whole = by_step
        .into_iter()
        .filter(|(_, values)| values.len() == rows.len());
    let point = |(step, values): (usize, Vec<f64>)| Point {
        x: step as f64,
        y: crate::findings::stats::mean(&values),
        spread: Some((
            values.iter().copied().fold(f64::INFINITY, f64::min),
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )),
    };
    Ok(whole.map(point).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_curves_are_spread_and_compared_with_one() {
        let curve = |place: usize| Curve {
            name: place.to_string(),
            place,
            points: Vec::new(),
        };
        let places = |count: usize, base: Option<usize>| -> Vec<Vec<usize>> {
            let parts = legible((0..count).map(curve).collect(), base);
            let place =
                |part: &Vec<Curve>| part.iter().map(|curve| curve.place).collect::<Vec<_>>();
            parts.iter().map(place).collect()
        };
        assert_eq!(places(6, Some(2)), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(places(7, Some(2)), [[0, 1, 3, 2], [4, 5, 6, 2]]);
        assert_eq!(places(8, None), [[0, 1, 2, 3], [4, 5, 6, 7]]);
        // 19 would have the colour of 11, and the next is free.
        let parts = places(20, Some(11));
        assert_eq!(parts[3], [16, 17, 18, 20, 11]);
    }
}
