//! Sentence embeddings: an encoder's last hidden states, pooled.

use tch::{Kind, Tensor};

use super::dense::Dense;
use super::layout::Layout;
use super::modules::Behind;
use super::pooling::Pooling;
use crate::error::Result;
use crate::lm::{LanguageModel, Mode, Parameter};
use crate::prompt::{Batch, Encoded};
use crate::pseudo::lookup;
use crate::tokenizer::Tokenizer;

/// Examples a batch, cut by length so that little is padded.
const BATCH: usize = 32;

/// An encoder whose hidden states stand for sentences.
pub struct SentenceEncoder {
    /// The encoder; a masked-LM head is not used.
    pub lm: LanguageModel,
    no_pseudo: Tensor,
    pad: i64,
    pooling: Pooling,
    behind: Vec<Step>,
    /// How many positions, the first, do not count when pooling.
    skipped: i64,
    /// H, size of the embeddings.
    size: i64,
}

/// What follows the pooling.
enum Step {
    Normalize,
    Dense(Dense),
}

impl SentenceEncoder {
    /// From an encoder in its place, the tokenizer of its inputs and how its folder lays it out.
    ///
    /// # Errors
    /// Weights of the layout that do not fit it, or libtorch's.
    pub fn new(lm: LanguageModel, tokenizer: &Tokenizer, layout: &Layout) -> Result<Self> {
        let options = (lm.embeddings.kind(), lm.device());
        let no_pseudo = Tensor::f_zeros([0, lm.config.embedding], options)?;
        let mut size = lm.config.hidden * layout.pooling.count();
        let mut behind = Vec::with_capacity(layout.behind.len());
        for module in &layout.behind {
            behind.push(match module {
                Behind::Normalize => Step::Normalize,
                Behind::Dense(config) => {
                    size = config.output();
                    Step::Dense(Dense::load(config, lm.device(), lm.embeddings.kind())?)
                }
            });
        }
        let skipped = match layout.pooling.include_prompt || layout.prompt.is_empty() {
            true => 0,
            false => tokenizer.frame().start.len() + tokenizer.encode(&layout.prompt).len(),
        };
        Ok(SentenceEncoder {
            lm,
            no_pseudo,
            pad: tokenizer.special().pad,
            pooling: layout.pooling.clone(),
            behind,
            skipped: skipped as i64,
            size,
        })
    }

    /// H, size of the embeddings.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// The weights in a fixed order, without the vocabulary's.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = self.lm.encoder_parameters();
        for step in &self.behind {
            if let Step::Dense(dense) = step {
                dense.list(&mut list);
            }
        }
        list
    }

    /// Pads examples to a batch.
    ///
    /// # Errors
    /// libtorch's.
    pub fn batch(&self, examples: &[&Encoded]) -> Result<Batch> {
        Batch::new(examples, self.pad, self.lm.device())
    }

    /// Embeddings `[batch, H]`.
    ///
    /// # Errors
    /// libtorch's.
    pub fn embed(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let words = lookup(&self.lm.embeddings, &self.no_pseudo, &batch.ids)?;
        let keep = &batch.shape.keep;
        let mut x = match self.pooling.reads_first_alone() {
            true => {
                let first = batch.ids.f_narrow(1, 0, 1)?.f_zeros_like()?;
                let hidden = self.lm.encode(&words, &batch.shape, Some(&first), mode)?;
                hidden.f_select(1, 0)?
            }
            false => {
                let hidden = self.lm.encode(&words, &batch.shape, None, mode)?; // [B, seq, H]
                self.pooling.forward(&hidden, &self.counted(keep)?)?
            }
        };
        for step in &self.behind {
            x = match step {
                Step::Normalize => normalized(&x)?,
                Step::Dense(dense) => dense.forward(&x)?,
            };
        }
        Ok(x)
    }

    /// The same with length 1, so that products are cosines.
    ///
    /// # Errors
    /// libtorch's.
    pub fn directions(&self, embeddings: &Tensor) -> Result<Tensor> {
        match self.behind.last() {
            Some(Step::Normalize) => Ok(embeddings.shallow_clone()),
            _ => normalized(embeddings),
        }
    }

    /// `keep` `[batch, seq]` without the positions that are skipped.
    fn counted(&self, keep: &Tensor) -> Result<Tensor> {
        if self.skipped == 0 {
            return Ok(keep.shallow_clone());
        }
        let (seq, options) = (keep.size2()?.1, (Kind::Int64, keep.device()));
        let behind = Tensor::f_arange(seq, options)?.f_ge(self.skipped)?;
        Ok(keep.f_mul(&behind)?)
    }

    /// Embeddings `[examples, H]` in float64, without dropout and gradients, in the order of
    /// `examples`, of which there is at least one.
    ///
    /// # Errors
    /// libtorch's.
    pub fn embed_all(&self, examples: &[Encoded]) -> Result<Tensor> {
        let _no_grad = tch::no_grad_guard();
        let mut order: Vec<usize> = (0..examples.len()).collect();
        order.sort_by_key(|&i| (examples[i].ids.len(), i));
        let mut rows: Vec<Option<Tensor>> = examples.iter().map(|_| None).collect();
        for chunk in order.chunks(BATCH) {
            let batch: Vec<&Encoded> = chunk.iter().map(|&i| &examples[i]).collect();
            let embedded = self
                .embed(&self.batch(&batch)?, Mode::Evaluate)?
                .f_to_kind(Kind::Double)?;
            for (row, &i) in chunk.iter().enumerate() {
                rows[i] = Some(embedded.f_get(row as i64)?);
            }
        }
        let rows: Vec<Tensor> = rows.into_iter().flatten().collect();
        Ok(Tensor::f_stack(&rows, 0)?)
    }
}

/// Rows of length 1; a row of zeros stays.
fn normalized(x: &Tensor) -> Result<Tensor> {
    let norm = x.f_norm_scalaropt_dim(2.0, [1i64].as_slice(), true)?;
    Ok(x.f_div(&norm.f_clamp_min(1e-12)?)?)
}
