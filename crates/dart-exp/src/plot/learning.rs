//! Dev scores over the steps of training, from the runs' TensorBoard files.

use std::collections::BTreeMap;

use anyhow::Result;

use super::lines::{self, Axis, Curve, Point, Spread};
use super::{About, Picture, capital, tasks};
use crate::findings::Findings;
use crate::results::{Cell, Row};
use crate::spelled::shots;
use crate::tensorboard;

/// One picture a task, model and K: the mean over the seeds, in a band from the least to the most.
pub fn pictures(findings: &Findings) -> Result<Vec<Picture>> {
    let plan = findings.plan;
    let experiment = &plan.experiment;
    let mut pictures = Vec::new();
    for (t, task) in tasks(plan) {
        for model in &experiment.models {
            for &k in &experiment.ks {
                // A method with a model of its own stands beside each.
                let here = |cell: &&Cell| {
                    let own = !experiment.methods[cell.method].shares_models();
                    cell.task == t && cell.k == k && (own || cell.model == model.name)
                };
                let mut curves = Vec::new();
                for cell in findings.cells.iter().filter(here) {
                    let points = mean_curve(&cell.rows)?;
                    // A method without training has one evaluation or none.
                    if points.len() > 1 {
                        curves.push(Curve {
                            name: experiment.methods[cell.method].named.title.clone(),
                            place: cell.method,
                            points,
                        });
                    }
                }
                if curves.is_empty() {
                    continue;
                }
                let of_k = format!("k{}", shots(k));
                let (mut shown, mut name) = (task.title.clone(), vec!["learning", &task.name]);
                if experiment.models.len() > 1 {
                    shown += &format!(", {}", model.name);
                    name.push(&model.name);
                }
                if experiment.ks.len() > 1 {
                    shown += &format!(", K = {}", shots(k));
                    name.push(&of_k);
                }
                let x = Axis {
                    name: "Steps".to_owned(),
                    doubling: false,
                };
                let y = format!("{} on dev, %", capital(&task.metric.to_string()));
                let scene = lines::curves(&shown, &x, &y, Spread::Band, &curves);
                let title = format!("{shown}: dev scores over the steps");
                pictures.push(Picture::new(About::Learning, &name, &title, scene));
            }
        }
    }
    Ok(pictures)
}

/// At every step that all runs were evaluated at: the mean, the least and the most, in percent.
fn mean_curve(rows: &[&Row]) -> Result<Vec<Point>> {
    let mut by_step: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for row in rows {
        for (step, value) in tensorboard::scalars(&row.files.folder, "dev/metric")? {
            by_step.entry(step).or_default().push(100.0 * value);
        }
    }
    let whole = by_step
        .into_iter()
        .filter(|(_, values)| values.len() == rows.len());
    let point = |(step, values): (usize, Vec<f64>)| Point {
        x: step as f64,
        y: crate::stats::mean(&values),
        spread: Some((
            values.iter().copied().fold(f64::INFINITY, f64::min),
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )),
    };
    Ok(whole.map(point).collect())
}
