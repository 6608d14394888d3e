//! From an experiment to its plan.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anyhow::{Context, Result, bail};
use dart_core::checkpoint::fingerprint;
use dart_core::method::Method;
use dart_core::sentence::Layout;
use dart_core::settings::MethodKind;
use dart_data::Task;
use dart_data::digest::hex;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::experiment::definition::Experiment;
use crate::experiment::place::Seeded;
use crate::experiment::resolve::Resolved;
use crate::experiment::trials::trials;
use crate::plan::inventory::{leave_out, missing, refuse_prompts};
use crate::plan::runs::{Group, Plan, Run};
use crate::plan::split::{Split, of_split, with_seeds};
use crate::store::folder::RunFiles;
use crate::store::hparams;
use crate::store::job::{Data, Job, Stage, as_number};
use crate::terminal::paths::slug;

/// Raised whenever a change of the code changes what a run computes, so that finished runs of the
/// older code are not taken for new ones.
const METHOD_VERSION: u32 = 1;

impl Plan {
    /// Finds data and models, and makes the runs.
    ///
    /// # Errors
    /// Everything that is missing, in one message.
    pub fn new(mut experiment: Experiment) -> Result<Self> {
        let left_out = match experiment.keys.skip_missing() {
            true => leave_out(&mut experiment),
            false => Vec::new(),
        };
        let missing = missing(&experiment);
        match missing.as_slice() {
            [] => {}
            [one] => bail!("nothing was started: {one}"),
            many => bail!(
                "nothing was started: these are missing\n  {}",
                many.join("\n  ")
            ),
        }
        let mut models = HashMap::new();
        for model in experiment.used_models() {
            if let Entry::Vacant(place) = models.entry(model.folder.clone()) {
                place.insert(fingerprint(&model.folder)?);
            }
        }
        let mut layouts = HashMap::new();
        for encoder in experiment.encoders() {
            let layout = Layout::read(&encoder.folder, None)?;
            layouts.insert(encoder.folder.clone(), layout.fingerprint()?);
        }
        let mut warnings: Vec<(String, Vec<u64>)> = Vec::new();
        let mut splits = HashMap::new();
        for (t, task) in experiment.tasks.iter().enumerate() {
            for &k in &experiment.ks {
                for &seed in &experiment.seeds {
                    let split = Split::load(&experiment, task, k, seed)?;
                    for message in &split.warnings {
                        let text = of_split(task, k, message);
                        match warnings.iter_mut().find(|(known, _)| *known == text) {
                            Some((_, seeds)) => seeds.push(seed),
                            None => warnings.push((text, vec![seed])),
                        }
                    }
                    splits.insert((t, k, seed), split);
                }
            }
        }
        let mut groups = Vec::new();
        for at in experiment.seeded() {
            let choice = &experiment.methods[at.place.method];
            // What of the models decides a run's result.
            let mut content = models.get(&at.model.folder).cloned().unwrap_or_default();
            if let Some(encoder) = &choice.encoder {
                if choice.shares_models() {
                    content += &models[&encoder.folder];
                }
                content += &layouts[&encoder.folder];
            }
            let split = &splits[&(at.place.task, at.place.k, at.seed)];
            groups.push(group(&experiment, at, split, &content)?);
        }
        refuse_prompts(&experiment, &groups)?;
        if let Some(shard) = experiment.shard {
            let costs: Vec<f64> = groups.iter().map(Group::cost).collect();
            let mut mine = shard.picks(&costs).into_iter();
            groups.retain(|_| mine.next().unwrap_or(false));
        }
        let odd = with_seeds(warnings, experiment.seeds.len());
        Ok(Plan {
            warnings: left_out.into_iter().chain(odd).collect(),
            experiment,
            groups,
        })
    }
}

fn group(experiment: &Experiment, at: Seeded, split: &Split, content: &str) -> Result<Group> {
    let Seeded { place, model, seed } = at;
    let (task, choice) = (
        &experiment.tasks[place.task],
        &experiment.methods[place.method],
    );
    let (name, k) = (&choice.named.name, place.k);
    let test_rows = match experiment.keys.score_test() {
        true => split
            .test
            .min(experiment.keys.test_rows().0.unwrap_or(usize::MAX)),
        false => 0,
    };
    let mut runs = Vec::new();
    for resolved in trials(choice, split.train)? {
        let data = Data {
            task: task.name.clone(),
            own_task: task.entry.clone(),
            catalogs: experiment.catalogs.clone(),
            data_dir: experiment.data_dir.clone(),
            k,
            seed,
            strict: experiment.keys.strict(),
            test_rows: experiment.keys.test_rows().0,
            test_seed: experiment.keys.test_seed(),
            fingerprint: split.fingerprint.clone(),
        };
        let hash = hash(task, &resolved, &data, content)?;
        let id = [
            slug(&task.name),
            slug(name),
            slug(&model.name),
            format!("k{k}"),
            format!("s{seed}"),
        ];
        let names = [
            ("task", &task.name),
            ("method", name),
            ("model", &model.name),
        ];
        let numbers = [("k", json!(k)), ("seed", seed.into())];
        let job = Job {
            stage: Stage::Fit,
            files: RunFiles {
                folder: Default::default(),
                predictions: Default::default(),
            },
            model: model.folder.clone(),
            model_content: content.to_owned(),
            encoder: choice.encoder.as_ref().map(|e| e.folder.clone()),
            data,
            method: resolved.method.clone(),
            settings: resolved.settings.clone(),
            save_seconds: experiment.keys.save_seconds(),
            hparams: hparams::of_run(&names, &numbers, &resolved.shown)?,
        };
        runs.push(Run {
            id: format!("{}-{hash}", id.join("-")),
            job,
            cost: cost(&resolved, task, split.dev),
            test_cost: if choice.named.kind == MethodKind::Majority {
                1.0
            } else {
                test_rows as f64 * resolved.contexts() as f64
            },
            shown: resolved.shown,
        });
    }
    Ok(Group {
        place,
        shared_model: choice.shares_models(),
        seed,
        test_rows,
        train_bytes: split.train_bytes.clone(),
        trials: runs,
    })
}

/// Examples passed through the model, a backward pass counted as two.
fn cost(resolved: &Resolved, task: &Task, dev: usize) -> f64 {
    let dev = dev as f64 * resolved.contexts() as f64;
    let Some(steps) = resolved.shown.steps else {
        return match resolved.method {
            Method::Majority => 1.0,
            _ => dev,
        };
    };
    let s = &resolved.settings;
    let under = match &resolved.method {
        Method::Prompt(method) if method.fluency.is_some() => task.labels.len().min(6),
        // Two partners an example.
        Method::Sentence(_) => 2,
        _ => 0,
    };
    let step = s.batch as f64 * s.accumulation as f64 * 3.0 * (1 + under) as f64;
    steps as f64 * step + steps.div_ceil(s.eval_every) as f64 * dev
}

/// A hash of all that decides a run's result.
fn hash(task: &Task, resolved: &Resolved, data: &Data, model: &str) -> Result<String> {
    let text = serde_json::to_string(&(
        METHOD_VERSION,
        (
            &task.name,
            &task.labels,
            &task.template,
            &task.words,
            &task.metric,
        ),
        (&resolved.method, &resolved.settings, model),
        (
            as_number(data.k),
            data.seed,
            &data.fingerprint,
            data.test_rows,
            data.test_seed,
        ),
    ))
    .context("encoding a run's settings")?;
    Ok(hex(&Sha256::digest(text.as_bytes())[..6]))
}
