//! The files of an experiment's results that people open.

use std::path::Path;

use anyhow::Result;
use dart_core::files::write_atomically;

use crate::findings::rows::gather;
use crate::findings::summary::Findings;
use crate::output::{csv, jsonl, oracle, table};
use crate::plan::runs::Plan;

/// Writes CSV files and tables from what the run folders hold; the table in Markdown.
///
/// # Errors
/// A record that cannot be read, or a file that cannot be written.
pub fn write_all(plan: &Plan, folder: &Path) -> Result<String> {
    let rows = gather(plan, folder)?;
    write_tables(&Findings::new(plan, &rows)?, folder)
}

/// Writes CSV files and tables; the table in Markdown.
///
/// # Errors
/// As [`write_all`].
pub fn write_tables(findings: &Findings, folder: &Path) -> Result<String> {
    let (plan, rows) = (findings.plan, findings.rows);
    csv::write_runs(plan, rows, &folder.join("runs.csv"))?;
    csv::write_summary(findings, &folder.join("summary.csv"))?;
    jsonl::write(plan, rows, &folder.join("runs.jsonl"))?;
    oracle::write(plan, rows, &folder.join("oracle.csv"))?;
    let text = whole_table(findings)?;
    write_atomically(&folder.join("table.md"), text.as_bytes())?;
    let latex = table::latex::latex(findings);
    write_atomically(&folder.join("table.tex"), latex.as_bytes())?;
    Ok(text)
}

/// The table, and the oracle where one was asked for.
///
/// # Errors
/// A record that cannot be read.
pub fn whole_table(findings: &Findings) -> Result<String> {
    let oracle = oracle::section(findings.plan, findings.rows)?;
    Ok(table::markdown::markdown(findings) + &oracle)
}
