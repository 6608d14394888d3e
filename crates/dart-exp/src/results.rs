//! What the run folders hold, in the order of the plan, as `runs.csv` and `summary.csv`.

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;

use crate::findings::Findings;
use crate::options::Options;
use crate::plan::{Group, Plan, Run};
use crate::spelled::shots;
use crate::stats::{self, Sample};
use crate::store::{FitRecord, RunFiles, TestRecord, run_files};

/// A run whose training has finished.
pub struct Row<'a> {
    /// Its group.
    pub group: &'a Group,
    /// The run.
    pub run: &'a Run,
    /// Its files.
    pub files: RunFiles,
    /// Its training.
    pub fit: FitRecord,
    /// Whether it was chosen among its group's trials.
    pub chosen: bool,
    /// Its test scores; none where it was not chosen.
    pub test: Option<TestRecord>,
}

/// The finished runs of a plan.
pub fn gather<'a>(plan: &'a Plan, folder: &Path) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for (group, run) in plan.runs() {
        let files = run_files(folder, &run.id);
        let Some(fit) = files.fit()? else { continue };
        // A choice among other trials than the plan's is an older plan's.
        let chosen = files.selection()?.is_some_and(|selection| {
            let trials = selection.trials.iter().map(|trial| &trial.run);
            selection.winner == run.id && trials.eq(group.trials.iter().map(|run| &run.id))
        });
        let test = if chosen { files.test()? } else { None };
        rows.push(Row {
            group,
            run,
            files,
            fit,
            chosen,
            test,
        });
    }
    Ok(rows)
}

/// Writes `runs.csv`: one row a finished run; `test` is empty for trials that were not chosen.
pub fn write_runs(plan: &Plan, rows: &[Row], path: &Path) -> Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["run", "task", "method", "model", "k", "seed"];
    header.extend(Options::NAMES);
    header.extend(["dev", "test", "seconds", "peak_mib"]);
    csv.write_record(&header)?;
    for row in rows {
        let (group, fit) = (row.group, &row.fit);
        let (task, method) = (&plan.task(group).name, &plan.method(group).named.name);
        let mut cells = vec![
            row.run.id.clone(),
            task.clone(),
            method.clone(),
            group.model.clone(),
        ];
        cells.extend([shots(group.k), group.seed.to_string()]);
        cells.extend(row.run.shown.cells());
        let test = row.test.as_ref();
        let seconds = fit.seconds + test.map_or(0.0, |test| test.seconds);
        let peak = fit.peak_mib.max(test.map_or(0.0, |test| test.peak_mib));
        cells.push(fit.outcome.dev.to_string());
        cells.push(test.map_or(String::new(), |test| test.metric.to_string()));
        cells.extend([format!("{seconds:.1}"), format!("{peak:.0}")]);
        csv.write_record(&cells)?;
    }
    save(csv, path)
}

/// A cell of the table: the chosen runs of a (task, method, model, k) over the seeds.
pub struct Cell<'a> {
    /// Index of the task.
    pub task: usize,
    /// Index of the method.
    pub method: usize,
    /// The model.
    pub model: &'a str,
    /// Training examples a class.
    pub k: usize,
    /// Its rows, in the order of the seeds.
    pub rows: Vec<&'a Row<'a>>,
    /// The test scores, or the dev scores where test is not scored.
    pub scores: Option<Sample>,
}

/// The cells, in the order of the plan; those without a finished run too.
pub fn cells<'a>(plan: &'a Plan, rows: &'a [Row<'a>]) -> Vec<Cell<'a>> {
    let mut cells: Vec<Cell> = Vec::new();
    for group in &plan.groups {
        let (task, method, model, k) = (group.task, group.method, group.model.as_str(), group.k);
        let same = |c: &Cell| (c.task, c.method, c.model, c.k) == (task, method, model, k);
        if !cells.iter().any(same) {
            cells.push(Cell {
                task,
                method,
                model,
                k,
                rows: Vec::new(),
                scores: None,
            });
        }
    }
    for cell in &mut cells {
        let here = |row: &&Row| {
            let group = row.group;
            let place = (group.task, group.method, group.model.as_str(), group.k);
            row.chosen && place == (cell.task, cell.method, cell.model, cell.k)
        };
        cell.rows = rows.iter().filter(here).collect();
        let scores: Vec<f64> = cell
            .rows
            .iter()
            .filter_map(|row| score(row, row.group.test_rows > 0))
            .collect();
        cell.scores = stats::describe(&scores);
    }
    cells
}

/// The score that tables show: test, or dev where test is not scored.
pub fn score(row: &Row, on_test: bool) -> Option<f64> {
    match on_test {
        true => row.test.as_ref().map(|test| test.metric),
        false => Some(row.fit.outcome.dev),
    }
}

/// Writes `summary.csv`: one row a cell.
pub fn write_summary(findings: &Findings, path: &Path) -> Result<()> {
    let plan = findings.plan;
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "task",
        "method",
        "model",
        "k",
        "metric",
        "split",
        "seeds",
        "mean",
        "sd",
        "median",
        "low",
        "high",
        "test_rows_low",
        "test_rows_high",
        "dev_mean",
        "macro_f1_mean",
        "directed_f1_mean",
        "calibration_error_mean",
        "trials",
        "test_rows",
        "truncated",
    ])?;
    let or_empty = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
    for (cell, test_rows) in findings.cells.iter().zip(&findings.test_rows) {
        let Some(group) = plan.groups.iter().find(|g| {
            (g.task, g.method, g.model.as_str(), g.k)
                == (cell.task, cell.method, cell.model, cell.k)
        }) else {
            continue;
        };
        let task = plan.task(group);
        let tests = |of: fn(&TestRecord) -> Option<f64>| -> Vec<f64> {
            let tests = cell.rows.iter().filter_map(|row| row.test.as_ref());
            // A mean over some of the runs only would not be this cell's.
            tests.map(of).collect::<Option<_>>().unwrap_or_default()
        };
        let devs: Vec<f64> = cell.rows.iter().map(|row| row.fit.outcome.dev).collect();
        let cut: Vec<f64> = cell
            .rows
            .iter()
            .map(|row| row.fit.outcome.truncated)
            .collect();
        let mean = |values: &[f64]| stats::describe(values).map(|s| s.mean);
        let scores = cell.scores.as_ref();
        csv.write_record([
            task.name.clone(),
            plan.method(group).named.name.clone(),
            cell.model.to_owned(),
            shots(cell.k),
            task.metric.to_string(),
            if group.test_rows > 0 { "test" } else { "dev" }.to_owned(),
            scores.map_or(0, |s| s.count).to_string(),
            or_empty(scores.map(|s| s.mean)),
            or_empty(scores.and_then(|s| s.sd)),
            or_empty(scores.map(|s| s.median)),
            or_empty(scores.and_then(|s| s.interval).map(|(low, _)| low)),
            or_empty(scores.and_then(|s| s.interval).map(|(_, high)| high)),
            or_empty(test_rows.map(|(low, _)| low)),
            or_empty(test_rows.map(|(_, high)| high)),
            or_empty(mean(&devs)),
            or_empty(mean(&tests(|t| Some(t.macro_f1)))),
            or_empty(mean(&tests(|t| t.directed_f1))),
            or_empty(mean(&tests(|t| t.calibration_error))),
            group.trials.len().to_string(),
            group.test_rows.to_string(),
            or_empty(mean(&cut)),
        ])?;
    }
    save(csv, path)
}

fn save(csv: csv::Writer<Vec<u8>>, path: &Path) -> Result<()> {
    let bytes = csv.into_inner().context("encoding a CSV file")?;
    Ok(write_atomically(path, &bytes)?)
}
