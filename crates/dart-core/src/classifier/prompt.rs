//! Prompt methods: zero-shot, LM-BFF's manual prompt, DART and its ablations are settings of one
//! classifier.

use tch::{Kind, Tensor};

use super::fluency::Passes;
use super::prompt_encoder::PromptEncoder;
use super::rows::{mean_rows, random_rows, uniform_rows};
use super::{Classifier, Losses, Parts, Place};
use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, Mode, Parameter, Role, indices};
use crate::method::{
    Embeddings, FluencyLabels, LabelKind, PromptMethod, RowInit, TemplateKind, TrainPart,
};
use crate::objective::class_loss;
use crate::prompt::{Batch, Demonstrations, Encoded, Encoder, Verbalizer};
use crate::pseudo::lookup;
use crate::tokenizer::Special;

/// A masked language model with a template and a verbalizer.
///
/// Ids from V on are template rows (where the template is pseudo), then one row a class. Label rows
/// are rows of P, or the label words' rows of E; either way the id V + m + y fills the slot with
/// the label of class y.
pub struct PromptClassifier {
    pub(super) lm: LanguageModel,
    pub(super) method: PromptMethod,
    pub(super) special: Special,
    encoder: Encoder,
    verbalizer: Verbalizer,
    /// m where the template is pseudo, else 0.
    template_rows: i64,
    /// P, `[m + n, D]`; only the parts that are pseudo have rows. An encoded template's are what its
    /// encoder computes the rows from.
    pseudo: Tensor,
    /// Decoder biases of P; they stay 0 where the model's decoder has none.
    pseudo_bias: Tensor,
    prompt_encoder: Option<PromptEncoder>,
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
        encoder: Encoder,
        verbalizer: Verbalizer,
        special: Special,
        seed: u64,
    ) -> Result<Self> {
        check(method, &verbalizer, &encoder, lm.config.causal())?;
        let (mut rows, mut biases) = (Vec::new(), Vec::new());
        let template: Vec<Vec<i64>> = free_tokens(method, &encoder)
            .iter()
            .map(|&id| vec![id])
            .collect();
        let labels = match method.labels {
            LabelKind::Pseudo => verbalizer.pieces.as_slice(),
            LabelKind::Words => &[],
        };
        let init = [
            (template.as_slice(), method.template_init, "template rows"),
            (labels, method.label_init, "label rows"),
        ];
        let total = template.len() + labels.len();
        let mut first = 0;
        for (sources, start, purpose) in init {
            if sources.is_empty() {
                continue;
            }
            let (row, bias) = match start {
                RowInit::Manual => mean_rows(&lm, sources)?,
                RowInit::Random => random_rows(&lm, sources.len(), seed, purpose)?,
                RowInit::Uniform => {
                    let overwritten = lm.config.vocab - (total - first) as i64;
                    uniform_rows(&lm, overwritten, sources.len(), seed, purpose)?
                }
            };
            first += sources.len();
            rows.push(row);
            biases.push(bias);
        }
        let options = (lm.embeddings.kind(), lm.device());
        let (pseudo, pseudo_bias) = match rows.is_empty() {
            true => (
                Tensor::f_zeros([0, lm.config.embedding], options)?,
                Tensor::f_zeros([0], options)?,
            ),
            false => (Tensor::f_cat(&rows, 0)?, Tensor::f_cat(&biases, 0)?),
        };
        let prompt_encoder = match method.template {
            TemplateKind::Encoded => {
                let size = lm.config.embedding;
                Some(PromptEncoder::new(
                    method.prompt_encoder,
                    size,
                    seed,
                    options,
                )?)
            }
            _ => None,
        };
        let classifier = PromptClassifier {
            prompt_encoder,
            demonstrations: None,
            template_rows: template.len() as i64,
            lm,
            method: method.clone(),
            special,
            encoder,
            verbalizer,
            pseudo,
            pseudo_bias,
        };
        if method.train != TrainPart::None && classifier.parameters().is_empty() {
            let message = "there is nothing to train: the model has no biases and the prompt no \
                           pseudo tokens; set train: lm";
            return Err(CoreError::Setting(message.into()));
        }
        Ok(classifier)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.verbalizer.classes()
    }

    /// The id that fills the slot with the label of class `class`.
    pub(super) fn label_id(&self, class: usize) -> i64 {
        self.lm.config.vocab + self.template_rows + class as i64
    }

    /// With training examples, encoded by an encoder of the same template, as demonstrations.
    #[must_use]
    pub fn with_demonstrations(mut self, train: &[Encoded], contexts: usize, seed: u64) -> Self {
        let labels: Vec<Vec<i64>> = match self.method.labels {
            LabelKind::Words => self.verbalizer.pieces.clone(),
            LabelKind::Pseudo => (0..self.classes())
                .map(|class| vec![self.label_id(class)])
                .collect(),
        };
        let segment = i64::from(self.lm.config.token_types > 1);
        let shown = Demonstrations::new(train, &labels, contexts, segment, seed);
        self.demonstrations = Some(shown);
        self
    }

    /// The label word of class `class`; of several pieces, the first.
    pub(super) fn word_id(&self, class: usize) -> i64 {
        self.verbalizer.pieces[class][0]
    }

    /// P as inputs and outputs see it, `[m + n, D]`: an encoded template's rows come from its
    /// encoder.
    ///
    /// # Errors
    /// libtorch's.
    pub fn pseudo_rows(&self) -> Result<Tensor> {
        match &self.prompt_encoder {
            Some(encoder) => encoder.rows(&self.pseudo, self.template_rows),
            None => Ok(self.pseudo.shallow_clone()),
        }
    }

    /// Input rows of the labels `[n, D]` and their decoder biases `[n]`.
    fn label_rows(&self) -> Result<(Tensor, Tensor)> {
        match self.method.labels {
            LabelKind::Words => mean_rows(&self.lm, &self.verbalizer.pieces),
            LabelKind::Pseudo => {
                let n = self.classes() as i64;
                let rows = self.pseudo.f_narrow(0, self.template_rows, n)?;
                Ok((rows, self.pseudo_bias.f_narrow(0, self.template_rows, n)?))
            }
        }
    }

    /// Head states `[batch, r, D]` at `read` `[batch, r]` of inputs `ids` `[batch, seq]`.
    pub(super) fn head_states(
        &self,
        ids: &Tensor,
        batch: &Batch,
        read: &Tensor,
        labels: &Tensor,
        mode: Mode,
    ) -> Result<Tensor> {
        let template = self.pseudo_rows()?.f_narrow(0, 0, self.template_rows)?;
        let free = Tensor::f_cat(&[&template, labels], 0)?; // [m + n, D]
        let words = lookup(&self.lm.embeddings, &free, ids)?;
        let hidden = self.lm.encode(&words, &batch.shape, Some(read), mode)?;
        self.lm.transform(&hidden)
    }

    /// Logits over V* `[.., V + p]` of head states `[.., D]`.
    pub(super) fn full_logits(&self, head: &Tensor) -> Result<Tensor> {
        let words = LanguageModel::decode(head, &self.lm.embeddings, &self.lm.bias)?;
        if self.pseudo.size()[0] == 0 {
            return Ok(words);
        }
        let pseudo = LanguageModel::decode(head, &self.pseudo_rows()?, &self.pseudo_bias)?;
        Ok(Tensor::f_cat(&[words, pseudo], -1)?)
    }

    /// The labels' input rows, `[n, D]`.
    pub(super) fn label_inputs(&self) -> Result<Tensor> {
        Ok(self.label_rows()?.0)
    }

    fn slot_states(&self, batch: &Batch, labels: &Tensor, mode: Mode) -> Result<Tensor> {
        Ok(self
            .head_states(&batch.ids, batch, &batch.slots, labels, mode)?
            .f_squeeze_dim(1)?)
    }

    fn class_loss(&self, batch: &Batch) -> Result<Tensor> {
        let (rows, bias) = self.label_rows()?;
        // Rows of their own: recomputation goes backward through the inputs apart from the decoder.
        let head = self.slot_states(batch, &self.label_inputs()?, Mode::Train)?; // [B, D]
        if !self.method.full_vocab {
            return class_loss(&LanguageModel::decode(&head, &rows, &bias)?, &batch.labels);
        }
        let targets: Vec<i64> = match self.method.labels {
            LabelKind::Pseudo => (0..self.classes())
                .map(|class| self.label_id(class))
                .collect(),
            LabelKind::Words => self.verbalizer.pieces.iter().map(|p| p[0]).collect(),
        };
        let targets = indices(&targets, self.lm.device())?.f_index_select(0, &batch.labels)?;
        class_loss(&self.full_logits(&head)?, &targets)
    }
}

impl Classifier for PromptClassifier {
    fn parameters(&self) -> Vec<Parameter> {
        let mut list = match self.method.train {
            TrainPart::None => return Vec::new(),
            TrainPart::Lm => self.lm.parameters(),
            TrainPart::Bitfit => self
                .lm
                .parameters()
                .into_iter()
                .filter(Parameter::is_bias)
                .collect(),
            TrainPart::Prompt => Vec::new(),
        };
        if self.method.embeddings == Embeddings::Trained {
            list.extend(self.lm.vocabulary_parameters());
        }
        if self.pseudo.size()[0] > 0 {
            list.push(Parameter::new(
                "pseudo.rows",
                self.pseudo.shallow_clone(),
                Role::Pseudo,
            ));
            if self.lm.has_decoder_bias() {
                list.push(Parameter::new(
                    "pseudo.bias",
                    self.pseudo_bias.shallow_clone(),
                    Role::Pseudo,
                ));
            }
        }
        if let Some(encoder) = &self.prompt_encoder {
            list.extend(encoder.parameters());
        }
        list
    }

    fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    fn contexts(&self, example: &Encoded) -> Vec<Encoded> {
        let shown = self.demonstrations.iter();
        shown
            .flat_map(|shown| (0..shown.contexts()).map(|i| shown.for_evaluation(example, i)))
            .collect()
    }

    fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let (rows, bias) = self.label_rows()?;
        LanguageModel::decode(&self.slot_states(batch, &rows, mode)?, &rows, &bias)
    }

    fn backward(&self, examples: &[&Encoded], place: Place, scale: f64) -> Result<Losses> {
        let in_context: Vec<Encoded> = match &self.demonstrations {
            None => Vec::new(),
            Some(shown) => (0u64..)
                .zip(examples)
                .map(|(i, e)| shown.for_training(e, [place.step, place.micro, i]))
                .collect(),
        };
        let in_context: Vec<&Encoded> = in_context.iter().collect();
        let examples = match self.demonstrations {
            None => examples,
            Some(_) => in_context.as_slice(),
        };
        let batch = Batch::new(examples, self.special.pad, self.lm.device())?;
        place.seed_pass(0);
        let loss = self.class_loss(&batch)?;
        self.lm.backward(&loss.f_mul_scalar(scale)?)?;
        let class = loss.f_to_kind(Kind::Double)?.f_double_value(&[])?;
        let fluency = match &self.method.fluency {
            None => None,
            Some(settings) => {
                let passes = Passes::draw(examples, settings, self.classes(), place);
                Some(passes.backward(self, &batch, place, scale * settings.weight)?)
            }
        };
        Ok(Losses { class, fluency })
    }

    fn parts(&self) -> Result<Parts<'_>> {
        // As predicting does: libtorch's LSTM has other bits where gradients are kept.
        let _no_grad = tch::no_grad_guard();
        Ok(Parts {
            lm: &self.lm,
            template_rows: self.template_rows,
            pseudo: self.pseudo_rows()?,
            pseudo_bias: self.pseudo_bias.shallow_clone(),
            head: Vec::new(),
        })
    }
}

/// Why a causal model has no fluency constraint.
const NO_CAUSAL_FLUENCY: &str = "fluency has no meaning with a causal model: the slot stands \
    last, so the label in it never conditions the words before it; set fluency: null";

/// Refuses settings that exclude each other.
pub(crate) fn check(
    method: &PromptMethod,
    verbalizer: &Verbalizer,
    encoder: &Encoder,
    causal: bool,
) -> Result<()> {
    let fail = |why: &str| Err(CoreError::Setting(why.into()));
    if let Some(fluency) = &method.fluency {
        if causal {
            return fail(NO_CAUSAL_FLUENCY);
        }
        if !(fluency.weight > 0.0 && fluency.weight.is_finite()) {
            return fail("fluency.weight must be above 0; leave fluency out for L_C alone");
        }
        if matches!(fluency.mask, crate::method::FluencyMask::Rate(r) if !(r > 0.0 && r < 1.0)) {
            return fail("fluency.mask: a rate must lie between 0 and 1");
        }
        let as_reference =
            fluency.labels == FluencyLabels::Sampled && method.labels == LabelKind::Pseudo;
        if fluency.reference_bug && !as_reference {
            return fail("reference_bug needs labels: pseudo and fluency_labels: sampled");
        }
    }
    let words = method.labels == LabelKind::Words;
    if method.full_vocab && words && verbalizer.pieces.iter().any(|p| p.len() > 1) {
        return fail(
            "full_vocab needs label words of one token each (or label_pieces: first, or pseudo labels)",
        );
    }
    let none_free = free_tokens(method, encoder).is_empty();
    if method.template == TemplateKind::Encoded && none_free {
        return fail(
            "template: encoded has no token to encode: give the template words, or set \
             template_tokens",
        );
    }
    if method.train == TrainPart::Prompt && words && none_free {
        return fail(
            "train: prompt has nothing to train without pseudo tokens: set template: pseudo and \
             give the template words, or set template_tokens or labels: pseudo",
        );
    }
    Ok(())
}

/// The template's tokens whose rows are the method's own.
fn free_tokens<'a>(method: &PromptMethod, encoder: &'a Encoder) -> &'a [i64] {
    match method.template.is_free() {
        true => encoder.template_ids(),
        false => &[],
    }
}
