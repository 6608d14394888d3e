//! What the training loop and checkpoints see of a method.

use tch::Tensor;

use super::micro_step::MicroStep;
use crate::error::{CoreError, Result};
use crate::lm::{LanguageModel, Mode, Parameter};
use crate::prompt::{Batch, Encoded, InputEncoder};

/// Losses of a micro-batch, means over its examples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// L_C.
    pub class: f64,
    /// L_F before λ.
    pub fluency: Option<f64>,
}

/// What a checkpoint keeps of a classifier; the tensors share its storage.
pub struct Parts<'a> {
    /// The language model.
    pub lm: &'a LanguageModel,
    /// How many rows of `pseudo` are the template's.
    pub template_rows: i64,
    /// P, `[p, D]`.
    pub pseudo: Tensor,
    /// Decoder biases of P, `[p]`.
    pub pseudo_bias: Tensor,
    /// The weights of a classification head.
    pub head: Vec<Parameter>,
}

/// A method on a language model, ready to be trained or to predict.
pub trait Classifier {
    /// What is trained, in a fixed order.
    fn parameters(&self) -> Vec<Parameter>;

    /// Whether optimizer steps change anything.
    fn has_steps(&self) -> bool {
        !self.parameters().is_empty()
    }

    /// How examples become token ids.
    fn encoder(&self) -> &InputEncoder;

    /// Is shown the training examples once, before anything else is done with them.
    ///
    /// # Errors
    /// Examples that the method cannot learn from.
    fn prepare(&self, _train: &[Encoded]) -> Result<()> {
        Ok(())
    }

    /// Sets the parameters that are solved for and not stepped to; comes before every evaluation.
    ///
    /// # Errors
    /// libtorch's.
    fn refit(&self) -> Result<()> {
        Ok(())
    }

    /// The inputs that stand for an example when it is predicted, their logits being averaged;
    /// empty: itself.
    fn contexts(&self, _example: &Encoded) -> Vec<Encoded> {
        Vec::new()
    }

    /// Logits `[batch, classes]`.
    ///
    /// # Errors
    /// libtorch's.
    fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor>;

    /// Runs all forward and backward passes of a micro-batch; gradients of `scale` times the loss
    /// are added to what the parameters hold.
    ///
    /// # Errors
    /// libtorch's.
    fn backward(&self, examples: &[&Encoded], at: MicroStep, scale: f64) -> Result<Losses>;

    /// What a checkpoint keeps.
    ///
    /// # Errors
    /// A method that has no checkpoint.
    fn parts(&self) -> Result<Parts<'_>> {
        Err(CoreError::Unsupported(
            "this method cannot be exported; prompt methods and fine-tuning can".into(),
        ))
    }
}
