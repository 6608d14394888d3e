//! `dart-exp export`: a finished run's classifier as a folder that stands by itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use dart_core::checkpoint::{Contents, Origin, check, contents, save};
use dart_core::train::{Control, EvalReport, FitOutcome, Observer, StepReport, fit, load_best};

use crate::failure::Usage;
use crate::job::Job;
use crate::places::{self, model_name, short};
use crate::store::{RunFiles, read_json, run_files};
use crate::worker;

/// How `export` is called.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// The run: its folder, or its name as runs.csv says it
    pub run: String,
    /// The new folder
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder of the results in which a name is looked for [default: results in the repository]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// The whole language model even where only the prompt was trained
    #[arg(long)]
    pub whole: bool,
}

/// Writes the checkpoint.
///
/// # Errors
/// No such run, one that is not finished or has no model, or a folder that cannot be written.
pub fn run(args: &ExportArgs) -> Result<()> {
    let folder = find(args)?;
    let shown = short(&folder);
    let job: Job = read_json(&folder.join("run.json"))?
        .with_context(|| format!("{shown}: not a run's folder: it has no run.json"))?;
    // The results may have moved since the run.
    let files = RunFiles {
        folder: folder.clone(),
        ..job.files.clone()
    };
    let Some(record) = files.fit()? else {
        bail!("{shown}: the run has not finished its training; `dart-exp run` goes on with it");
    };
    if let Err(why) = check(&job.method) {
        bail!("{shown}: {why}");
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let task = worker::task(&job)?;
    let spec = worker::spec(&job, &task);
    let _lock = worker::lock(&folder)?;
    let kept = files.has_weights();
    if !kept {
        eprintln!(
            "the weights of {name} were not kept (keep_weights: true keeps them): training it again"
        );
        let state = files.state();
        std::fs::create_dir_all(&state).with_context(|| short(&state))?;
        let (_, splits) = worker::data(&job)?;
        let outcome = fit(&spec, &splits.train, &splits.dev, &state, &mut Quiet)?;
        same(&outcome, &record.outcome)?;
    }
    let built = load_best(&spec, &files.state())?;
    let origin = Origin {
        spec: &spec,
        outcome: &record.outcome,
        run: &name,
        base: &model_name(&job.model.to_string_lossy()),
    };
    let what = match args.whole {
        true => Contents::Model,
        false => contents(&job.method),
    };
    let out = std::path::absolute(&args.out).context("the working folder")?;
    let card = save(&built, &origin, what, &out)?;
    if !kept {
        files.drop_weights()?;
    }
    let what = match card.contents {
        Contents::Model => "the whole language model, in Hugging Face's layout",
        Contents::Prompt => "the prompt alone, which needs the language model it was trained on",
    };
    eprintln!("{}: {what}", short(&out));
    Ok(())
}

/// Training that nobody watches and that starts anew when it is interrupted.
struct Quiet;

impl Observer for Quiet {
    fn save_due(&mut self) -> bool {
        false
    }

    fn step(&mut self, _: &StepReport) -> Control {
        Control::Continue
    }

    fn evaluation(&mut self, _: &EvalReport) -> Control {
        Control::Continue
    }
}

/// The run's folder.
fn find(args: &ExportArgs) -> Result<PathBuf> {
    let given = Path::new(&args.run);
    if given.join("run.json").is_file() {
        return std::path::absolute(given).context("the working folder");
    }
    let results = match &args.results {
        Some(dir) => dir.clone(),
        None => places::root()?.join("results"),
    };
    let experiments = std::fs::read_dir(&results)
        .with_context(|| format!("results folder {}", short(&results)))?;
    let mut found = Vec::new();
    for experiment in experiments {
        let folder = run_files(&experiment?.path(), &args.run).folder;
        if folder.join("run.json").is_file() {
            found.push(folder);
        }
    }
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Usage(format!(
            "there is no run {} in {}; give its name as runs.csv says it, or its folder",
            args.run,
            short(&results)
        ))
        .into()),
        many => {
            let many: Vec<String> = many.iter().map(|folder| short(folder)).collect();
            let (run, many) = (&args.run, many.join(", "));
            Err(Usage(format!(
                "{run} is the name of several runs; give the folder: {many}"
            ))
            .into())
        }
    }
}

/// The same settings give the same bits; where they do not, the program or the machine is another.
fn same(now: &FitOutcome, then: &FitOutcome) -> Result<()> {
    if now == then {
        return Ok(());
    }
    bail!(
        "trained again, the run came to dev {} (loss {}) and not to {} (loss {}): it was made by \
         another version or on another machine",
        now.dev,
        now.dev_loss,
        then.dev,
        then.dev_loss
    );
}
