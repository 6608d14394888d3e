//! From a run's settings to a classifier on a loaded model.

use dart_data::{Example, Task};
use tch::{Device, Kind};

use crate::classifier::{Classifier, HeadClassifier, PromptClassifier, SentenceClassifier, check};
use crate::device::{DeviceChoice, set_threads};
use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, LmConfig};
use crate::method::{LabelRows, Method, Places, PromptMethod, Shown, TemplateRows};
use crate::prompt::{Encoded, InputEncoder, Lengths, Part, PromptLayout, Template, Verbalizer};
use crate::prompt::{places, truncated_share};
use crate::sentence::{Layout, SentenceEncoder, Similar};
use crate::settings::Precision;
use crate::tokenizer::Tokenizer;
use crate::train::spec::{RunSpec, Source};

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
    /// [`crate::train::FitOutcome::truncated_demonstrations`]; 0 where nothing is shown.
    pub cut_demonstrations: f64,
    /// Chooses what is shown with an example, where something is.
    similar: Option<Similar>,
}

impl Built {
    fn new(classifier: Box<dyn Classifier>, tokenizer: Tokenizer, device: Device) -> Self {
        Built {
            classifier,
            pad: tokenizer.special().pad,
            tokenizer,
            device,
            cut_demonstrations: 0.0,
            similar: None,
        }
    }

    /// Encodes examples in order.
    ///
    /// # Errors
    /// A template that asks for what an example lacks.
    pub fn encode(&self, examples: &[Example]) -> Result<Vec<Encoded>> {
        let encoder = self.classifier.encoder();
        let mut encoded: Vec<Encoded> = examples
            .iter()
            .map(|e| encoder.encode(e, &self.tokenizer))
            .collect::<Result<_>>()?;
        if let Some(similar) = &self.similar {
            for (example, candidates) in encoded.iter_mut().zip(similar.candidates(examples)?) {
                example.demonstrations = candidates;
            }
        }
        Ok(encoded)
    }
}

/// Loads the model and builds the run's method on it.
///
/// # Errors
/// The model does not load, the device is not there, or a setting does not work.
pub fn build(spec: &RunSpec) -> Result<Built> {
    build_on(spec, spec.settings.device)
}

/// [`build`] on another device than the settings name.
pub(crate) fn build_on(spec: &RunSpec, device: DeviceChoice) -> Result<Built> {
    spec.settings.check()?;
    set_threads(spec.settings.threads)?;
    load(spec, device.resolve()?, spec.settings.precision.weights())
}

/// [`build`] with weights of this kind (float64 for gradient checks).
///
/// # Errors
/// As [`build`].
pub fn build_as(spec: &RunSpec, kind: Kind) -> Result<Built> {
    load(spec, spec.settings.device.resolve()?, kind)
}

fn load(spec: &RunSpec, device: Device, kind: Kind) -> Result<Built> {
    let tokenizer = Tokenizer::load(spec.model)?;
    let mut lm = match spec.method {
        Method::Sentence(_) => LanguageModel::load_encoder(spec.model)?,
        _ => LanguageModel::load(spec.model)?,
    };
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
    mut tokenizer: Tokenizer,
) -> Result<Built> {
    let device = lm.device();
    if spec.settings.precision == Precision::BFloat16 {
        lm.compute_in(Kind::BFloat16);
    }
    if spec.settings.recompute {
        lm.recompute();
    }
    let max_length = spec.settings.max_length.min(lm.config.max_length());
    let special = tokenizer.special();
    let classes = spec.task.labels.len();
    let causal = lm.config.causal;
    // Entities that a prompt sees marked, a head sees marked too.
    let marked =
        Template::parse(&spec.task.template).is_ok_and(|t| t.parts.contains(&Part::Marked));
    let classifier: Box<dyn Classifier> = match spec.method {
        Method::Majority => return Err(CoreError::Unsupported("majority needs no model".into())),
        Method::Head(method) => {
            let encoder = InputEncoder::head(max_length).causal(causal).marked(marked);
            Box::new(HeadClassifier::new(
                lm,
                method,
                encoder,
                classes,
                special.pad,
                spec.seed,
            )?)
        }
        Method::Sentence(method) => {
            let layout = Layout::read(spec.model, spec.method.encoder_prompt())?;
            tokenizer = layout.tokenizer(tokenizer)?;
            let encoder = layout.inputs(max_length).causal(causal).marked(marked);
            let sentences = SentenceEncoder::new(lm, &tokenizer, &layout)?;
            Box::new(SentenceClassifier::new(
                sentences, method, encoder, classes,
            )?)
        }
        Method::Prompt(method) => return prompt(spec, method, lm, tokenizer),
    };
    Ok(Built::new(classifier, tokenizer, device))
}

/// A task's prompt as a method uses it on a language model.
struct Prompt {
    template: Template,
    layout: PromptLayout,
    places: Places,
    /// How many classes have pseudo tokens: all or none.
    labels: usize,
    causal: bool,
    verbalizer: Verbalizer,
}

impl Prompt {
    fn new(
        method: &PromptMethod,
        task: &Task,
        config: &LmConfig,
        tokenizer: &Tokenizer,
    ) -> Result<Self> {
        let causal = config.causal;
        let mut template = Template::parse(&task.template)?;
        if causal {
            template = template.slot_last();
        }
        let (template, pseudo_from) = match method.template {
            TemplateRows::None => (template.without_words(), None),
            TemplateRows::Hard => (template, None),
            TemplateRows::Pseudo { .. } | TemplateRows::Encoded { .. } => {
                (template, Some(config.vocab))
            }
        };
        let verbalizer = Verbalizer::new(&task.words, method.label_pieces, tokenizer)?;
        let (labels, words) = (task.labels.len(), verbalizer.classes());
        if words != labels {
            return Err(CoreError::Setting(format!(
                "task {} has {labels} labels but {words} label words",
                task.name
            )));
        }
        Ok(Prompt {
            template,
            layout: PromptLayout {
                pseudo_from,
                count: method.template.free().and_then(|(_, tokens)| tokens),
                share_equal: method.share_equal_tokens,
                sep_after_text: method.sep_after_text,
            },
            places: method.places,
            labels: method.labels.free().map_or(0, |_| labels),
            causal,
            verbalizer,
        })
    }

    fn encoder(&self, tokenizer: &Tokenizer, longest: usize) -> Result<InputEncoder> {
        let encoder = InputEncoder::prompt_of(&self.template, &self.layout, tokenizer, longest)?;
        let template = self
            .layout
            .pseudo_from
            .map_or(0, |_| encoder.row_ids().len());
        let places = places(self.places, tokenizer, template, self.labels)?;
        Ok(encoder.causal(self.causal).places(places))
    }
}

/// Whether a prompt method can work on a task with a language model, as far as is told without its
/// weights.
///
/// # Errors
/// A template or label words that cannot be used, or settings that exclude each other.
pub fn check_prompt(
    method: &PromptMethod,
    task: &Task,
    config: &LmConfig,
    tokenizer: &Tokenizer,
    max_length: usize,
) -> Result<()> {
    let prompt = Prompt::new(method, task, config, tokenizer)?;
    let encoder = prompt.encoder(tokenizer, max_length.min(config.max_length()))?;
    check(method, &prompt.verbalizer, &encoder, prompt.causal)
}

fn prompt(
    spec: &RunSpec,
    method: &PromptMethod,
    lm: LanguageModel,
    tokenizer: Tokenizer,
) -> Result<Built> {
    let (seed, device, special) = (spec.seed, lm.device(), tokenizer.special());
    let max_length = spec.settings.max_length.min(lm.config.max_length());
    let (classes, causal) = (spec.task.labels.len(), lm.config.causal);
    let prompt = Prompt::new(method, spec.task, &lm.config, &tokenizer)?;
    let encoder_of = |longest| prompt.encoder(&tokenizer, longest);
    let encoder = encoder_of(max_length)?;
    let verbalizer = prompt.verbalizer.clone();
    let Some(shown) = &method.demonstrations else {
        let classifier = PromptClassifier::new(lm, method, encoder, verbalizer, special, seed)?;
        return Ok(Built::new(Box::new(classifier), tokenizer, device));
    };
    if causal {
        let message = "demonstrations stand behind the slot, where a causal model's must be last; \
                       set demonstrations: null";
        return Err(CoreError::Setting(message.into()));
    }
    if tokenizer.frame().start.len() != 1 {
        let message = "demonstrations need a tokenizer that starts an input with one token, as \
                       [CLS]; set demonstrations: null";
        return Err(CoreError::Setting(message.into()));
    }
    let source = source(spec, shown)?;
    let pieces = match method.labels {
        LabelRows::Words => verbalizer.pieces.iter().map(Vec::len).max().unwrap_or(1),
        LabelRows::Pseudo { .. } => 1,
    };
    let own = encoder.template_ids().len();
    let lengths = Lengths::new(max_length, classes, shown.tokens, own, pieces)?;
    let (encoder, shorter) = (encoder_of(lengths.query)?, encoder_of(lengths.shown)?);
    let train: Vec<Encoded> = source
        .train
        .iter()
        .map(|e| shorter.encode(e, &tokenizer))
        .collect::<Result<_>>()?;
    let similar = Similar::new(
        source.train,
        classes,
        shown.share,
        source.encoder,
        shown.encoder_prompt.as_deref(),
        device,
    )?;
    let classifier = PromptClassifier::new(lm, method, encoder, verbalizer, special, seed)?;
    let classifier = classifier.with_demonstrations(&train, shown.contexts, seed);
    Ok(Built {
        cut_demonstrations: truncated_share(&train),
        similar: Some(similar),
        ..Built::new(Box::new(classifier), tokenizer, device)
    })
}

/// The source of demonstrations, where the settings can work.
fn source<'a>(spec: &RunSpec<'a>, settings: &Shown) -> Result<Source<'a>> {
    let share = settings.share;
    if !(share > 0.0 && share <= 1.0) {
        let message = format!("the share of similar demonstrations is {share}; above 0, at most 1");
        return Err(CoreError::Setting(message));
    }
    if settings.contexts == 0 || settings.tokens == 0 {
        let message = "demonstrations need a context and a token at least";
        return Err(CoreError::Setting(message.into()));
    }
    spec.demonstrations.ok_or_else(|| {
        CoreError::Setting("demonstrations need training examples to be drawn from".into())
    })
}
