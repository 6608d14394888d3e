//! What an experiment has found: everything that tables, pictures and the report show, computed
//! once.

use anyhow::Result;
use dart_data::Shots;

use crate::experiment::definition::Listed;
use crate::experiment::place::Place;
use crate::findings::against::{self, Against};
use crate::findings::bootstrap::Bootstrap;
use crate::findings::cells::{Cell, cells};
use crate::findings::compare::{self, Comparison};
use crate::findings::rows::Row;
use crate::findings::stats;
use crate::plan::outline::Outline;

/// The findings of the runs that have finished.
pub struct Findings<'a> {
    /// What was planned.
    pub outline: &'a Outline<'a>,
    /// The finished runs.
    pub rows: &'a [Row<'a>],
    /// The cells of the table.
    pub cells: Vec<Cell<'a>>,
    /// For each cell the central 95 % of its score under resampling of the test rows, seeds held
    /// fixed; none where it was not scored on test.
    pub test_rows: Vec<Option<(f64, f64)>>,
    /// The rows of the table.
    pub lines: Vec<Line>,
    /// One method against the others: its index, and the comparisons.
    pub comparisons: Option<(usize, Vec<Comparison>)>,
    /// Our scores beside published ones.
    pub against: Vec<Against<'a>>,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Line {
    /// The method, with model and K where there are several.
    pub name: String,
    /// The method, with its model where there are several: what rows that differ in K share.
    pub series: String,
    /// Index of the method; none for published figures.
    pub method: Option<usize>,
    /// Its model; none for published figures.
    pub model: Option<String>,
    /// Training examples a class.
    pub k: Shots,
    /// Its scores by task, in percent.
    pub scores: Vec<Option<Score>>,
    /// Their mean, where every task has one; none for published figures.
    pub average: Option<f64>,
}

/// A score in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean over the seeds.
    pub mean: f64,
    /// Sample standard deviation over the seeds.
    pub sd: Option<f64>,
    /// Interval over the seeds; none for published figures.
    pub interval: Option<(f64, f64)>,
}

impl<'a> Findings<'a> {
    /// Computes all of them.
    pub fn new(outline: &'a Outline<'a>, rows: &'a [Row<'a>]) -> Result<Self> {
        let cells = cells(outline, rows);
        let mut bootstrap = Bootstrap::new(outline);
        let mut test_rows = Vec::new();
        for cell in &cells {
            let share = 1.0 / cell.rows.len().max(1) as f64;
            let runs: Vec<(&Row, f64)> = cell.rows.iter().map(|row| (*row, share)).collect();
            test_rows.push(bootstrap.sum(&runs)?.and_then(stats::percentiles));
        }
        let first = outline.experiment.compare.as_ref().and_then(|name| {
            let methods = &outline.experiment.methods;
            methods.iter().position(|choice| choice.named.name == *name)
        });
        let comparisons = match first {
            Some(first) => Some((
                first,
                compare::compare(outline, &cells, first, &mut bootstrap)?,
            )),
            None => None,
        };
        let mut lines = lines(outline, &cells);
        lines.extend(published_lines(outline));
        Ok(Findings {
            outline,
            rows,
            test_rows,
            lines,
            comparisons: comparisons.filter(|(_, all)| !all.is_empty()),
            against: against::against(outline, &cells),
            cells,
        })
    }
}

impl Findings<'_> {
    /// Whether no run has a folder: what only folders tell is not known then.
    pub fn without_folders(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.records.is_none())
    }
}

/// Our own rows, in the order of the methods.
fn lines(outline: &Outline, cells: &[Cell]) -> Vec<Line> {
    let experiment = outline.experiment;
    let mut keys: Vec<(usize, &str, Shots)> = Vec::new();
    for Place {
        method, model, k, ..
    } in cells.iter().map(Cell::place)
    {
        if !keys.contains(&(*method, model, *k)) {
            keys.push((*method, model, *k));
        }
    }
    keys.sort_by_key(|(method, _, _)| *method);
    let line = |(method, model, k): (usize, &str, Shots)| {
        let mut series = experiment.methods[method].named.title.clone();
        if experiment.models.len() > 1 && experiment.methods[method].shares_models() {
            series += &format!(", {model}");
        }
        let mut name = series.clone();
        if experiment.ks.len() > 1 {
            name += &format!(", K={k}");
        }
        let of_task = |task: usize| {
            let place = Place {
                task,
                method,
                model: model.to_owned(),
                k,
            };
            let here = |cell: &&Cell| *cell.place() == place;
            let sample = cells.iter().find(here)?.scores.as_ref()?;
            Some(Score {
                mean: 100.0 * sample.mean,
                sd: sample.sd.map(|sd| 100.0 * sd),
                interval: sample.interval.map(in_percent),
            })
        };
        let scores: Vec<Option<Score>> = (0..experiment.tasks.len()).map(of_task).collect();
        // An average over some of the tasks is no average of this table.
        let whole: Option<Vec<f64>> = scores.iter().map(|s| s.map(|s| s.mean)).collect();
        Line {
            name,
            series,
            method: Some(method),
            model: Some(model.to_owned()),
            k,
            average: whole.map(|means| stats::mean(&means)),
            scores,
        }
    };
    keys.into_iter().map(line).collect()
}

/// Rows of published figures of these tasks, one a method and model.
fn published_lines(outline: &Outline) -> Vec<Line> {
    let experiment = outline.experiment;
    let mut lines: Vec<Line> = Vec::new();
    for figure in against::known(outline) {
        let many = if experiment.ks.len() > 1 {
            format!(", K={}", figure.k)
        } else {
            String::new()
        };
        let series = format!("{} as published, {}", figure.method, figure.model);
        let name = format!("{series}{many}");
        let at = lines
            .iter()
            .position(|line| line.name == name)
            .unwrap_or_else(|| {
                lines.push(Line {
                    name,
                    series,
                    method: None,
                    model: None,
                    k: figure.k,
                    scores: vec![None; experiment.tasks.len()],
                    average: None,
                });
                lines.len() - 1
            });
        let same = |task: &Listed| task.name == figure.task;
        if let Some(task) = experiment.tasks.iter().position(same) {
            lines[at].scores[task] = Some(Score {
                mean: figure.mean,
                sd: figure.sd,
                interval: None,
            });
        }
    }
    lines
}

/// A pair of shares in percent.
pub fn in_percent((low, high): (f64, f64)) -> (f64, f64) {
    (100.0 * low, 100.0 * high)
}
