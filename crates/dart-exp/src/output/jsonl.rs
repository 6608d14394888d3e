//! `runs.jsonl`: what `runs.csv` tells, with its types, a JSON object a line.

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;
use serde_json::{Map, Value, json};

use crate::findings::rows::{Records, Row};
use crate::plan::outline::Outline;

/// Writes one line a finished run that has a folder; `test` is null for trials that were not chosen.
pub fn write(outline: &Outline, rows: &[Row], path: &Path) -> Result<()> {
    let mut text = String::new();
    for (row, records) in rows
        .iter()
        .filter_map(|row| Some((row, row.records.as_ref()?)))
    {
        let object = object(outline, row, records)?;
        text += &serde_json::to_string(&object).context("encoding a run")?;
        text.push('\n');
    }
    Ok(write_atomically(path, text.as_bytes())?)
}

fn object(outline: &Outline, row: &Row, records: &Records) -> Result<Value> {
    let (place, fit, test) = (&row.entry.place, &records.fit, records.test.as_ref());
    let given = row.settings.given().into_iter();
    let settings: Map<String, Value> = given
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(json!({
        "run": row.id,
        "task": outline.task(place).name,
        "method": outline.method(place).named.name,
        "model": place.model,
        "k": place.k,
        "seed": row.entry.seed,
        "settings": settings,
        "chosen": row.chosen,
        "dev": row.dev,
        "dev_loss": fit.outcome.dev_loss,
        "best_step": fit.outcome.best_step,
        "steps": fit.outcome.steps,
        "truncated": fit.outcome.truncated,
        "test": row.test,
        "test_macro_f1": test.map(|test| test.macro_f1),
        "test_loss": test.map(|test| test.loss),
        "test_rows": test.map(|test| test.rows),
        "seconds": row.seconds,
        "peak_mib": row.peak_mib,
    }))
}
