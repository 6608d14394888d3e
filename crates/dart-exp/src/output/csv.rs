//! `runs.csv` and `summary.csv`.

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;

use crate::experiment::options::Options;
use crate::findings::rows::Row;
use crate::findings::stats;
use crate::findings::summary::Findings;
use crate::plan::runs::Plan;
use crate::store::record::TestRecord;

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
        cells.extend([group.k.to_string(), group.seed.to_string()]);
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
            cell.k.to_string(),
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
