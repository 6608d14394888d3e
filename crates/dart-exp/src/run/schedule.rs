//! Runs the plan: a slot of the pool for each child process, trials first, then, when the choice
//! among a group's trials is written, test once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use crate::plan::estimate;
use crate::plan::need::Gpu;
use crate::plan::runs::{Group, Plan, Run};
use crate::run::child::{Attempt, Call, End, tail};
use crate::run::resources::Resources;
use crate::run::selection;
use crate::run::signals::Stop;
use crate::store::folder::Store;
use crate::store::job::{Job, Stage};
use crate::store::record::{FIT_BEFORE, FitRecord, Trial, same};
use crate::terminal::failure::one_line;
use crate::terminal::paths::short;
use crate::terminal::progress::Progress;

/// How a sweep ended.
#[derive(Debug, PartialEq)]
pub struct Sweep {
    /// What failed, a line each.
    pub failures: Vec<String>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// The parts of a sweep.
pub struct Schedule<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// Where it goes.
    pub store: &'a Store,
    /// What is shown.
    pub progress: &'a Progress,
    /// Whether to stop.
    pub stop: &'a Stop,
    /// Memory and GPUs.
    pub resources: &'a Resources,
    /// This program.
    pub program: PathBuf,
}

/// A group's trials that have ended well, by place in the plan, and how many have not ended.
struct Ended {
    left: AtomicUsize,
    trials: Mutex<Vec<(usize, Trial)>>,
}

impl Schedule<'_> {
    /// Does everything that is not done yet, `jobs` children at a time.
    pub fn run(&self, jobs: usize) -> Result<Sweep> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .context("starting the scheduler's threads")?;
        let failures = Mutex::new(Vec::new());
        let fail = |text: String| {
            self.progress.failure(&text);
            failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
        };
        let groups: Vec<(&Group, Ended)> = self
            .plan
            .groups
            .iter()
            .map(|group| {
                let left = AtomicUsize::new(group.trials.len());
                (
                    group,
                    Ended {
                        left,
                        trials: Mutex::default(),
                    },
                )
            })
            .collect();
        pool.in_place_scope_fifo(|scope| {
            for (group, ended) in &groups {
                for (place, _) in group.trials.iter().enumerate() {
                    let fail = &fail;
                    scope.spawn_fifo(move |_| {
                        if let Err(error) = self.trial(group, place, ended) {
                            let name = self.plan.trial_name(group, &group.trials[place]);
                            fail(format!("{name}: {}", one_line(&error)));
                        }
                    });
                }
            }
        });
        let failures = failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Sweep {
            failures,
            stopped: self.stop.stopped(),
        })
    }

    /// Trains one trial; the last of its group to end chooses and scores.
    fn trial(&self, group: &Group, place: usize, ended: &Ended) -> Result<()> {
        let run = &group.trials[place];
        let fitted = self.fit_and_count(group, run);
        if let Ok(Some(record)) = &fitted {
            let (dev, dev_loss) = (record.outcome.dev, record.outcome.dev_loss);
            let trial = Trial {
                run: run.id.clone(),
                dev,
                dev_loss,
            };
            let mut trials = ended.trials.lock().unwrap_or_else(PoisonError::into_inner);
            trials.push((place, trial));
            // Weights that can no longer win are of no use, but to an oracle.
            if let Some(best) =
                selection::best(&trials).filter(|_| !self.plan.experiment.keys.oracle())
            {
                for (_, loser) in trials.iter().filter(|(_, trial)| trial.run != best.run) {
                    self.store.run(&loser.run).drop_weights()?;
                }
            }
        }
        let last = ended.left.fetch_sub(1, Ordering::SeqCst) == 1;
        let outcome = fitted.map(|_| ());
        if last && !self.stop.stopped() {
            let mut trials = ended.trials.lock().unwrap_or_else(PoisonError::into_inner);
            trials.sort_by_key(|(place, _)| *place);
            if trials.len() == group.trials.len() {
                self.choose_and_score(group, &trials)?;
            }
        }
        outcome
    }

    fn fit_and_count(&self, group: &Group, run: &Run) -> Result<Option<FitRecord>> {
        let before = self.store.run(&run.id).fit()?;
        if before.is_some() {
            return Ok(before);
        }
        let fitted = self.fit(group, run)?;
        if let Some(record) = fitted.as_ref().filter(|_| !group.ends_with_test()) {
            let text = format!("dev {:.3}, {:.0} s", record.outcome.dev, record.seconds);
            let data = json!({"dev": record.outcome.dev, "seconds": record.seconds});
            self.progress
                .run_done(&self.plan.trial_name(group, run), &text, data);
        }
        Ok(fitted)
    }

    /// Trains; `None` where it was stopped.
    fn fit(&self, group: &Group, run: &Run) -> Result<Option<FitRecord>> {
        let files = self.store.run(&run.id);
        match self.child(group, run, &run.job(Stage::Fit, &files))? {
            End::Stopped => return Ok(None),
            End::Failed(why) => {
                files.take_back_fit()?;
                return Err(anyhow!(why));
            }
            End::Done => {}
        }
        self.progress.part_done(&run.id, run.cost);
        let record = files.fit()?.context("the run ended without a result")?;
        if let Some(before) = files.fit_before()? {
            if let Err(error) = same(&record.outcome, &before.outcome, run.job.settings.device) {
                files.take_back_fit()?;
                files.drop_weights()?;
                return Err(error.context(format!(
                    "its result is kept; {} can be removed to do it anew",
                    short(&files.folder)
                )));
            }
            files.forget(FIT_BEFORE)?;
        }
        self.progress
            .dev(&self.plan.name(group), record.outcome.dev);
        Ok(Some(record))
    }

    /// Writes the choice, then scores test with it.
    fn choose_and_score(&self, group: &Group, trials: &[(usize, Trial)]) -> Result<()> {
        let Some(best) = selection::best(trials) else {
            return Ok(());
        };
        let Some(run) = group.trials.iter().find(|run| run.id == best.run) else {
            return Ok(());
        };
        let files = self.store.run(&run.id);
        for (_, trial) in trials.iter().filter(|(_, trial)| trial.run != run.id) {
            self.store.run(&trial.run).forget("selection.json")?;
        }
        let selection = selection::selection(best, trials);
        if files.selection()?.as_ref() != Some(&selection) {
            files.write("selection.json", &selection)?;
        }
        if group.test_rows > 0 && files.test()?.is_none() {
            if !self.with_weights(group, run)? {
                return Ok(());
            }
            match self.child(group, run, &run.job(Stage::Score, &files))? {
                End::Stopped => return Ok(()),
                End::Failed(why) => return Err(anyhow!(why)),
                End::Done => self.progress.part_done(&run.id, run.test_cost),
            }
            let test = files.test()?.context("scoring ended without a result")?;
            let text = format!("dev {:.3}, test {:.3}", best.dev, test.metric);
            let data = json!({"dev": best.dev, "test": test.metric});
            match group.ends_with_test() {
                true => self.progress.run_done(&self.plan.name(group), &text, data),
                false => self
                    .progress
                    .note(&format!("{}: {text}", self.plan.name(group))),
            }
        }
        if self.plan.experiment.keys.oracle() && group.test_rows > 0 {
            self.score_oracles(group, &run.id)?;
        }
        if !self.plan.experiment.keys.keep_weights() {
            files.drop_weights()?;
        }
        Ok(())
    }

    /// Sees to it that a trained run has its weights; `false` where it was stopped.
    fn with_weights(&self, group: &Group, run: &Run) -> Result<bool> {
        let files = self.store.run(&run.id);
        if files.has_weights() {
            return Ok(true);
        }
        // Wanted anew after its weights had gone: the same run gives the same bits.
        files.put_fit_aside()?;
        files.drop_weights()?;
        Ok(self.fit(group, run)?.is_some())
    }

    /// Scores test with the trials that were not chosen, once the choice is written.
    fn score_oracles(&self, group: &Group, chosen: &str) -> Result<()> {
        for run in group.trials.iter().filter(|run| run.id != chosen) {
            let files = self.store.run(&run.id);
            if files.oracle()?.is_none() {
                if !self.with_weights(group, run)? {
                    return Ok(());
                }
                match self.child(group, run, &run.job(Stage::Oracle, &files))? {
                    End::Stopped => return Ok(()),
                    End::Failed(why) => return Err(anyhow!(why)),
                    End::Done => {}
                }
            }
            files.drop_weights()?;
        }
        Ok(())
    }

    /// Runs a child; one that dies is tried once more.
    fn child(&self, group: &Group, run: &Run, job: &Job) -> Result<End> {
        let mut death = String::new();
        for attempt in 1..=2 {
            let mut need = estimate::need(self.plan, group, run)?;
            if attempt > 1 {
                // Memory may have been what it lacked: this time it has all of it.
                need.memory = self.resources.memory();
                need.beside_gpu = need.memory;
            }
            let held = self.resources.take(need);
            if self.stop.stopped() {
                return Ok(End::Stopped);
            }
            let gpu = held.gpu.filter(|_| need.gpu == Gpu::Any);
            let call = Call {
                program: &self.program,
                job,
                threads: run.threads(),
                gpu,
            };
            let advance = |step: usize| {
                let share = step as f64 / run.steps().max(1) as f64;
                self.progress.advance(&run.id, run.cost * share);
            };
            match call.attempt(self.stop, advance)? {
                Attempt::Ended(end) => return Ok(end),
                Attempt::Died(_) if self.stop.stopped() => return Ok(End::Stopped),
                Attempt::Died(how) => {
                    let log = job.files.log();
                    death = format!("{how}; {} ends: {}", short(&log), tail(&log));
                    if attempt == 1 {
                        let name = self.plan.trial_name(group, run);
                        self.progress
                            .failure(&format!("{name}: {death}; trying once more"));
                    }
                }
            }
        }
        Ok(End::Failed(death))
    }
}
