//! `runs.jsonl`: what `runs.csv` tells, with its types, a JSON object a line.

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;
use serde_json::{Map, Value, json};

use crate::findings::rows::Row;
use crate::plan::runs::Plan;

/// Writes one line a finished run; `test` is null for trials that were not chosen.
pub fn write(plan: &Plan, rows: &[Row], path: &Path) -> Result<()> {
    let mut text = String::new();
    for row in rows {
        text += &serde_json::to_string(&object(plan, row)?).context("encoding a run")?;
        text.push('\n');
    }
    Ok(write_atomically(path, text.as_bytes())?)
}

fn object(plan: &Plan, row: &Row) -> Result<Value> {
    let (group, fit, test) = (row.group, &row.fit, row.test.as_ref());
    let given = row.run.shown.given().into_iter();
    let settings: Map<String, Value> = given
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(json!({
        "run": row.run.id,
        "task": plan.task(group).name,
        "method": plan.method(group).named.name,
        "model": group.model,
        "k": group.k,
        "seed": group.seed,
        "settings": settings,
        "chosen": row.chosen,
        "dev": fit.outcome.dev,
        "dev_loss": fit.outcome.dev_loss,
        "best_step": fit.outcome.best_step,
        "steps": fit.outcome.steps,
        "truncated": fit.outcome.truncated,
        "test": test.map(|test| test.metric),
        "test_macro_f1": test.map(|test| test.macro_f1),
        "test_loss": test.map(|test| test.loss),
        "test_rows": test.map(|test| test.rows),
        "seconds": fit.seconds + test.map_or(0.0, |test| test.seconds),
        "peak_mib": fit.peak_mib.max(test.map_or(0.0, |test| test.peak_mib)),
    }))
}
