//! A masked language model with the rows of a prompt: what a prompt's losses and predictions are
//! computed from.

use tch::Tensor;

use super::check::{check, free_tokens};
use super::prompt_encoder::PromptEncoder;
use super::rows::{mean_rows, random_rows, uniform_rows};
use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, Mode, Parameter, Role, indices};
use crate::method::{
    BiasInit, Embeddings, FluencySoftmax, LabelRows, PromptMethod, RowInit, TemplateRows, TrainPart,
};
use crate::objective::class_loss;
use crate::prompt::{Batch, InputEncoder, Verbalizer};
use crate::pseudo::lookup;
use crate::tokenizer::Special;

/// A language model, its pseudo rows and its verbalizer.
///
/// Ids from V on are template rows (where the template is pseudo), then one row a class. Label rows
/// are rows of P, or the label words' rows of E; either way the id V + m + y fills the slot with
/// the label of class y.
pub(super) struct PromptModel {
    pub lm: LanguageModel,
    pub method: PromptMethod,
    pub special: Special,
    verbalizer: Verbalizer,
    /// Rows of the vocabulary that no softmax has, since P's stand in for them, `[m + n]` int64; `[0]`
    /// where P's are appended.
    places: Tensor,
    /// m where the template is pseudo, else 0.
    pub template_rows: i64,
    /// P, `[m + n, D]`; only the parts that are pseudo have rows. An encoded template's are what its
    /// encoder computes the rows from.
    pseudo: Tensor,
    /// Decoder biases of P; they stay 0 where the model's decoder has none.
    pub pseudo_bias: Tensor,
    prompt_encoder: Option<PromptEncoder>,
}

impl PromptModel {
    /// Prepares the pseudo rows: copies of the manual template's tokens and of the label words, or
    /// random ones. `encoder` must number a pseudo template's tokens from V.
    ///
    /// # Errors
    /// A combination of settings that has no meaning, or libtorch's.
    pub fn new(
        lm: LanguageModel,
        method: &PromptMethod,
        encoder: &InputEncoder,
        verbalizer: Verbalizer,
        special: Special,
        seed: u64,
    ) -> Result<Self> {
        check(method, &verbalizer, encoder, lm.config.causal)?;
        let (mut rows, mut biases) = (Vec::new(), Vec::new());
        let template: Vec<Vec<i64>> = free_tokens(method, encoder)
            .iter()
            .map(|&id| vec![id])
            .collect();
        let labels = match method.labels {
            LabelRows::Pseudo { .. } => verbalizer.pieces.as_slice(),
            LabelRows::Words => &[],
        };
        let template_init = method.template.free().map(|(init, _)| init);
        let init = [
            (template.as_slice(), template_init, "template rows"),
            (labels, method.labels.free(), "label rows"),
        ];
        let total = template.len() + labels.len();
        let mut first = 0;
        for (sources, init, purpose) in init {
            let Some(init) = init.filter(|_| !sources.is_empty()) else {
                continue;
            };
            let (row, bias) = match init {
                RowInit::Manual => mean_rows(&lm, sources)?,
                RowInit::Random => random_rows(&lm, sources.len(), seed, purpose)?,
                RowInit::Uniform => {
                    let row = lm.config.vocab - (total - first) as i64;
                    uniform_rows(&lm, row, sources.len(), seed, purpose)?
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
        let places = indices(encoder.place_ids(), lm.device())?;
        let pseudo_bias = match method.bias_init {
            BiasInit::Source => pseudo_bias,
            BiasInit::Place => lm.bias.f_index_select(0, &places)?,
        };
        let prompt_encoder = match method.template {
            TemplateRows::Encoded { encoder, .. } => {
                let size = lm.config.embedding;
                Some(PromptEncoder::new(encoder, size, seed, options)?)
            }
            _ => None,
        };
        let model = PromptModel {
            prompt_encoder,
            places,
            template_rows: template.len() as i64,
            lm,
            method: method.clone(),
            special,
            verbalizer,
            pseudo,
            pseudo_bias,
        };
        if method.train != TrainPart::None && model.parameters().is_empty() {
            let message = "there is nothing to train: the model has no biases and the prompt no \
                           pseudo tokens; set train: lm";
            return Err(CoreError::Setting(message.into()));
        }
        Ok(model)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.verbalizer.classes()
    }

    /// The id that fills the slot with the label of class `class`.
    pub fn label_id(&self, class: usize) -> i64 {
        self.lm.config.vocab + self.template_rows + class as i64
    }

    /// The ids of each class's label as an input shows it.
    pub fn label_ids(&self) -> Vec<Vec<i64>> {
        match self.method.labels {
            LabelRows::Words => self.verbalizer.pieces.clone(),
            LabelRows::Pseudo { .. } => (0..self.classes())
                .map(|class| vec![self.label_id(class)])
                .collect(),
        }
    }

    /// The label word of class `class`; of several pieces, the first.
    pub fn word_id(&self, class: usize) -> i64 {
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

    /// The labels' rows `[n, D]` and their decoder biases `[n]`.
    pub fn label_rows(&self) -> Result<(Tensor, Tensor)> {
        match self.method.labels {
            LabelRows::Words => mean_rows(&self.lm, &self.verbalizer.pieces),
            LabelRows::Pseudo { .. } => {
                let n = self.classes() as i64;
                let rows = self.pseudo.f_narrow(0, self.template_rows, n)?;
                Ok((rows, self.pseudo_bias.f_narrow(0, self.template_rows, n)?))
            }
        }
    }

    /// Head states `[batch, r, D]` at `read` `[batch, r]` of inputs `ids` `[batch, seq]`.
    pub fn head_states(
        &self,
        ids: &Tensor,
        batch: &Batch,
        read: &Tensor,
        labels: &Tensor,
        mode: Mode,
    ) -> Result<Tensor> {
        let template = self.pseudo_rows()?.f_narrow(0, 0, self.template_rows)?;
        let as_inputs = |rows: &Tensor, are_pseudo: bool| match are_pseudo {
            true if !self.method.template_gradient => rows.f_detach(),
            _ => Ok(rows.shallow_clone()),
        };
        let are_pseudo = self.method.labels.free().is_some();
        let labels = as_inputs(labels, are_pseudo)?;
        let free = Tensor::f_cat(&[as_inputs(&template, true)?, labels], 0)?; // [m + n, D]
        let words = lookup(&self.lm.embeddings, &free, ids)?;
        let hidden = self.lm.encode(&words, &batch.shape, Some(read), mode)?;
        self.lm.transform(&hidden)
    }

    /// Logits over V* `[.., V + p]`, or over the words alone `[.., V]`, of head states `[.., D]`; −∞
    /// at rows that pseudo rows stand in for.
    pub fn full_logits(&self, head: &Tensor, softmax: FluencySoftmax) -> Result<Tensor> {
        let mut words = LanguageModel::decode(head, &self.lm.embeddings, &self.lm.bias)?;
        if self.places.size()[0] > 0 {
            words = words.f_index_fill(-1, &self.places, f64::NEG_INFINITY)?;
        }
        if self.pseudo.size()[0] == 0 || softmax == FluencySoftmax::Words {
            return Ok(words);
        }
        let pseudo = LanguageModel::decode(head, &self.pseudo_rows()?, &self.pseudo_bias)?;
        Ok(Tensor::f_cat(&[words, pseudo], -1)?)
    }

    /// The labels' input rows, `[n, D]`.
    pub fn label_inputs(&self) -> Result<Tensor> {
        Ok(self.label_rows()?.0)
    }

    fn slot_states(&self, batch: &Batch, labels: &Tensor, mode: Mode) -> Result<Tensor> {
        Ok(self
            .head_states(&batch.ids, batch, &batch.slots, labels, mode)?
            .f_squeeze_dim(1)?)
    }

    /// L_C of a batch, its mean.
    pub fn class_loss(&self, batch: &Batch) -> Result<Tensor> {
        let labels = self.label_rows()?;
        // Rows of their own: recomputation goes backward through the inputs apart from the decoder.
        let head = self.slot_states(batch, &self.label_inputs()?, Mode::Train)?; // [B, D]
        self.class_loss_at(&head, &labels, batch)
    }

    /// L_C of a batch, its mean, from the head states `[batch, D]` at its slots and
    /// [`PromptModel::label_rows`].
    pub fn class_loss_at(
        &self,
        head: &Tensor,
        (rows, bias): &(Tensor, Tensor),
        batch: &Batch,
    ) -> Result<Tensor> {
        if !self.method.full_vocab {
            return class_loss(&LanguageModel::decode(head, rows, bias)?, &batch.labels);
        }
        let targets: Vec<i64> = self.label_ids().iter().map(|ids| ids[0]).collect();
        let targets = indices(&targets, self.lm.device())?.f_index_select(0, &batch.labels)?;
        class_loss(&self.full_logits(head, FluencySoftmax::All)?, &targets)
    }

    /// Logits `[batch, classes]`.
    pub fn class_logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let (rows, bias) = self.label_rows()?;
        LanguageModel::decode(&self.slot_states(batch, &rows, mode)?, &rows, &bias)
    }

    /// What is trained, in a fixed order.
    pub fn parameters(&self) -> Vec<Parameter> {
        if self.method.train == TrainPart::None {
            return Vec::new();
        }
        let mut list = self.lm_parameters();
        list.extend(self.prompt_parameters());
        list
    }

    /// What is trained of the language model.
    pub fn lm_parameters(&self) -> Vec<Parameter> {
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
        list
    }

    /// What is trained of the prompt: the pseudo rows, and what computes them.
    fn prompt_parameters(&self) -> Vec<Parameter> {
        let mut list = Vec::new();
        let mut push = |name: &str, tensor: &Tensor| {
            list.push(Parameter::new(name, tensor.shallow_clone(), Role::Pseudo));
        };
        if self.pseudo.size()[0] > 0 {
            push("pseudo.rows", &self.pseudo);
            if self.lm.has_decoder_bias() {
                push("pseudo.bias", &self.pseudo_bias);
            }
        }
        if let Some(encoder) = &self.prompt_encoder {
            list.extend(encoder.parameters());
        }
        list
    }
}
