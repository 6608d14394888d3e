//! From a run's settings to a classifier on a loaded model.

use dart_data::Example;
use tch::{Device, Kind};

use crate::classifier::{Classifier, HeadClassifier, PromptClassifier};
use crate::error::{CoreError, Result};
use crate::lm::LanguageModel;
use crate::method::{Method, TemplateKind};
use crate::prompt::{Encoded, Encoder, Template, Verbalizer};
use crate::tokenizer::Tokenizer;
use crate::train::{Precision, RunSpec};

/// A classifier with what encodes its inputs.
pub struct Built {
    /// The method on its language model.
    pub classifier: Box<dyn Classifier>,
    /// The model's tokenizer.
    pub tokenizer: Tokenizer,
    /// Id that fills batches.
    pub pad: i64,
    /// Where the model is.
    pub device: Device,
}

impl Built {
    /// Encodes examples in order.
    ///
    /// # Errors
    /// A template that asks for what an example lacks.
    pub fn encode(&self, examples: &[Example]) -> Result<Vec<Encoded>> {
        let encoder = self.classifier.encoder();
        examples
            .iter()
            .map(|e| encoder.encode(e, &self.tokenizer))
            .collect()
    }
}

/// Loads the model and builds the run's method on it.
///
/// # Errors
/// The model does not load, the device is not there, or a setting does not work.
pub fn build(spec: &RunSpec) -> Result<Built> {
    tch::set_num_threads(spec.settings.threads as i32);
    build_as(spec, spec.settings.precision.weights())
}

/// [`build`] with weights of this kind (float64 for gradient checks).
///
/// # Errors
/// As [`build`].
pub fn build_as(spec: &RunSpec, kind: Kind) -> Result<Built> {
    let device = device(&spec.settings.device)?;
    let tokenizer = Tokenizer::load(spec.model)?;
    let mut lm = LanguageModel::load(spec.model)?;
    if tokenizer.len() as i64 > lm.config.vocab {
        return Err(CoreError::model(
            spec.model,
            format!(
                "the tokenizer has {} tokens, the model {}",
                tokenizer.len(),
                lm.config.vocab
            ),
        ));
    }
    lm.to(device, kind)?;
    assemble(spec, lm, tokenizer)
}

/// The run's method on a model that is loaded and in its place.
pub(crate) fn assemble(
    spec: &RunSpec,
    mut lm: LanguageModel,
    tokenizer: Tokenizer,
) -> Result<Built> {
    let device = lm.device();
    if spec.settings.precision == Precision::BFloat16 {
        lm.compute_in(Kind::BFloat16)?;
    }
    if spec.settings.recompute {
        lm.recompute()?;
    }
    let max_length = spec.settings.max_length.min(lm.config.max_length());
    let special = tokenizer.special();
    let classes = spec.task.labels.len();
    let causal = lm.config.causal();
    let classifier: Box<dyn Classifier> = match spec.method {
        Method::Majority => return Err(CoreError::Setting("majority needs no model".into())),
        Method::Head(method) => {
            let encoder = Encoder::head(max_length).causal(causal);
            Box::new(HeadClassifier::new(
                lm,
                method,
                encoder,
                classes,
                special.pad,
                spec.seed,
            )?)
        }
        Method::Prompt(method) => {
            let mut template = Template::parse(&spec.task.template)?;
            if causal {
                template = template.slot_last();
            }
            let (template, pseudo_from) = match method.template {
                TemplateKind::None => (template.without_words(), None),
                TemplateKind::Hard => (template, None),
                TemplateKind::Pseudo => (template, Some(lm.config.vocab)),
            };
            let encoder = Encoder::prompt(&template, pseudo_from, &tokenizer, max_length)?;
            let encoder = encoder.causal(causal);
            let verbalizer = Verbalizer::new(&spec.task.words, method.label_pieces, &tokenizer)?;
            if verbalizer.classes() != classes {
                return Err(CoreError::Setting(format!(
                    "task {} has {classes} labels but {} label words",
                    spec.task.name,
                    verbalizer.classes()
                )));
            }
            let seed = spec.seed;
            Box::new(PromptClassifier::new(
                lm, method, encoder, verbalizer, special, seed,
            )?)
        }
    };
    Ok(Built {
        classifier,
        tokenizer,
        pad: special.pad,
        device,
    })
}

/// GPUs that libtorch sees.
pub fn gpus() -> usize {
    tch::Cuda::device_count().max(0) as usize
}

/// `auto`, `cpu`, `cuda` or `cuda:N`.
///
/// # Errors
/// Another word, or a GPU that is not there.
pub fn device(name: &str) -> Result<Device> {
    let gpus = gpus();
    let wanted = match name {
        "cpu" => return Ok(Device::Cpu),
        "auto" if gpus == 0 => return Ok(Device::Cpu),
        "auto" | "cuda" => 0,
        _ => match name.strip_prefix("cuda:").and_then(|n| n.parse().ok()) {
            Some(n) => n,
            None => {
                let message = format!("device `{name}` is unknown; known: auto, cpu, cuda, cuda:N");
                return Err(CoreError::Setting(message));
            }
        },
    };
    if wanted >= gpus {
        let message = format!(
            "device `{name}` is not there: libtorch sees {gpus} GPUs; use device: cpu, or set up \
             the CUDA variant of libtorch"
        );
        return Err(CoreError::Setting(message));
    }
    Ok(Device::Cuda(wanted))
}
