//! `dart-exp plan`: the runs, their work, their memory, and what is missing; nothing is run.

use std::fmt::Write;

use anyhow::{Result, bail};
use dart_data::Shots;

use crate::commands::target::Target;
use crate::experiment::definition::Experiment;
use crate::plan::completion;
use crate::plan::estimate::need;
use crate::plan::inventory::{leave_out, missing};
use crate::plan::runs::{Plan, Run};
use crate::store::folder::run_files;
use crate::terminal::paths::short;
use crate::terminal::print::print;
use crate::terminal::units::{bytes, duration, thousands};

/// Prints it.
///
/// # Errors
/// Data or models are missing, after the plan is printed as far as it can be told.
pub fn run(target: &Target) -> Result<()> {
    let mut experiment = Experiment::load(&target.call())?;
    let left_out = match experiment.keys.skip_missing() {
        true => leave_out(&mut experiment),
        false => Vec::new(),
    };
    let missing = missing(&experiment);
    if missing.is_empty() {
        return print(&whole(&Plan::new(experiment)?, &left_out)?);
    }
    let mut text = outline(&experiment);
    for message in left_out.iter().chain(&missing) {
        let _ = writeln!(text, "missing: {message}");
    }
    print(&text)?;
    match missing.len() {
        1 => bail!("1 thing is missing"),
        n => bail!("{n} things are missing"),
    }
}

/// What is known without the data.
fn outline(experiment: &Experiment) -> String {
    let (tasks, seeds) = (experiment.tasks.len(), experiment.seeds.len());
    let (mut text, mut runs) = (String::new(), 0);
    for choice in &experiment.methods {
        let models = match choice.shares_models() {
            true => experiment.models.len(),
            false => 1,
        };
        let trials = choice.search.points.len().min(choice.search.limit);
        let here = tasks * seeds * experiment.ks.len() * models * trials;
        let _ = writeln!(text, "{}: {} runs", choice.named.name, thousands(here));
        runs += here;
    }
    let ks: Vec<String> = experiment.ks.iter().map(Shots::to_string).collect();
    let names: Vec<&str> = experiment.tasks.iter().map(|t| t.name.as_str()).collect();
    let _ = writeln!(
        text,
        "{} runs at most: {}; K = {}; seeds: {seeds}",
        thousands(runs),
        names.join(", "),
        ks.join(", ")
    );
    text
}

/// Work of a part of the plan.
#[derive(Default)]
struct Work {
    runs: usize,
    done: usize,
    steps: usize,
    /// Examples passed through the model, a backward pass counted as two; of all, and of what is
    /// left.
    cost: f64,
    left: f64,
    /// Seconds and cost of finished runs.
    measured: (f64, f64),
    memory: u64,
    /// Largest memory of finished runs, in MiB.
    peak: f64,
}

impl Work {
    fn add(&mut self, run: &Run, test: f64, memory: u64, finished: Option<(f64, f64)>) {
        let cost = run.cost + test;
        self.runs += 1;
        self.steps += run.steps();
        self.cost += cost;
        self.memory = self.memory.max(memory);
        match finished {
            Some((seconds, peak)) => {
                self.done += 1;
                self.measured.0 += seconds;
                self.measured.1 += cost;
                self.peak = self.peak.max(peak);
            }
            None => self.left += cost,
        }
    }
}

fn whole(plan: &Plan, left_out: &[String]) -> Result<String> {
    let mut text = String::new();
    let mut methods: Vec<Work> = Vec::new();
    methods.resize_with(plan.experiment.methods.len(), Work::default);
    let mut done = Vec::new();
    for group in &plan.groups {
        done.extend(completion::done(group, &plan.experiment.folder)?);
    }
    for ((group, run), done) in plan.runs().zip(done) {
        let files = run_files(&plan.experiment.folder, &run.id);
        let (fit, test) = (files.fit()?, files.test()?);
        let finished = fit.filter(|_| done);
        let finished = finished.map(|fit| {
            let seconds = fit.seconds + test.as_ref().map_or(0.0, |test| test.seconds);
            (
                seconds,
                fit.peak_mib.max(test.map_or(0.0, |test| test.peak_mib)),
            )
        });
        let mark = if finished.is_some() { "done" } else { "to do" };
        let _ = writeln!(
            text,
            "{}  {}, {} steps, {mark}",
            run.id,
            plan.trial_name(group, run),
            run.steps()
        );
        let test = run.test_cost / group.trials.len() as f64;
        // Seeds need the same, or nearly so.
        let memory = match Some(&group.seed) == plan.experiment.seeds.first() {
            true => need(plan, group, run)?.memory,
            false => 0,
        };
        methods[group.place.method].add(run, test, memory, finished);
    }
    let _ = writeln!(
        text,
        "\nmethod: runs (done); optimizer steps; examples; memory of a run"
    );
    let mut all = Work::default();
    for (choice, work) in plan.experiment.methods.iter().zip(&methods) {
        let peak = match work.peak {
            0.0 => format!("about {}", bytes(work.memory)),
            mib => format!("{mib:.0} MiB measured"),
        };
        let _ = writeln!(
            text,
            "{}: {} ({}); {}; {}; {peak}",
            choice.named.name,
            thousands(work.runs),
            work.done,
            thousands(work.steps),
            thousands(work.cost as usize),
        );
        all.runs += work.runs;
        all.done += work.done;
        all.left += work.left;
        all.cost += work.cost;
        all.measured.0 += work.measured.0;
        all.measured.1 += work.measured.1;
    }
    for warning in left_out.iter().chain(&plan.warnings) {
        let _ = writeln!(text, "note: {warning}");
    }
    let _ = writeln!(
        text,
        "{} runs, {} done; {} of {} examples to be passed through the model, a backward pass \
         counted as two{}",
        thousands(all.runs),
        all.done,
        thousands(all.left as usize),
        thousands(all.cost as usize),
        time_left(&all)
    );
    let _ = writeln!(text, "results in {}", short(&plan.experiment.folder));
    Ok(text)
}

/// Time left, from the runs that are finished.
fn time_left(work: &Work) -> String {
    let (seconds, cost) = work.measured;
    match cost > 0.0 && work.left > 0.0 {
        true => format!(
            "; about {} of one run at a time, by what the finished ones took",
            duration(seconds / cost * work.left)
        ),
        false if work.left > 0.0 => "; how long that takes shows when a run is finished".to_owned(),
        false => String::new(),
    }
}
