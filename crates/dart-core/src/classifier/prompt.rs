//! Prompt methods: zero-shot, LM-BFF's manual prompt, DART and its ablations are settings of one
//! classifier.

use tch::{Kind, Tensor};

use super::fluency::Passes;
use super::{Classifier, Losses, Parts, Place};
use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, Mode, Parameter, Role, indices};
use crate::method::{Embeddings, LabelKind, PromptMethod, RowInit, TrainPart};
use crate::objective::class_loss;
use crate::prompt::{Batch, Encoded, Encoder, Verbalizer};
use crate::pseudo::lookup;
use crate::rng::Rng;
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
    /// P, `[m + n, D]`; only the parts that are pseudo have rows.
    pseudo: Tensor,
    /// Decoder biases of P; they stay 0 where the model's decoder has none.
    pseudo_bias: Tensor,
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
        check(method, &verbalizer, lm.config.causal())?;
        let (mut rows, mut biases) = (Vec::new(), Vec::new());
        let pseudo_template = method.template == crate::method::TemplateKind::Pseudo;
        let template: Vec<Vec<i64>> = match pseudo_template {
            true => encoder.template_ids().iter().map(|&id| vec![id]).collect(),
            false => Vec::new(),
        };
        let labels = match method.labels {
            LabelKind::Pseudo => verbalizer.pieces.as_slice(),
            LabelKind::Words => &[],
        };
        let init = [
            (template.as_slice(), method.template_init, "template rows"),
            (labels, method.label_init, "label rows"),
        ];
        for (sources, start, purpose) in init {
            if sources.is_empty() {
                continue;
            }
            let (row, bias) = match start {
                RowInit::Manual => mean_rows(&lm, sources)?,
                RowInit::Random => random_rows(&lm, sources.len(), seed, purpose)?,
            };
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
        Ok(PromptClassifier {
            template_rows: template.len() as i64,
            lm,
            method: method.clone(),
            special,
            encoder,
            verbalizer,
            pseudo,
            pseudo_bias,
        })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.verbalizer.classes()
    }

    /// The id that fills the slot with the label of class `class`.
    pub(super) fn label_id(&self, class: usize) -> i64 {
        self.lm.config.vocab + self.template_rows + class as i64
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
        let template = self.pseudo.f_narrow(0, 0, self.template_rows)?;
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
        let pseudo = LanguageModel::decode(head, &self.pseudo, &self.pseudo_bias)?;
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
        let head = self.slot_states(batch, &rows, Mode::Train)?; // [B, D]
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
        list
    }

    fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let (rows, bias) = self.label_rows()?;
        LanguageModel::decode(&self.slot_states(batch, &rows, mode)?, &rows, &bias)
    }

    fn backward(&self, examples: &[&Encoded], place: Place, scale: f64) -> Result<Losses> {
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
        Ok(Parts {
            lm: &self.lm,
            template_rows: self.template_rows,
            pseudo: self.pseudo.shallow_clone(),
            pseudo_bias: self.pseudo_bias.shallow_clone(),
            head: Vec::new(),
        })
    }
}

/// Why a causal model has no fluency constraint.
pub const NO_CAUSAL_FLUENCY: &str = "fluency has no meaning with a causal model: the slot stands \
    last, so the label in it never conditions the words before it; set fluency: null";

fn check(method: &PromptMethod, verbalizer: &Verbalizer, causal: bool) -> Result<()> {
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
    }
    let words = method.labels == LabelKind::Words;
    if method.full_vocab && words && verbalizer.pieces.iter().any(|p| p.len() > 1) {
        return fail(
            "full_vocab needs label words of one token each (or label_pieces: first, or pseudo labels)",
        );
    }
    let hard = method.template != crate::method::TemplateKind::Pseudo;
    if method.train == TrainPart::Prompt && words && hard {
        return fail("train: prompt has nothing to train without pseudo tokens");
    }
    Ok(())
}

/// Rows of E and decoder biases, the mean over each list of ids: `[k, D]`, `[k]`.
fn mean_rows(lm: &LanguageModel, sources: &[Vec<i64>]) -> Result<(Tensor, Tensor)> {
    let (mut rows, mut biases) = (Vec::new(), Vec::new());
    for ids in sources {
        let at = indices(ids, lm.device())?;
        let (row, bias) = (
            lm.embeddings.f_index_select(0, &at)?,
            lm.bias.f_index_select(0, &at)?,
        );
        let dims = Some([0i64].as_slice());
        rows.push(row.f_mean_dim(dims, false, row.kind())?);
        biases.push(bias.f_mean_dim(dims, false, bias.kind())?);
    }
    Ok((Tensor::f_stack(&rows, 0)?, Tensor::f_stack(&biases, 0)?))
}

/// Normal rows with the mean and the per-component standard deviation of E, and E's mean bias.
fn random_rows(
    lm: &LanguageModel,
    count: usize,
    seed: u64,
    purpose: &str,
) -> Result<(Tensor, Tensor)> {
    let size = lm.config.embedding;
    let options = (lm.embeddings.kind(), lm.device());
    let mut rng = Rng::new(seed, purpose, &[]);
    let draws: Vec<f64> = (0..count as i64 * size).map(|_| rng.normal()).collect();
    let draws = Tensor::f_from_slice(&draws)?.f_view([count as i64, size])?;
    let draws = draws.f_to_kind(options.0)?.f_to_device(options.1)?;
    let dims = Some([0i64].as_slice());
    let mean = lm.embeddings.f_mean_dim(dims, true, options.0)?;
    let deviation = lm.embeddings.f_std_dim(dims, true, true)?;
    let rows = draws.f_mul(&deviation)?.f_add(&mean)?;
    let bias = lm
        .bias
        .f_mean(options.0)?
        .f_expand([count as i64], false)?
        .f_contiguous()?;
    Ok((rows, bias))
}
