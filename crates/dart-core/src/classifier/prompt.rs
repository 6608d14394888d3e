//! Prompt methods: zero-shot, LM-BFF's manual prompt, DART and its ablations are settings of one
//! classifier.

use tch::{Kind, Tensor};

use super::fluency::Passes;
use super::interface::{Classifier, Losses, Parts};
use super::micro_step::MicroStep;
use super::prompt_model::PromptModel;
use super::same_pass;
use crate::error::Result;
use crate::lm::{LanguageModel, Mode, Parameter};
use crate::method::{FluencyPass, FluencyWeight, PromptMethod};
use crate::prompt::{Batch, Demonstrations, Encoded, InputEncoder, Verbalizer};
use crate::tokenizer::Special;

/// A masked language model with a template and a verbalizer.
///
/// DART that has not been trained is the zero-shot prompt:
///
/// ```
/// use std::path::Path;
///
/// use dart_core::classifier::{Classifier, PromptClassifier};
/// use dart_core::lm::{LanguageModel, Mode};
/// use dart_core::method::{LabelPieces, LabelRows, PromptMethod, TemplateRows};
/// use dart_core::prompt::{Batch, InputEncoder, Template, Verbalizer};
/// use dart_core::tokenizer::Tokenizer;
/// use dart_data::Example;
///
/// let folder = Path::new("tests/goldens/bert-tiny");
/// let logits = |template: TemplateRows, labels| -> dart_core::Result<tch::Tensor> {
///     let (lm, tokenizer) = (LanguageModel::load(folder)?, Tokenizer::load(folder)?);
///     let method = PromptMethod { template, labels, ..PromptMethod::default() };
///     let first = template.free().map(|_| lm.config.vocab);
///     let parsed = Template::parse("{a} it was [MASK] .")?;
///     let encoder = InputEncoder::prompt(&parsed, first, &tokenizer, 18)?;
///     let words = ["terrible".into(), "great".into()];
///     let verbalizer = Verbalizer::new(&words, LabelPieces::Mean, &tokenizer)?;
///     let (special, device) = (tokenizer.special(), lm.device());
///     let example = encoder.encode(&Example::of_text(0, "so dull", 0), &tokenizer)?;
///     let classifier = PromptClassifier::new(lm, &method, encoder, verbalizer, special, 13)?;
///     classifier.logits(&Batch::new(&[&example], special.pad, device)?, Mode::Evaluate)
/// };
/// let dart = logits(TemplateRows::PSEUDO, LabelRows::PSEUDO)?;
/// assert_eq!(dart.size(), [1, 2]); // [batch, classes]
/// assert!(dart.allclose(&logits(TemplateRows::Hard, LabelRows::Words)?, 1e-6, 1e-6, false));
/// # Ok::<(), dart_core::CoreError>(())
/// ```
pub struct PromptClassifier {
    model: PromptModel,
    encoder: InputEncoder,
    demonstrations: Option<Demonstrations>,
}

impl PromptClassifier {
    /// Prepares the pseudo rows: copies of the manual template's tokens and of the label words, or
    /// random ones. `encoder` must number a pseudo template's tokens from V.
    ///
    /// # Errors
    /// A combination of settings that has no meaning, or libtorch's.
    pub fn new(
        lm: LanguageModel,
        method: &PromptMethod,
        encoder: InputEncoder,
        verbalizer: Verbalizer,
        special: Special,
        seed: u64,
    ) -> Result<Self> {
        Ok(PromptClassifier {
            model: PromptModel::new(lm, method, &encoder, verbalizer, special, seed)?,
            encoder,
            demonstrations: None,
        })
    }

    /// With training examples, encoded by an encoder of the same template, as demonstrations.
    #[must_use]
    pub fn with_demonstrations(mut self, train: &[Encoded], contexts: usize, seed: u64) -> Self {
        let labels = self.model.label_ids();
        let segment = i64::from(self.model.lm.config.token_types > 1);
        let shown = Demonstrations::new(train, &labels, contexts, segment, seed);
        self.demonstrations = Some(shown);
        self
    }

    /// Adds the gradients of `scale` times L_C; gives the batch and L_C.
    fn class_backward(
        &self,
        examples: &[&Encoded],
        at: MicroStep,
        scale: f64,
    ) -> Result<(Batch, f64)> {
        let model = &self.model;
        let batch = Batch::new(examples, model.special.pad, model.lm.device())?;
        at.seed_pass(0);
        let loss = model.class_loss(&batch)?;
        model.lm.backward(&loss.f_mul_scalar(scale)?)?;
        let class = loss.f_to_kind(Kind::Double)?.f_double_value(&[])?;
        Ok((batch, class))
    }
}

impl Classifier for PromptClassifier {
    fn parameters(&self) -> Vec<Parameter> {
        self.model.parameters()
    }

    fn encoder(&self) -> &InputEncoder {
        &self.encoder
    }

    fn contexts(&self, example: &Encoded) -> Vec<Encoded> {
        let shown = self.demonstrations.iter();
        shown
            .flat_map(|shown| (0..shown.contexts()).map(|i| shown.for_evaluation(example, i)))
            .collect()
    }

    fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        self.model.class_logits(batch, mode)
    }

    fn backward(&self, examples: &[&Encoded], at: MicroStep, scale: f64) -> Result<Losses> {
        let model = &self.model;
        let in_context: Vec<Encoded> = match &self.demonstrations {
            None => Vec::new(),
            Some(shown) => (0u64..)
                .zip(examples)
                .map(|(i, e)| shown.for_training(e, [at.step, at.micro, i]))
                .collect(),
        };
        let in_context: Vec<&Encoded> = in_context.iter().collect();
        let examples = match self.demonstrations {
            None => examples,
            Some(_) => in_context.as_slice(),
        };
        let Some(fluency) = &model.method.fluency else {
            let (_, class) = self.class_backward(examples, at, scale)?;
            let fluency = None;
            return Ok(Losses { class, fluency });
        };
        let weight = match fluency.weighted {
            FluencyWeight::Sum => fluency.weight,
            FluencyWeight::Label => fluency.weight / model.classes() as f64,
        };
        if fluency.pass == FluencyPass::Same {
            return same_pass::backward(model, examples, fluency, at, scale, weight);
        }
        let (batch, class) = self.class_backward(examples, at, scale)?;
        let passes = Passes::draw(examples, fluency, model.classes(), at);
        let fluency = Some(passes.backward(model, &batch, at, scale * weight)?);
        Ok(Losses { class, fluency })
    }

    fn parts(&self) -> Result<Parts<'_>> {
        // As predicting does: libtorch's LSTM has other bits where gradients are kept.
        let _no_grad = tch::no_grad_guard();
        Ok(Parts {
            lm: &self.model.lm,
            template_rows: self.model.template_rows,
            pseudo: self.model.pseudo_rows()?,
            pseudo_bias: self.model.pseudo_bias.shallow_clone(),
            head: Vec::new(),
        })
    }
}
