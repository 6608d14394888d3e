//! `dart-exp data fetch`.

use anyhow::{Result, bail};
use clap::Args;
use dart_data::{FetchOptions, Progress, fetch, notice};

use super::source::{Data, named};
use crate::terminal::print::print;
use crate::terminal::progress::{download_bar, remark};
use crate::terminal::remedy::told;

/// How `data fetch` is called.
#[derive(Clone, Debug, Args)]
pub struct FetchArgs {
    #[command(flatten)]
    data: Data,
    /// The tasks
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
}

/// Fetches one task after the other; one that fails does not stop the others.
pub fn run(args: &FetchArgs) -> Result<()> {
    let folder = args.data.folder()?;
    let catalog = args.data.catalog()?;
    let options = FetchOptions::from_env();
    let mut failed = Vec::new();
    for task in named(&catalog, &args.tasks)? {
        remark(&notice(task));
        let bar = download_bar()?;
        let fetched = fetch(task, &folder, &options, &mut |progress: Progress| {
            if bar.message() != progress.file {
                bar.set_message(progress.file.to_owned());
            }
            if let Some(total) = progress.total {
                bar.set_length(total);
            }
            bar.set_position(progress.done);
        });
        bar.finish_and_clear();
        match fetched {
            Ok(there) => {
                let lines = there.iter().map(|path| format!("{}\n", path.display()));
                print(&lines.collect::<String>())?;
            }
            Err(error) => {
                remark(&format!("{}: {}", task.name, told(&error)));
                failed.push(task.name.as_str());
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("not fetched: {}", failed.join(", ")),
    }
}
