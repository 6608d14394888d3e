//! `dart-exp data kshot`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use dart_data::{Shots, SplitRequest, write_kshot};

use super::source::{Data, usage};
use crate::terminal::print::print;
use crate::terminal::progress::remark;

/// How `data kshot` is called.
#[derive(Clone, Debug, Args)]
pub struct KshotArgs {
    #[command(flatten)]
    data: Data,
    /// The task
    #[arg(long)]
    task: String,
    /// Training rows a class
    #[arg(long)]
    k: NonZeroUsize,
    /// Seed of the draw
    #[arg(long)]
    seed: u32,
    /// Folder to write <task>/<K>-<SEED>/ in
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Ten times as many dev rows (LM-BFF's k-shot-10x)
    #[arg(long = "10x")]
    ten_times: bool,
    /// Fail where a class has too few rows
    #[arg(long)]
    strict: bool,
    /// Draw from this distribution only, such as glue or sentence
    #[arg(long, value_name = "NAME")]
    layout: Option<String>,
}

/// Writes the split and prints the names of its files.
pub fn run(args: &KshotArgs) -> Result<()> {
    let folder = args.data.folder()?;
    let catalog = args.data.catalog()?;
    let task = catalog.task(&args.task).map_err(usage)?;
    let request = SplitRequest {
        dev_factor: if args.ten_times { 10 } else { 1 },
        strict: args.strict,
        layout: args.layout.as_deref(),
        ..SplitRequest::new(&folder, Shots::Of(args.k), args.seed.into())
    };
    let written = write_kshot(task, &request, &args.out)?;
    for warning in &written.warnings {
        remark(&format!("note: {warning}"));
    }
    let lines = written
        .files
        .iter()
        .map(|file| format!("{}\n", file.display()));
    print(&lines.collect::<String>())
}
