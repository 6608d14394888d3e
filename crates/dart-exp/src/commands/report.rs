//! `dart-exp report`: an experiment's pictures, and a page of them.

use anyhow::Result;
use dart_core::files::write_atomically;

use crate::commands::target::Target;
use crate::findings::summary::Findings;
use crate::output::files::write_tables;
use crate::output::{plot, report};
use crate::store::lock;
use crate::terminal::paths::short;
use crate::terminal::print::print;

/// Writes them, and the tables anew.
///
/// # Errors
/// No run is finished, or a file cannot be read or written.
pub fn run(target: &Target) -> Result<()> {
    let source = target.source()?;
    let outline = source.outline()?;
    let rows = source.rows(&outline)?;
    let folder = &outline.experiment.folder;
    let _lock = lock::results(folder)?;
    let findings = Findings::new(&outline, &rows)?;
    write_tables(&findings, folder)?;
    let maps = plot::labels::maps(&findings)?;
    let pictures = plot::pictures(&findings, &maps)?;
    let plots = folder.join("plots");
    plot::save(&pictures, &plots)?;
    let page = folder.join("report.html");
    write_atomically(&page, report::page(&findings, &pictures, &maps)?.as_bytes())?;
    let (page, plots) = (short(&page), short(&plots));
    let count = pictures.len();
    print(&format!(
        "{page}\n{plots}: {count} pictures, each as SVG and PNG\n"
    ))
}
