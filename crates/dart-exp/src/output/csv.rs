//! `runs.csv` and `summary.csv`.

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;

use crate::experiment::options::Options;
use crate::findings::rows::Row;
use crate::findings::stats;
use crate::findings::summary::Findings;
use crate::plan::outline::{Outline, Scored};
use crate::store::record::TestRecord;

/// Writes `runs.csv`: one row a finished run; `test` is empty for trials that were not chosen.
pub fn write_runs(outline: &Outline, rows: &[Row], path: &Path) -> Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["run", "task", "method", "model", "k", "seed"];
    header.extend(Options::NAMES);
    header.extend(["dev", "test", "seconds", "peak_mib"]);
    csv.write_record(&header)?;
    for row in rows {
        let place = &row.entry.place;
        let mut cells = vec![
            row.id.to_owned(),
            outline.task(place).name.clone(),
            outline.method(place).named.name.clone(),
            place.model.clone(),
        ];
        cells.extend([place.k.to_string(), row.entry.seed.to_string()]);
        cells.extend(row.settings.cells());
        cells.push(row.dev.to_string());
        cells.push(row.test.map_or(String::new(), |test| test.to_string()));
        cells.push(format!("{:.1}", row.seconds));
        cells.push(format!("{:.0}", row.peak_mib));
        csv.write_record(&cells)?;
    }
    save(csv, path)
}

/// Writes `summary.csv`: one row a cell.
pub fn write_summary(findings: &Findings, path: &Path) -> Result<()> {
    let outline = findings.outline;
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
        let (entry, place) = (cell.entry, cell.place());
        let task = outline.task(place);
        let tests = |of: fn(&TestRecord) -> Option<f64>| -> Vec<f64> {
            let tests = cell.rows.iter().filter_map(|row| row.tested());
            // A mean over some of the runs only would not be this cell's.
            tests.map(of).collect::<Option<_>>().unwrap_or_default()
        };
        let records = cell.rows.iter().filter_map(|row| row.records.as_ref());
        let cut: Vec<f64> = records.map(|r| r.fit.outcome.truncated).collect();
        let (split, rows) = match entry.scored {
            Scored::Dev => ("dev", Some(0)),
            Scored::Test(rows) => ("test", rows),
        };
        let mean = |values: &[f64]| stats::describe(values).map(|s| s.mean);
        let scores = cell.scores.as_ref();
        csv.write_record([
            task.name.clone(),
            outline.method(place).named.name.clone(),
            place.model.clone(),
            place.k.to_string(),
            task.metric.to_string(),
            split.to_owned(),
            scores.map_or(0, |s| s.count).to_string(),
            or_empty(scores.map(|s| s.mean)),
            or_empty(scores.and_then(|s| s.sd)),
            or_empty(scores.map(|s| s.median)),
            or_empty(scores.and_then(|s| s.interval).map(|(low, _)| low)),
            or_empty(scores.and_then(|s| s.interval).map(|(_, high)| high)),
            or_empty(test_rows.map(|(low, _)| low)),
            or_empty(test_rows.map(|(_, high)| high)),
            or_empty(mean(&cell.devs())),
            or_empty(mean(&tests(|t| Some(t.macro_f1)))),
            or_empty(mean(&tests(|t| t.directed_f1))),
            or_empty(mean(&tests(|t| Some(t.calibration_error)))),
            entry.trials.len().to_string(),
            rows.map_or(String::new(), |rows| rows.to_string()),
            or_empty(mean(&cut)),
        ])?;
    }
    save(csv, path)
}

fn save(csv: csv::Writer<Vec<u8>>, path: &Path) -> Result<()> {
    let bytes = csv.into_inner().context("encoding a CSV file")?;
    Ok(write_atomically(path, &bytes)?)
}
