//! `dart-exp report`: an experiment's pictures, and a page of them.

use anyhow::Result;
use dart_core::files::write_atomically;

use crate::commands::target::Target;
use crate::findings::rows::finished;
use crate::findings::summary::Findings;
use crate::output::files::write_tables;
use crate::output::{plot, report};
use crate::store::folder::Store;
use crate::terminal::paths::short;
use crate::terminal::print::print;

/// Writes them, and the tables anew.
///
/// # Errors
/// No run is finished, or a file cannot be read or written.
pub fn run(target: &Target) -> Result<()> {
    let plan = target.plan()?;
    let rows = finished(&plan)?;
    let store = Store::open(&plan.experiment.folder)?;
    let findings = Findings::new(&plan, &rows)?;
    write_tables(&findings, store.folder())?;
    let maps = plot::labels::maps(&findings)?;
    let pictures = plot::pictures(&findings, &maps)?;
    let plots = store.folder().join("plots");
    plot::save(&pictures, &plots)?;
    let page = store.folder().join("report.html");
    write_atomically(&page, report::page(&findings, &pictures, &maps)?.as_bytes())?;
    let (page, plots) = (short(&page), short(&plots));
    let count = pictures.len();
    print(&format!(
        "{page}\n{plots}: {count} pictures, each as SVG and PNG\n"
    ))
}
