//! What an experiment needs and whether it is there: models and data.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use anyhow::Result;
use dart_core::build::check_prompt;
use dart_core::lm::LmConfig;
use dart_core::lm::weights::Weights;
use dart_core::method::Method;
use dart_core::sentence::Layout;
use dart_core::tokenizer::Tokenizer;
use dart_data::{SplitRequest, Task};

use crate::experiment::definition::{Experiment, Listed};
use crate::model::lookup::Model;
use crate::plan::runs::Group;
use crate::terminal::failure::Usage;
use crate::terminal::remedy::told;

/// Data and models that are not there or cannot be used, each with its remedy.
pub fn missing(experiment: &Experiment) -> Vec<String> {
    let mut missing = Vec::new();
    for model in experiment.used_models() {
        let lacks = missing_model(model).filter(|message| !missing.contains(message));
        missing.extend(lacks);
    }
    if missing.is_empty() {
        for encoder in experiment.encoders() {
            let unknown = Layout::read(&encoder.folder, None).err();
            let unknown = unknown.map(|error| format!("model {}: {error}", encoder.name));
            missing.extend(unknown.filter(|message| !missing.contains(message)));
        }
    }
    for task in &experiment.tasks {
        missing.extend(missing_data(experiment, task));
    }
    missing
}

fn missing_data(experiment: &Experiment, task: &Task) -> Option<String> {
    experiment.ks.iter().find_map(|&k| {
        let request = |&seed| SplitRequest::new(&experiment.data_dir, k, seed);
        experiment
            .seeds
            .iter()
            .find_map(|s| dart_data::missing_for(task, &request(s)))
            .map(|absent| told(&absent))
    })
}

/// Takes tasks whose data are not there out of the experiment and says which and why; if none would
/// be left, all stay.
pub fn leave_out(experiment: &mut Experiment) -> Vec<String> {
    let lacks: Vec<Option<String>> = experiment
        .tasks
        .iter()
        .map(|task| missing_data(experiment, task))
        .collect();
    if lacks.iter().all(Option::is_some) {
        return Vec::new();
    }
    let mut there = lacks.iter().map(Option::is_none);
    experiment.tasks.retain(|_| there.next().unwrap_or(true));
    let left_out = |message: String| format!("left out: {message}");
    lacks.into_iter().flatten().map(left_out).collect()
}

/// Fetches the models that are nowhere here from the hub, unless data are missing, which then is
/// what to say first.
///
/// # Errors
/// A model that cannot be had, with the remedy.
pub fn fetch_models(experiment: &mut Experiment, note: &dyn Fn(&str)) -> Result<()> {
    let lacks_data = |task: &Listed| missing_data(experiment, task).is_some();
    if !experiment.keys.skip_missing() && experiment.tasks.iter().any(lacks_data) {
        return Ok(());
    }
    for model in experiment.used_models_mut() {
        model.fetch(note)?;
    }
    Ok(())
}

fn missing_model(model: &Model) -> Option<String> {
    if !model.folder.is_dir() {
        return Some(model.absent());
    }
    let config = LmConfig::read(&model.folder).map(|_| ());
    let tokenizer = || Tokenizer::load(&model.folder).map(|_| ());
    let weights = || Weights::find(&model.folder).map(|_| ());
    let all = config.and_then(|()| tokenizer()).and_then(|()| weights());
    all.err()
        .map(|error| format!("model {}: {error}", model.name))
}

/// Refuses prompts that cannot work, before anything is trained: label words, templates and settings
/// that a task or a model has no place for, and names that a sentence encoder gives to no prompt.
///
/// # Errors
/// Names method, task and model.
pub fn refuse_prompts(experiment: &Experiment, groups: &[Group]) -> Result<()> {
    let first = |group: &&Group| {
        experiment.seeds.first() == Some(&group.seed)
            && experiment.ks.first() == Some(&group.place.k)
    };
    let mut models: HashMap<&Path, (LmConfig, Tokenizer)> = HashMap::new();
    for group in groups.iter().filter(first) {
        let task = &experiment.tasks[group.place.task];
        for run in &group.trials {
            if let Some(encoder) = &run.job.encoder {
                Layout::read(encoder, run.job.method.encoder_prompt()).map_err(|error| {
                    let name = &experiment.methods[group.place.method].named.name;
                    Usage(format!("method {name}: {error}"))
                })?;
            }
            let Method::Prompt(method) = &run.job.method else {
                continue;
            };
            let folder = run.job.model.as_path();
            let (config, tokenizer) = match models.entry(folder) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    place.insert((LmConfig::read(folder)?, Tokenizer::load(folder)?))
                }
            };
            let longest = run.job.settings.max_length;
            check_prompt(method, task, config, tokenizer, longest).map_err(|error| {
                let causal = config.causal && method.fluency.is_some();
                let hint = if causal { ", as dart-causal does" } else { "" };
                let name = &experiment.methods[group.place.method].named.name;
                Usage(format!(
                    "task {}, method {name} with model {}: {error}{hint}",
                    task.name, group.place.model
                ))
            })?;
        }
    }
    Ok(())
}
