//! `dart.json`: what a checkpoint is, beside its weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dart_data::digest::hex;
use dart_data::{Kind, Metric, Task};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{CoreError, Result};
use crate::files::sha256;
use crate::lm::weights::Files;
use crate::method::Method;
use crate::settings::TrainSettings;
use crate::tokenizer::{SETTINGS, VOCABULARIES};
use crate::train::report::FitOutcome;
use crate::train::spec::RunSpec;

/// The card's file name.
pub const CARD: &str = "dart.json";

/// What `format` says in the checkpoints that this version writes and reads.
const FORMAT: &str = "dart-rs checkpoint 1";

/// Where a classifier comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The run's settings.
    pub spec: &'a RunSpec<'a>,
    /// What its training came to.
    pub outcome: &'a FitOutcome,
    /// Its name.
    pub run: &'a str,
    /// The language model's name.
    pub base: &'a str,
}

/// Everything about a trained classifier but its weights and its tokenizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The version of this layout.
    format: String,
    /// Which weights stand beside the card.
    pub contents: Contents,
    /// The run that trained them.
    pub run: String,
    /// The language model that training started from.
    pub base: Base,
    /// What it classifies.
    pub task: CardTask,
    /// How.
    pub method: Method,
    /// How it was optimised.
    pub settings: TrainSettings,
    /// The run's seed.
    pub seed: u64,
    /// What training came to.
    pub outcome: FitOutcome,
    /// V, the rows of the vocabulary before the pseudo tokens'.
    pub vocab: i64,
    /// How many of the pseudo tokens are the template's; the others are the classes', in order.
    pub template_rows: i64,
    /// The pseudo tokens, with ids from V on.
    pub pseudo_tokens: Vec<String>,
    /// SHA-256 of every other file.
    pub(super) files: BTreeMap<String, String>,
}

/// Which weights a checkpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// A whole masked language model in Hugging Face's layout, the pseudo tokens as rows of its
    /// vocabulary.
    Model,
    /// The pseudo rows and the tokenizer; the language model is the base, unchanged.
    Prompt,
}

/// The language model that training started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its name.
    pub name: String,
    /// Where it was.
    pub folder: PathBuf,
    /// [`fingerprint`] of its files.
    pub fingerprint: String,
}

/// The task, as far as a text's class depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardTask {
    /// Its name.
    pub name: String,
    /// Its name in tables.
    pub title: String,
    /// What its examples are.
    pub kind: Kind,
    /// What it is scored by.
    pub metric: Metric,
    /// Class names in order.
    pub labels: Vec<String>,
    /// The manual template.
    pub template: String,
    /// Label words in the order of the classes.
    pub words: Vec<String>,
}

impl CardTask {
    /// What a card says of a task.
    pub fn of(task: &Task) -> Self {
        CardTask {
            name: task.name.clone(),
            title: task.title.clone(),
            kind: task.kind,
            metric: task.metric,
            labels: task.labels.clone(),
            template: task.template.clone(),
            words: task.words.clone(),
        }
    }

    /// The task, without its data.
    pub fn task(&self) -> Task {
        Task {
            name: self.name.clone(),
            title: self.title.clone(),
            labels: self.labels.clone(),
            kind: self.kind,
            metric: self.metric,
            template: self.template.clone(),
            words: self.words.clone(),
            ..Task::default()
        }
    }
}

impl Card {
    /// The card of a run's classifier, without what saving decides.
    pub(super) fn new(origin: &Origin, contents: Contents) -> Result<Self> {
        let spec = origin.spec;
        Ok(Card {
            format: FORMAT.to_string(),
            contents,
            run: origin.run.to_string(),
            base: Base {
                name: origin.base.to_string(),
                folder: std::path::absolute(spec.model)
                    .map_err(|e| CoreError::io(spec.model, e))?,
                fingerprint: fingerprint(spec.model)?,
            },
            task: CardTask::of(spec.task),
            method: spec.method.clone(),
            settings: spec.settings.clone(),
            seed: spec.seed,
            outcome: origin.outcome.clone(),
            vocab: 0,
            template_rows: 0,
            pseudo_tokens: Vec::new(),
            files: BTreeMap::new(),
        })
    }

    /// Reads a checkpoint's card and checks its settings and every file that it lists.
    ///
    /// # Errors
    /// A folder that is no checkpoint, is of another version, has settings that cannot work, or a
    /// file that is missing or not the one that was written.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(CARD);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let message = format!("is not a checkpoint of dart-rs: it has no {CARD}");
                return Err(CoreError::model(dir, message));
            }
            Err(e) => return Err(CoreError::io(path, e)),
        };
        let fail = |why: String| CoreError::model(&path, why);
        #[derive(Deserialize)]
        struct Version {
            format: Option<String>,
        }
        let version = serde_json::from_str::<Version>(&text)
            .map_err(|e| fail(format!("damaged ({e}); export the run again")))?;
        if version.format.as_deref() != Some(FORMAT) {
            let found = version.format.unwrap_or_else(|| "nothing".into());
            return Err(fail(format!(
                "`format` says {found:?}; this version reads {FORMAT:?}"
            )));
        }
        let card: Card = serde_json::from_str(&text)
            .map_err(|e| fail(format!("damaged ({e}); export the run again")))?;
        card.settings
            .check()
            .map_err(|why| fail(format!("`settings`: {why}; export the run again")))?;
        for (name, sum) in &card.files {
            if Path::new(name).components().count() != 1 {
                return Err(fail(format!("`{name}` is not a file name")));
            }
            let file = dir.join(name);
            if hex(&sha256(&file)?) != *sum {
                let message = "damaged or exchanged: it is not the file that was exported; \
                               export the run again";
                return Err(CoreError::model(file, message));
            }
        }
        Ok(card)
    }
}

/// A hash of a model folder's configuration, tokenizer and weights; what else lies there is no part
/// of the model.
///
/// # Errors
/// A folder without weights, or a file that cannot be read.
pub fn fingerprint(dir: &Path) -> Result<String> {
    let weights = Files::of(dir)?;
    let small = VOCABULARIES.iter().chain(&SETTINGS);
    let mut files: Vec<PathBuf> = small.map(|name| dir.join(name)).collect();
    files.retain(|path| path.is_file());
    files.push(dir.join("config.json"));
    files.push(weights.named);
    files.extend(weights.parts);
    files.sort();
    files.dedup();
    let mut all = Sha256::new();
    for path in files {
        all.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        all.update(sha256(&path)?);
    }
    Ok(hex(&all.finalize()))
}
