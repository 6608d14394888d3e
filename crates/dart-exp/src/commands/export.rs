//! `dart-exp export`: a finished run's classifier as a folder that stands by itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use dart_core::checkpoint::{Contents, Origin, check, contents, fingerprint, save};
use dart_core::device::DeviceChoice;
use dart_core::sentence::Layout;
use dart_core::train::{Control, EvalReport, Observer, StepReport, fit, load_best};

use crate::model::lookup::name_of;
use crate::run::inputs;
use crate::store::folder::{RunFiles, run_files};
use crate::store::job::Job;
use crate::store::lock;
use crate::store::record::{read_json, same};
use crate::terminal::failure::Usage;
use crate::terminal::paths::{self, short};
use crate::terminal::progress::remark;

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
    /// cpu, auto or cuda:N, where not as the run says
    #[arg(long)]
    pub device: Option<DeviceChoice>,
}

/// Writes the checkpoint.
///
/// # Errors
/// No such run, one that is not finished or has no model, or a folder that cannot be written.
pub fn run(args: &ExportArgs) -> Result<()> {
    let folder = find(args)?;
    let shown = short(&folder);
    let mut job: Job = read_json(&folder.join("run.json"))?
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
    let out = std::path::absolute(&args.out).context("the working folder")?;
    if out.exists() {
        bail!("{}: exists already; give a new folder", short(&out));
    }
    unchanged_models(&job)?;
    let _lock = lock::run(&folder)?;
    let kept = files.has_weights();
    let device = args.device.unwrap_or(job.settings.device);
    if !kept {
        job.settings.device = device;
    }
    let task = inputs::task(&job)?;
    let spec = inputs::spec(&job, &task);
    // Apart from the run's own, so that a call that is broken off leaves no half-trained weights there.
    let state = match kept {
        true => files.state(),
        false => folder.join("again"),
    };
    if !kept {
        remark(&format!(
            "the weights of {name} were not kept (keep_weights: true keeps them): training it again"
        ));
        std::fs::create_dir_all(&state).with_context(|| short(&state))?;
        let (_, splits) = inputs::data(&job)?;
        let outcome = fit(&spec, &splits.train, &splits.dev, &state, &mut Quiet)?;
        if let Err(error) = same(&outcome, &record.outcome, spec.settings.device) {
            // A folder that stays behind must not hide the reason.
            let _ = std::fs::remove_dir_all(&state);
            return Err(error);
        }
    }
    let built = load_best(&spec, &state, device)?;
    let origin = Origin {
        spec: &spec,
        outcome: &record.outcome,
        run: &name,
        base: &name_of(&job.model),
    };
    let what = match args.whole {
        true => Contents::Model,
        false => contents(&job.method),
    };
    let card = save(&built, &origin, what, &out)?;
    if !kept {
        std::fs::remove_dir_all(&state).with_context(|| short(&state))?;
    }
    let what = match card.contents {
        Contents::Model => "the whole language model, in Hugging Face's layout",
        Contents::Prompt => "the prompt alone, which needs the language model it was trained on",
    };
    remark(&format!("{}: {what}", short(&out)));
    Ok(())
}

/// Refuses a run whose language model is no longer the one that it trained.
fn unchanged_models(job: &Job) -> Result<()> {
    let mut content = fingerprint(&job.model)?;
    if let Some(encoder) = &job.encoder {
        if *encoder != job.model {
            content += &fingerprint(encoder)?;
        }
        content += &Layout::read(encoder, None)?.fingerprint()?;
    }
    if job.model_content == content {
        return Ok(());
    }
    bail!(
        "{}: its files are no longer those that the run was trained on; put them back, or do the \
         run again",
        short(&job.model)
    );
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
        None => paths::root()?.join("results"),
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
