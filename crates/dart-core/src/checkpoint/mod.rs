//! Checkpoints: a trained classifier as a folder that stands by itself.
//!
//! A whole model is a masked language model in Hugging Face's layout whose vocabulary has grown by
//! the pseudo tokens, so that transformers' `AutoModelForMaskedLM` loads it and gives our logits; a
//! prompt alone is its pseudo rows and the tokenizer. `dart.json` says which classifier it is.

mod card;
mod folder;
mod layout;

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

pub use card::{Base, CARD, Card, CardTask, Contents, fingerprint};

use crate::build::{Built, assemble};
use crate::classifier::Parts;
use crate::device::DeviceChoice;
use crate::error::{CoreError, Result};
use crate::lm::weights::{Weights, write};
use crate::lm::{LanguageModel, Parameter, restore};
use crate::method::{Embeddings, Method, PromptEncoderKind, PromptMethod, TemplateKind, TrainPart};
use crate::tokenizer::Tokenizer;
use crate::train::{FitOutcome, RunSpec, set_threads};
use dart_data::{Entities, Example, Mention};
use folder::PartFolder;

const WEIGHTS: &str = "model.safetensors";
/// The weights of a classification head.
const HEAD: &str = "head.safetensors";
/// Pseudo rows without a language model.
const PROMPT: &str = "prompt.safetensors";

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

/// What a checkpoint of this method needs to hold: the prompt alone where nothing else was trained.
pub fn contents(method: &Method) -> Contents {
    match method {
        Method::Prompt(m) if m.train == TrainPart::Prompt && m.embeddings == Embeddings::Frozen => {
            Contents::Prompt
        }
        _ => Contents::Model,
    }
}

/// Refuses methods of which a checkpoint cannot hold all that they answer with.
///
/// # Errors
/// Says why, and what can be exported.
pub fn check(method: &Method) -> Result<()> {
    let why = match method {
        Method::Majority => "majority has no model to export",
        Method::Sentence(_) => {
            "a regression on sentence embeddings cannot be exported; prompt methods and \
             fine-tuning can"
        }
        Method::Prompt(m) if m.demonstrations.is_some() => {
            "demonstrations are training examples, which an exported folder does not hold; export \
             a run without them (demonstrations: null)"
        }
        _ => return Ok(()),
    };
    Err(CoreError::Setting(why.into()))
}

/// The method of the exported classifier: the rows that an encoder computed are rows like others.
fn exported(method: &Method) -> Method {
    match method {
        Method::Prompt(m) if m.template == TemplateKind::Encoded => Method::Prompt(PromptMethod {
            template: TemplateKind::Pseudo,
            prompt_encoder: PromptEncoderKind::default(),
            ..m.clone()
        }),
        other => other.clone(),
    }
}

/// Writes a trained classifier as the new folder `out`, in float32, and reads it back onto the same
/// device: the folder appears whole and only if what was read equals what was written, bit for bit,
/// and answers alike.
///
/// # Errors
/// `out` exists or cannot be written; a method that cannot be exported; a copy that differs.
pub fn save(built: &Built, origin: &Origin, contents: Contents, out: &Path) -> Result<Card> {
    check(origin.spec.method)?;
    let parts = built.classifier.parts()?;
    let folder = PartFolder::create(out)?;
    let mut card = Card::new(origin, contents)?;
    card.method = exported(origin.spec.method);
    card.vocab = parts.lm.config.vocab;
    card.template_rows = parts.template_rows;
    card.pseudo_tokens = layout::pseudo_tokens(&parts, &built.tokenizer);
    match contents {
        Contents::Model => {
            let rows = card.pseudo_tokens.as_slice();
            layout::write(origin.spec.model, &built.tokenizer, &parts, rows, &folder)?;
            write(&folder.path(WEIGHTS), &model_tensors(&parts)?)?;
        }
        Contents::Prompt => {
            let rows = ("rows".to_string(), float(&parts.pseudo)?);
            let bias = ("bias".to_string(), float(&parts.pseudo_bias)?);
            layout::write_tokenizer(origin.spec.model, &folder)?;
            write(&folder.path(PROMPT), &BTreeMap::from([rows, bias]))?;
        }
    }
    if !parts.head.is_empty() {
        let mut tensors = BTreeMap::new();
        for parameter in &parts.head {
            tensors.insert(parameter.name.clone(), float(&parameter.tensor)?);
        }
        write(&folder.path(HEAD), &tensors)?;
    }
    card.files = folder.sums()?;
    folder.write_card(&card)?;
    // Where the original is: a GPU and a CPU round differently, in bfloat16 by more than any bound
    // that would still tell a wrong copy.
    let copy = load_on(folder.dir(), Some(origin.spec.model), built.device)?;
    if copy.card != card {
        return Err(CoreError::model(out, "dart.json was not read as written"));
    }
    compare(&parts, &copy.built.classifier.parts()?)
        .and_then(|()| layout::compare(&built.tokenizer, &copy.built.tokenizer, &card))
        .and_then(|()| same_answer(built, &copy.built, &card))
        .map_err(|why| CoreError::model(out, format!("the copy differs: {why}")))?;
    folder.finish()?;
    Ok(card)
}

/// A checkpoint, ready to predict.
pub struct Checkpoint {
    /// What it is.
    pub card: Card,
    /// The classifier.
    pub built: Built,
}

impl Checkpoint {
    /// A probability per class, `[classes]`, of each example, in order; their labels do not matter.
    ///
    /// # Errors
    /// An example without what the template asks for, or libtorch's.
    pub fn predict(&self, examples: &[Example]) -> Result<Vec<Vec<f64>>> {
        crate::train::predict(&self.built, &self.built.encode(examples)?)
    }
}

/// Loads a checkpoint onto a device, to compute with as many threads as the run had. `base` is the
/// folder of the language model that a prompt belongs to; without it, where it was when the prompt
/// was trained.
///
/// # Errors
/// A folder that is no checkpoint or is damaged, a base that is not the one it was trained on, or a
/// device that is not there.
pub fn load(dir: &Path, base: Option<&Path>, on: DeviceChoice) -> Result<Checkpoint> {
    load_on(dir, base, on.resolve()?)
}

fn load_on(dir: &Path, base: Option<&Path>, device: Device) -> Result<Checkpoint> {
    let card = Card::read(dir)?;
    set_threads(card.settings.threads)?;
    let whole = card.contents == Contents::Model;
    let model = match whole {
        true => dir,
        false => checked_base(&card, base.unwrap_or(&card.base.folder))?,
    };
    // Prompts of older versions have no tokenizer of their own; the base's is the same.
    let carried = whole
        || layout::TOKENIZER
            .iter()
            .any(|name| card.files.contains_key(*name));
    let tokenizer = Tokenizer::load(if carried { dir } else { model })?;
    let mut lm = LanguageModel::load(model)?;
    let p = card.pseudo_tokens.len() as i64;
    let (rows, bias) = match whole {
        true => split(&mut lm, card.vocab, p, dir)?,
        false => {
            let mut weights = Weights::read_file(&dir.join(PROMPT))?;
            let rows = weights.take("rows", &[p, lm.config.embedding]);
            let bias = weights.take("bias", &[p]);
            weights.finish()?;
            (rows, bias)
        }
    };
    lm.to(device, card.settings.precision.weights())?;
    let task = card.task.task();
    let spec = RunSpec {
        model,
        method: &card.method,
        settings: &card.settings,
        task: &task,
        seed: card.seed,
        demonstrations: None,
    };
    let built = assemble(&spec, lm, tokenizer)?;
    {
        let parts = built.classifier.parts()?;
        if parts.pseudo.size()[0] != p {
            let wanted = parts.pseudo.size()[0];
            let message = format!("{p} pseudo tokens, but the method has {wanted}");
            return Err(CoreError::model(dir.join(CARD), message));
        }
        let _no_grad = tch::no_grad_guard();
        parts.pseudo.shallow_clone().f_copy_(&rows)?;
        parts.pseudo_bias.shallow_clone().f_copy_(&bias)?;
        if !parts.head.is_empty() {
            let mut weights = Weights::read_file(&dir.join(HEAD))?;
            let take = |p: &Parameter| weights.take(&p.name, &p.tensor.size());
            let values: Vec<Tensor> = parts.head.iter().map(take).collect();
            weights.finish()?;
            restore(&parts.head, &values)?;
        }
    }
    Ok(Checkpoint { card, built })
}

fn checked_base<'a>(card: &Card, folder: &'a Path) -> Result<&'a Path> {
    let name = &card.base.name;
    if !folder.is_dir() {
        let message = format!(
            "is not there, and the prompt needs the language model {name} that it was trained on; \
             name its folder with --model"
        );
        return Err(CoreError::model(folder, message));
    }
    if fingerprint(folder)? != card.base.fingerprint {
        let message = format!(
            "is not the language model {name} that the prompt was trained on: its files differ"
        );
        return Err(CoreError::model(folder, message));
    }
    Ok(folder)
}

/// Takes the pseudo rows `[p, D]` and their biases `[p]` out of a model whose vocabulary they have
/// joined.
fn split(lm: &mut LanguageModel, vocab: i64, p: i64, dir: &Path) -> Result<(Tensor, Tensor)> {
    if lm.config.vocab != vocab + p {
        let message = format!(
            "config.json has {} tokens, dart.json {vocab} and {p} pseudo tokens",
            lm.config.vocab
        );
        return Err(CoreError::model(dir, message));
    }
    let rows = lm.embeddings.f_narrow_copy(0, vocab, p)?;
    let bias = lm.bias.f_narrow_copy(0, vocab, p)?;
    lm.embeddings = lm.embeddings.f_narrow_copy(0, 0, vocab)?;
    lm.bias = lm.bias.f_narrow_copy(0, 0, vocab)?;
    lm.config.vocab = vocab;
    Ok((rows, bias))
}

/// All tensors of the language model, the pseudo rows behind the vocabulary's.
fn model_tensors(parts: &Parts) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    for parameter in parts.lm.parameters() {
        tensors.insert(parameter.name, float(&parameter.tensor)?);
    }
    let grown = [&parts.pseudo, &parts.pseudo_bias];
    for (parameter, rows) in parts.lm.vocabulary_parameters().into_iter().zip(grown) {
        let tensor = Tensor::f_cat(&[&parameter.tensor, rows], 0)?;
        tensors.insert(parameter.name, float(&tensor)?);
    }
    Ok(tensors)
}

fn float(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Float)?)
}

/// Whether both, on one device and in one number format, answer alike, up to the rounding of
/// float64 weights: a method may compute with more than its parts.
fn same_answer(written: &Built, read: &Built, card: &Card) -> std::result::Result<(), String> {
    let text = card.task.words.first().cloned().unwrap_or_default();
    let whole = || Mention {
        spans: std::iter::once(0..text.len()).collect(),
        ..Mention::default()
    };
    let example = Example {
        row: 0,
        text_a: text.clone(),
        text_b: Some(text.clone()),
        entities: Some(Box::new(Entities {
            head: whole(),
            tail: whole(),
        })),
        label: 0,
    };
    let answer = |built: &Built| {
        let encoded = built.encode(std::slice::from_ref(&example))?;
        crate::train::predict(built, &encoded)
    };
    let (a, b) = match (answer(written), answer(read)) {
        (Ok(a), Ok(b)) => (a.concat(), b.concat()),
        (Err(e), _) | (_, Err(e)) => return Err(e.to_string()),
    };
    match a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-3) {
        true => Ok(()),
        false => Err("its predictions; this method cannot be exported".into()),
    }
}

/// What differs between two classifiers.
fn compare(written: &Parts, read: &Parts) -> std::result::Result<(), String> {
    let list = |parts: &Parts| {
        let mut all = parts.lm.parameters();
        all.extend(parts.lm.vocabulary_parameters());
        all.extend(parts.head.iter().cloned());
        let role = crate::lm::Role::Pseudo;
        let rows = parts.pseudo.shallow_clone();
        all.push(Parameter::new("pseudo.rows", rows, role));
        let bias = parts.pseudo_bias.shallow_clone();
        all.push(Parameter::new("pseudo.bias", bias, role));
        all
    };
    let (written, read) = (list(written), list(read));
    if written.len() != read.len() {
        return Err(format!("{} tensors, wrote {}", read.len(), written.len()));
    }
    for (a, b) in written.iter().zip(&read) {
        let equal = float(&a.tensor)
            .and_then(|a| Ok(a.f_equal(&float(&b.tensor)?)?))
            .map_err(|e| e.to_string())?;
        if a.name != b.name || !equal {
            return Err(format!("tensor `{}`", a.name));
        }
    }
    Ok(())
}
