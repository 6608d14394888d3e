//! `dart-exp run`: the runs of an experiment that are not done yet, and its tables.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::commands::target::Target;
use crate::experiment::definition::Experiment;
use crate::output::files::write_all;
use crate::plan::completion::Done;
use crate::plan::inventory::fetch_models;
use crate::plan::need::Gpu;
use crate::plan::runs::Plan;
use crate::run::resources::{Resources, free_memory};
use crate::run::schedule::{Schedule, Sweep};
use crate::run::signals::Stop;
use crate::store::folder::{Store, refuse_bare};
use crate::terminal::failure::Interrupted;
use crate::terminal::paths::short;
use crate::terminal::print::{print, quoted};
use crate::terminal::progress::{LogFormat, Progress, say};
use crate::terminal::units::duration;

/// An experiment, and how to run it.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The experiment.
    #[command(flatten)]
    pub target: Target,
    /// Runs at a time [default: processor cores / threads of a run]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Memory that runs may use together, in MiB [default: nine tenths of what is free]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory: Option<u64>,
    /// Show failures only
    #[arg(long, short)]
    pub quiet: bool,
    /// How messages look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// Does it.
///
/// # Errors
/// Data or models that are missing, runs that failed, or a stop.
pub fn run(args: &RunArgs) -> Result<()> {
    let plan = planned(args)?;
    refuse_bare(&plan.experiment.folder)?;
    let store = Store::open(&plan.experiment.folder)?;
    let progress = begin(args, &plan, &store)?;
    let stop = stop(args.log_format)?;
    let started = Instant::now();
    let sweep = sweep(args, &plan, &store, &progress, &stop)?;
    let table = write_all(&plan, store.folder())?;
    progress.close();
    refuse_unfinished(&sweep)?;
    progress.note(&end(args, &plan, started));
    match args.quiet || args.target.shard.is_some() {
        true => Ok(()),
        false => print(&table),
    }
}

fn planned(args: &RunArgs) -> Result<Plan> {
    let mut experiment = Experiment::load(&args.target.call())?;
    fetch_models(&mut experiment, &|text| {
        say(args.log_format, "note", text, Value::Null);
    })?;
    Plan::new(experiment)
}

/// Says what there is to do.
fn begin(args: &RunArgs, plan: &Plan, store: &Store) -> Result<Progress> {
    let done = Done::count(plan, store)?;
    let (runs, finished) = (done.runs, done.finished);
    let progress = Progress::new(args.quiet, args.log_format, runs, finished, done.cost_left);
    for warning in &plan.warnings {
        progress.note(&format!("note: {warning}"));
    }
    let folder = short(store.folder());
    progress.note(&match finished {
        0 => format!("{runs} runs, results in {folder}"),
        _ => format!("{runs} runs, {finished} of them finished before, results in {folder}"),
    });
    Ok(progress)
}

fn stop(format: LogFormat) -> Result<Stop> {
    Stop::listen(move || {
        if format == LogFormat::Text {
            let text = "stopping after the current step; once more: stop at once";
            say(format, "note", text, Value::Null);
        }
    })
}

fn sweep(
    args: &RunArgs,
    plan: &Plan,
    store: &Store,
    progress: &Progress,
    stop: &Stop,
) -> Result<Sweep> {
    let memory = args.memory.map_or_else(free_memory, |mib| mib << 20);
    let resources = Resources::new(memory, gpus(plan));
    let schedule = Schedule {
        plan,
        store,
        progress,
        stop,
        resources: &resources,
        program: std::env::current_exe().context("the path of this program")?,
    };
    schedule.run(jobs(args, plan, resources.gpus())?)
}

fn refuse_unfinished(sweep: &Sweep) -> Result<()> {
    if sweep.stopped {
        let again: Vec<String> = std::env::args().map(|arg| quoted(&arg)).collect();
        let again = again.join(" ");
        let message = format!("interrupted; what is finished is kept. Go on with: {again}");
        return Err(Interrupted(message).into());
    }
    match sweep.failures.len() {
        0 => Ok(()),
        1 => bail!("1 run failed; the same command tries it again"),
        n => bail!("{n} runs failed; the same command tries them again"),
    }
}

fn end(args: &RunArgs, plan: &Plan, started: Instant) -> String {
    let took = duration(started.elapsed().as_secs_f64());
    let folder = short(&plan.experiment.folder);
    match args.target.shard {
        Some(shard) => format!(
            "shard {shard} done in {took}; `dart-exp collect` with the same options but --shard \
             merges the shards"
        ),
        None => format!(
            "done in {took}; {folder} has runs.csv, summary.csv, table.md, table.tex; `dart-exp \
             report` makes pictures and a page of them"
        ),
    }
}

/// GPUs to share among the runs; none where no run asks for one.
fn gpus(plan: &Plan) -> usize {
    match plan.runs().any(|(_, run)| run.gpu() != Gpu::None) {
        true => dart_core::device::gpus(),
        false => 0,
    }
}

/// Children at a time: as asked for, or as many as there are GPUs or the processor has room for.
fn jobs(args: &RunArgs, plan: &Plan, gpus: usize) -> Result<usize> {
    if let (None, 1..) = (args.jobs, gpus) {
        return Ok(gpus);
    }
    let threads = plan.runs().map(|(_, run)| run.threads()).max().unwrap_or(1);
    let cores = std::thread::available_parallelism()
        .context("processor cores")?
        .get();
    Ok(args.jobs.map_or((cores / threads).max(1), usize::from))
}
