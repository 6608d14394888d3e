//! Writing a checkpoint, and reading it back to be sure of it.

use std::collections::BTreeMap;
use std::path::Path;

use dart_data::{Entities, Example, Mention};
use tch::{Device, Kind, Tensor};

use super::card::{Card, Contents, Origin};
use super::folder::PartFolder;
use super::layout::{self, HEAD, PROMPT, WEIGHTS};
use super::load::load_on;
use crate::build::Built;
use crate::classifier::Parts;
use crate::error::{CoreError, Result};
use crate::lm::weights::write;
use crate::lm::{Parameter, Role};
use crate::method::{Embeddings, Method, TemplateRows, TrainPart};
use crate::train::predict::predict;

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
    Err(CoreError::Unsupported(why.into()))
}

/// The method of the exported classifier: the rows that an encoder computed are rows like others.
fn exported(method: &Method) -> Method {
    let mut method = method.clone();
    if let Method::Prompt(prompt) = &mut method
        && let TemplateRows::Encoded { init, tokens, .. } = prompt.template
    {
        prompt.template = TemplateRows::Pseudo { init, tokens };
    }
    method
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
        predict(built, &encoded)
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
        let role = Role::Pseudo;
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
