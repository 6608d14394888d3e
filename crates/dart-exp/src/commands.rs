//! `run`, `table`, `collect` and `report`.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dart_core::files::write_atomically;
use serde_json::Value;

use crate::cli::{self, RunArgs};
use crate::experiment::Experiment;
use crate::failure::Interrupted;
use crate::findings::Findings;
use crate::inventory::fetch_models;
use crate::places::short;
use crate::plan::Plan;
use crate::progress::{LogFormat, Progress, duration, remark, say};
use crate::resources::{Gpu, Resources, free_memory};
use crate::results::Row;
use crate::schedule::Schedule;
use crate::signals::Stop;
use crate::store::Store;
use crate::{done, jsonl, oracle, plot, report, results, shard, table};

/// `dart-exp run FILE.yaml`.
pub fn run(args: &RunArgs) -> Result<()> {
    let format = args.log_format;
    let mut experiment = Experiment::load(&args.experiment.call())?;
    fetch_models(&mut experiment, &|text| {
        say(format, "note", text, Value::Null);
    })?;
    let plan = Plan::new(experiment)?;
    let folder = &plan.experiment.folder;
    let store = Store::open(folder)?;
    let (mut runs, mut done, mut cost) = (0, 0, 0.0);
    for group in &plan.groups {
        let finished = done::done(group, folder)?;
        for (run, finished) in group.trials.iter().zip(finished) {
            let fitted = store.run(&run.id).fit()?.is_some();
            (runs, done) = (runs + 1, done + usize::from(finished));
            cost += if fitted { 0.0 } else { run.cost };
            cost += if finished { 0.0 } else { run.test_cost };
        }
    }
    let progress = Progress::new(args.quiet, args.log_format, runs, done, cost);
    for warning in &plan.warnings {
        progress.note(&format!("note: {warning}"));
    }
    let where_to = short(folder);
    progress.note(&match done {
        0 => format!("{runs} runs, results in {where_to}"),
        _ => format!("{runs} runs, {done} of them finished before, results in {where_to}"),
    });
    let stop = Stop::listen(move || {
        if format == LogFormat::Text {
            let text = "stopping after the current step; once more: stop at once";
            say(format, "note", text, Value::Null);
        }
    })?;
    let program = std::env::current_exe().context("the path of this program")?;
    let memory = args.memory.map_or_else(free_memory, |mib| mib << 20);
    let resources = Resources::new(memory, gpus(&plan));
    let schedule = Schedule {
        plan: &plan,
        store: &store,
        progress: &progress,
        stop: &stop,
        resources: &resources,
        program,
    };
    let started = std::time::Instant::now();
    let sweep = schedule.run(jobs(args, &plan, resources.gpus())?)?;
    let text = collect_into(&plan, store.folder())?;
    progress.close();
    if sweep.stopped {
        let again = std::env::args()
            .map(|arg| quoted(&arg))
            .collect::<Vec<_>>()
            .join(" ");
        let message = format!("interrupted; what is finished is kept. Go on with: {again}");
        return Err(Interrupted(message).into());
    }
    match sweep.failures.len() {
        0 => {}
        1 => bail!("1 run failed; the same command tries it again"),
        n => bail!("{n} runs failed; the same command tries them again"),
    }
    let took = duration(started.elapsed().as_secs_f64());
    if let Some(shard) = args.experiment.shard {
        progress.note(&format!(
            "shard {shard} done in {took}; `dart-exp collect` with the same options but --shard \
             merges the shards"
        ));
        return Ok(());
    }
    progress.note(&format!(
        "done in {took}; {where_to} has runs.csv, summary.csv, table.md, table.tex; `dart-exp report` \
         makes pictures and a page of them"
    ));
    if !args.quiet {
        print(&text)?;
    }
    Ok(())
}

/// GPUs to share among the runs; none where no run asks for one.
fn gpus(plan: &Plan) -> usize {
    match plan.runs().any(|(_, run)| run.gpu() != Gpu::None) {
        true => dart_core::build::gpus(),
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

/// An argument as a shell takes it.
pub fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !argument.is_empty() && argument.chars().all(plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', "'\\''")),
    }
}

/// `dart-exp table FILE.yaml`.
pub fn table(args: &cli::Experiment) -> Result<()> {
    let plan = Plan::new(Experiment::load(&args.call())?)?;
    let rows = finished(&plan)?;
    print(&whole_table(&Findings::new(&plan, &rows)?)?)
}

/// The finished runs, of which there must be one.
fn finished(plan: &Plan) -> Result<Vec<Row<'_>>> {
    let rows = results::gather(plan, &plan.experiment.folder)?;
    if rows.is_empty() {
        let folder = short(&plan.experiment.folder);
        bail!("{folder} has no finished run of this experiment; `dart-exp run` makes them");
    }
    Ok(rows)
}

/// `dart-exp report FILE.yaml`.
pub fn report(args: &cli::Experiment) -> Result<()> {
    let plan = Plan::new(Experiment::load(&args.call())?)?;
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

/// The table, and the oracle where one was asked for.
fn whole_table(findings: &Findings) -> Result<String> {
    let oracle = oracle::section(findings.plan, findings.rows)?;
    Ok(table::markdown::markdown(findings) + &oracle)
}

/// `dart-exp collect FILE.yaml [DIR…]`.
pub fn collect(args: &cli::CollectArgs) -> Result<()> {
    let plan = Plan::new(Experiment::load(&args.experiment.call())?)?;
    let store = Store::open(&plan.experiment.folder)?;
    let merged = shard::merge(&plan, &store, &args.folders)?;
    collect_into(&plan, store.folder())?;
    let where_to = short(store.folder());
    remark(&format!("{} runs taken over into {where_to}", merged.taken));
    if merged.missing > 0 {
        let n = merged.missing;
        remark(&format!(
            "{n} runs of the plan are finished nowhere yet; `dart-exp run` makes them"
        ));
    }
    Ok(())
}

/// Writes CSV files and tables; returns the table in Markdown.
fn collect_into(plan: &Plan, folder: &Path) -> Result<String> {
    let rows = results::gather(plan, folder)?;
    write_tables(&Findings::new(plan, &rows)?, folder)
}

fn write_tables(findings: &Findings, folder: &Path) -> Result<String> {
    let (plan, rows) = (findings.plan, findings.rows);
    results::write_runs(plan, rows, &folder.join("runs.csv"))?;
    results::write_summary(findings, &folder.join("summary.csv"))?;
    jsonl::write(plan, rows, &folder.join("runs.jsonl"))?;
    oracle::write(plan, rows, &folder.join("oracle.csv"))?;
    let text = whole_table(findings)?;
    write_atomically(&folder.join("table.md"), text.as_bytes())?;
    let latex = table::latex::latex(findings);
    write_atomically(&folder.join("table.tex"), latex.as_bytes())?;
    Ok(text)
}

/// Prints data; a reader that has gone away is no failure.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output")
        }
        _ => Ok(()),
    }
}
