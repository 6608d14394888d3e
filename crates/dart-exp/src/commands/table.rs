//! `dart-exp table`: an experiment's table from its finished runs.

use anyhow::Result;

use crate::commands::target::Target;
use crate::findings::summary::Findings;
use crate::output::files::whole_table;
use crate::terminal::print::print;

/// Prints it.
///
/// # Errors
/// No run is finished, or a record cannot be read.
pub fn run(target: &Target) -> Result<()> {
    let source = target.source()?;
    let outline = source.outline()?;
    let rows = source.rows(&outline)?;
    print(&whole_table(&Findings::new(&outline, &rows)?)?)
}
