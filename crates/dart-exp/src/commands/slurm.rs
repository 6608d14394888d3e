//! `dart-exp slurm`: an experiment as a Slurm job array, each task of which does its shard, and a
//! job that merges when all have ended.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use dart_core::files::write_atomically;

use crate::commands::target::Target;
use crate::experiment::definition::Experiment;
use crate::plan::estimate::need;
use crate::plan::inventory::fetch_models;
use crate::plan::need::Gpu;
use crate::plan::runs::Plan;
use crate::terminal::failure::Usage;
use crate::terminal::paths::{root, short};
use crate::terminal::print::{print, quoted};
use crate::terminal::progress::remark;

/// What the program itself may take beside a run.
const PARENT_MIB: u64 = 300;

/// Arguments of `dart-exp slurm`.
#[derive(Clone, Debug, Args)]
pub struct SlurmArgs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Target,
    /// Array tasks, each of which does one shard [default: one for 8 groups of runs, at most 32]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub tasks: Option<u16>,
    /// Runs at a time in an array task
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
    /// An option for sbatch, such as --partition=long; may stand several times
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// Write the scripts and submit nothing
    #[arg(long)]
    pub write_only: bool,
}

/// Writes the scripts and submits them.
pub fn run(args: &SlurmArgs) -> Result<()> {
    if args.experiment.shard.is_some() {
        return Err(Usage("slurm: it makes the shards itself; leave --shard out".into()).into());
    }
    if let Some(wrong) = args.sbatch.iter().find(|option| !option.starts_with('-')) {
        let message = format!("--sbatch {wrong}: give an option of sbatch, such as --time=2:00:00");
        return Err(Usage(message).into());
    }
    let mut experiment = Experiment::load(&args.experiment.call())?;
    fetch_models(&mut experiment, &remark)?;
    let plan = Plan::new(experiment)?;
    let folder = &plan.experiment.folder;
    std::fs::create_dir_all(folder).with_context(|| short(folder))?;
    let scripts = Scripts {
        plan: &plan,
        args,
        program: std::env::current_exe().context("the path of this program")?,
        root: root()?,
        here: std::env::current_dir().context("the working folder")?,
    };
    let (array, merge) = (
        folder.join("slurm-array.sh"),
        folder.join("slurm-collect.sh"),
    );
    write_atomically(&array, scripts.array()?.as_bytes())?;
    write_atomically(&merge, scripts.collect().as_bytes())?;
    if args.write_only {
        let (array, merge) = (short(&array), short(&merge));
        return print(&format!(
            "{array}\n{merge}\nsubmit with: sbatch {array}; when it has ended: sbatch {merge}\n"
        ));
    }
    let job = sbatch(&[], &array)?;
    let after = sbatch(&[&format!("--dependency=afterany:{job}")], &merge)?;
    print(&format!(
        "submitted {} tasks as job {job}, and job {after}, which merges when they have ended; \
         squeue --me shows them, {} gets the table\n",
        scripts.tasks(),
        short(&folder.join("table.md"))
    ))
}

/// Submits a script; its job's number.
fn sbatch(options: &[&str], script: &Path) -> Result<String> {
    let output = Command::new("sbatch")
        .arg("--parsable")
        .args(options)
        .arg(script)
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "sbatch is not there: call this on a machine of the cluster, or with --write-only"
        ),
        other => other.context("sbatch")?,
    };
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', " | ");
        bail!("sbatch {}: {why}", short(script));
    }
    // `job;cluster` where there are several clusters.
    Ok(text.split(';').next().unwrap_or(&text).to_owned())
}

/// What the scripts are made of.
struct Scripts<'a> {
    plan: &'a Plan,
    args: &'a SlurmArgs,
    program: PathBuf,
    root: PathBuf,
    here: PathBuf,
}

impl Scripts<'_> {
    fn tasks(&self) -> usize {
        let groups = self.plan.groups.len();
        let default = groups.div_ceil(8).clamp(1, 32);
        self.args
            .tasks
            .map_or(default, usize::from)
            .min(groups.max(1))
    }

    fn array(&self) -> Result<String> {
        let (tasks, jobs) = (self.tasks(), u64::from(self.args.jobs));
        let runs = || self.plan.runs().map(|(_, run)| run);
        let threads = runs().map(|run| run.threads() as u64).max().unwrap_or(1);
        let mut bytes = 0;
        for (group, run) in self.plan.runs() {
            bytes = bytes.max(need(self.plan, group, run)?.memory);
        }
        let memory = bytes.div_ceil(1 << 20);
        let gpu = runs().any(|run| run.gpu() != Gpu::None);
        let mut options = vec![
            format!("--array=1-{tasks}"),
            format!("--cpus-per-task={}", jobs * threads),
            // Estimates are rough, and too little ends the job.
            format!("--mem={}M", jobs * memory * 3 / 2 + PARENT_MIB),
            "--requeue".to_owned(),
            // So long before the time limit the runs save their state.
            "--signal=B:USR1@120".to_owned(),
        ];
        if gpu {
            options.push(format!("--gres=gpu:{jobs}"));
        }
        let call = self.call(
            "run",
            &format!("--quiet --jobs {jobs} --shard \"$SLURM_ARRAY_TASK_ID/{tasks}\""),
        );
        let header = self.header("slurm-%a.log", options);
        Ok(format!(
            "{header}\n{call} &\nrun=$!\ntrap 'kill -TERM $run' USR1\ncode=0\nwait $run || code=$?\n\
             # A signal ends the waiting, not the run.\n\
             while kill -0 $run 2>/dev/null; do code=0; wait $run || code=$?; done\n\
             # Out of time (143: before the program had begun): the task goes on where it stopped.\n\
             case $code in 130|143) scontrol requeue \"$SLURM_JOB_ID\" ;; esac\nexit $code\n"
        ))
    }

    fn collect(&self) -> String {
        let options = vec![
            "--cpus-per-task=1".to_owned(),
            format!("--mem={PARENT_MIB}M"),
        ];
        let header = self.header("slurm-collect.log", options);
        format!("{header}\nexec {}\n", self.call("collect", ""))
    }

    fn header(&self, log: &str, options: Vec<String>) -> String {
        let folder = &self.plan.experiment.folder;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let mut text = "#!/bin/sh\n# Written by `dart-exp slurm`.\n".to_owned();
        let own = [
            format!("--job-name={name}"),
            format!("--chdir={}", self.here.display()),
            format!("--output={}", folder.join(log).display()),
            "--open-mode=append".to_owned(),
        ];
        // The later of two wins: the caller's own stand last.
        for option in own.iter().chain(&options).chain(&self.args.sbatch) {
            let _ = match option.split_once('=') {
                // sbatch parts a line at its spaces.
                Some((name, value)) if value.contains(' ') && !value.contains('"') => {
                    writeln!(text, "#SBATCH {name}=\"{value}\"")
                }
                _ => writeln!(text, "#SBATCH {option}"),
            };
        }
        text
    }

    /// A call of this program on the same experiment.
    fn call(&self, command: &str, more: &str) -> String {
        let args = &self.args.experiment;
        let mut words = vec![
            self.program.display().to_string(),
            command.to_owned(),
            args.file.display().to_string(),
            "--profile".to_owned(),
            args.profile.clone(),
            "--results".to_owned(),
            match &args.results {
                Some(folder) => self.here.join(folder).display().to_string(),
                None => self.root.join("results").display().to_string(),
            },
        ];
        let mut add = |key: &str, value: Option<String>| {
            words.extend(
                value
                    .map(|value| [key.to_owned(), value])
                    .into_iter()
                    .flatten(),
            );
        };
        add(
            "--data-dir",
            args.data_dir.as_ref().map(|dir| dir.display().to_string()),
        );
        add("--model", args.model.clone());
        add("--device", args.device.map(String::from));
        args.sets
            .iter()
            .for_each(|set| add("--set", Some(set.clone())));
        let mut call = words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ");
        if !more.is_empty() {
            let _ = write!(call, " {more}");
        }
        call
    }
}
