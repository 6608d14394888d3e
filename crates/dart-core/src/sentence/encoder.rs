//! Sentence embeddings: the mean of an encoder's last hidden states over the unpadded tokens,
//! L2-normalised (Reimers and Gurevych, 2019).

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::lm::{LanguageModel, Mode};
use crate::prompt::{Batch, Encoded};
use crate::pseudo::lookup;

/// Examples a batch, cut by length so that little is padded.
const BATCH: usize = 32;

/// An encoder whose hidden states stand for sentences.
pub struct SentenceEncoder {
    /// The encoder; a masked-LM head is not used.
    pub lm: LanguageModel,
    no_pseudo: Tensor,
    pad: i64,
}

impl SentenceEncoder {
    /// With `pad` filling batches.
    ///
    /// # Errors
    /// libtorch's.
    pub fn new(lm: LanguageModel, pad: i64) -> Result<Self> {
        let options = (lm.embeddings.kind(), lm.device());
        let no_pseudo = Tensor::f_zeros([0, lm.config.embedding], options)?;
        Ok(SentenceEncoder { lm, no_pseudo, pad })
    }

    /// Pads examples to a batch.
    ///
    /// # Errors
    /// libtorch's.
    pub fn batch(&self, examples: &[&Encoded]) -> Result<Batch> {
        Batch::new(examples, self.pad, self.lm.device())
    }

    /// Embeddings `[batch, H]` of length 1.
    ///
    /// # Errors
    /// libtorch's.
    pub fn embed(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let words = lookup(&self.lm.embeddings, &self.no_pseudo, &batch.ids)?;
        let hidden = self.lm.encode(&words, &batch.shape, None, mode)?; // [B, seq, H]
        let keep = batch.shape.keep.f_to_kind(hidden.kind())?;
        let dims = Some([1i64].as_slice());
        let sum =
            hidden
                .f_mul(&keep.f_unsqueeze(2)?)?
                .f_sum_dim_intlist(dims, false, hidden.kind())?;
        let count = keep.f_sum_dim_intlist(dims, true, hidden.kind())?; // [B, 1]
        let mean = sum.f_div(&count)?;
        let norm = mean.f_norm_scalaropt_dim(2.0, [1i64].as_slice(), true)?;
        Ok(mean.f_div(&norm.f_clamp_min(1e-12)?)?)
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
