//! The files of an experiment's results that people open.

use std::path::Path;

use anyhow::Result;
use dart_core::files::write_atomically;

use crate::findings::rows::gather;
use crate::findings::summary::Findings;
use crate::output::{csv, jsonl, oracle, table};
use crate::plan::runs::Plan;

/// Writes CSV files and tables from what the run folders hold; returns the table in Markdown.
///
/// # Errors
/// A record that cannot be read, or a file that cannot be written.
pub fn write_all(plan: &Plan, folder: &Path) -> Result<String> {
    let outline = plan.outline();
    let rows = gather(&outline, folder)?;
    write_tables(&Findings::new(&outline, &rows)?, folder)
}

/// Writes CSV files and tables; returns the table in Markdown. Without run folders `runs.csv` is what
/// all is made of, and stays as it is.
///
/// # Errors
/// As [`write_all`].
pub fn write_tables(findings: &Findings, folder: &Path) -> Result<String> {
    let (outline, rows) = (findings.outline, findings.rows);
    if !findings.without_folders() {
        csv::write_runs(outline, rows, &folder.join("runs.csv"))?;
        jsonl::write(outline, rows, &folder.join("runs.jsonl"))?;
        oracle::write(outline, rows, &folder.join("oracle.csv"))?;
    }
    csv::write_summary(findings, &folder.join("summary.csv"))?;
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
    let oracle = oracle::section(findings.outline, findings.rows)?;
    Ok(table::markdown::markdown(findings) + &oracle)
}
