//! `dart-exp collect`: files and tables anew, from finished runs here and elsewhere.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::commands::target::Target;
use crate::output::files::write_all;
use crate::run::merge::merge;
use crate::store::folder::{Store, refuse_bare};
use crate::terminal::paths::short;
use crate::terminal::progress::remark;

/// An experiment, and where its runs were done.
#[derive(Clone, Debug, Args)]
pub struct CollectArgs {
    /// The experiment.
    #[command(flatten)]
    pub target: Target,
    /// Results folders to take finished runs from, of any experiment [default: the experiment's
    /// shards]
    #[arg(value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// Takes them over and writes the tables.
///
/// # Errors
/// A folder without results, or one that cannot be read or written.
pub fn run(args: &CollectArgs) -> Result<()> {
    let plan = args.target.plan()?;
    refuse_bare(&plan.experiment.folder)?;
    let store = Store::open(&plan.experiment.folder)?;
    let merged = merge(&plan, &store, &args.folders)?;
    write_all(&plan, store.folder())?;
    let folder = short(store.folder());
    remark(&format!("{} runs taken over into {folder}", merged.taken));
    if merged.missing > 0 {
        let n = merged.missing;
        remark(&format!(
            "{n} runs of the plan are finished nowhere yet; `dart-exp run` makes them"
        ));
    }
    Ok(())
}
