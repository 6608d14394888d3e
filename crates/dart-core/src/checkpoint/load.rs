//! Loading a checkpoint.

use std::path::Path;

use dart_data::Example;
use tch::{Device, Tensor};

use super::card::{CARD, Card, Contents, fingerprint};
use super::layout::{HEAD, PROMPT};
use crate::build::{Built, assemble};
use crate::device::{DeviceChoice, set_threads};
use crate::error::{CoreError, Result};
use crate::lm::weights::Weights;
use crate::lm::{LanguageModel, Parameter, restore};
use crate::tokenizer::Tokenizer;
use crate::train::predict::predict;
use crate::train::spec::RunSpec;

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
        predict(&self.built, &self.built.encode(examples)?)
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

pub(super) fn load_on(dir: &Path, base: Option<&Path>, device: Device) -> Result<Checkpoint> {
    let card = Card::read(dir)?;
    set_threads(card.settings.threads)?;
    let whole = card.contents == Contents::Model;
    let model = match whole {
        true => dir,
        false => checked_base(&card, base.unwrap_or(&card.base.folder))?,
    };
    let tokenizer = Tokenizer::load(dir)?;
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
        return Err(CoreError::MissingBase {
            folder: folder.to_path_buf(),
            name: name.clone(),
        });
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
