//! Fine-tuning: a classification head on `[CLS]`, with the weights of the paper's baseline (dense,
//! tanh, dropout, linear).

use tch::{Kind, Tensor};

use super::interface::{Classifier, Losses, Parts};
use super::micro_step::MicroStep;
use crate::error::Result;
use crate::lm::{LanguageModel, Mode, Parameter, Role};
use crate::method::{Embeddings, HeadMethod, TrainPart};
use crate::objective::class_loss;
use crate::prompt::{Batch, Encoded, InputEncoder};
use crate::pseudo::lookup;
use crate::rng::Rng;

/// A language model with a classification head.
pub struct HeadClassifier {
    lm: LanguageModel,
    method: HeadMethod,
    encoder: InputEncoder,
    pad: i64,
    no_pseudo: Tensor,
    /// dense.weight, dense.bias, out.weight, out.bias
    head: [Tensor; 4],
}

impl HeadClassifier {
    /// A new head for `classes` classes: normal with standard deviation 0.02, biases 0.
    ///
    /// # Errors
    /// libtorch's.
    pub fn new(
        lm: LanguageModel,
        method: &HeadMethod,
        encoder: InputEncoder,
        classes: usize,
        pad: i64,
        seed: u64,
    ) -> Result<Self> {
        let (h, n) = (lm.config.hidden, classes as i64);
        let options = (lm.embeddings.kind(), lm.device());
        let normal = |purpose: &str, shape: [i64; 2]| -> Result<Tensor> {
            let mut rng = Rng::new(seed, purpose, &[]);
            let count = shape[0] * shape[1];
            let values: Vec<f64> = (0..count).map(|_| 0.02 * rng.normal()).collect();
            let tensor = Tensor::f_from_slice(&values)?.f_view(shape)?;
            Ok(tensor.f_to_kind(options.0)?.f_to_device(options.1)?)
        };
        let head = [
            normal("head dense", [h, h])?,
            Tensor::f_zeros([h], options)?,
            normal("head out", [n, h])?,
            Tensor::f_zeros([n], options)?,
        ];
        let no_pseudo = Tensor::f_zeros([0, lm.config.embedding], options)?;
        Ok(HeadClassifier {
            lm,
            method: method.clone(),
            encoder,
            pad,
            no_pseudo,
            head,
        })
    }

    fn head_parameters(&self) -> Vec<Parameter> {
        let names = [
            "classifier.dense.weight",
            "classifier.dense.bias",
            "classifier.out.weight",
            "classifier.out.bias",
        ];
        let parameter = |(i, (name, tensor)): (usize, (&str, &Tensor))| {
            let role = if i % 2 == 0 { Role::Matrix } else { Role::Bias };
            Parameter::new(name, tensor.shallow_clone(), role)
        };
        let named = names.into_iter().zip(&self.head);
        named.enumerate().map(parameter).collect()
    }
}

impl Classifier for HeadClassifier {
    fn parameters(&self) -> Vec<Parameter> {
        let mut list: Vec<Parameter> = match self.method.train {
            TrainPart::Lm => self.lm.encoder_parameters(),
            TrainPart::Bitfit => self
                .lm
                .encoder_parameters()
                .into_iter()
                .filter(Parameter::is_bias)
                .collect(),
            TrainPart::None | TrainPart::Prompt => Vec::new(),
        };
        if self.method.embeddings == Embeddings::Trained {
            list.extend(self.lm.vocabulary_parameters().into_iter().take(1));
        }
        list.extend(self.head_parameters());
        list
    }

    fn encoder(&self) -> &InputEncoder {
        &self.encoder
    }

    fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let words = lookup(&self.lm.embeddings, &self.no_pseudo, &batch.ids)?;
        let hidden = self
            .lm
            .encode(&words, &batch.shape, Some(&batch.slots), mode)?; // [B, 1, H]
        let (train, rate) = (mode == Mode::Train, self.lm.config.head_dropout);
        let [dense, dense_bias, out, out_bias] = &self.head;
        let x = hidden.f_squeeze_dim(1)?.f_dropout(rate, train)?;
        let x = x
            .f_linear(dense, Some(dense_bias))?
            .f_tanh()?
            .f_dropout(rate, train)?;
        Ok(x.f_linear(out, Some(out_bias))?)
    }

    fn backward(&self, examples: &[&Encoded], at: MicroStep, scale: f64) -> Result<Losses> {
        let batch = Batch::new(examples, self.pad, self.lm.device())?;
        at.seed_pass(0);
        let loss = class_loss(&self.logits(&batch, Mode::Train)?, &batch.labels)?;
        self.lm.backward(&loss.f_mul_scalar(scale)?)?;
        Ok(Losses {
            class: loss.f_to_kind(Kind::Double)?.f_double_value(&[])?,
            fluency: None,
        })
    }

    fn parts(&self) -> Result<Parts<'_>> {
        let options = (self.no_pseudo.kind(), self.no_pseudo.device());
        Ok(Parts {
            lm: &self.lm,
            template_rows: 0,
            pseudo: self.no_pseudo.shallow_clone(),
            pseudo_bias: Tensor::f_zeros([0], options)?,
            head: self.head_parameters(),
        })
    }
}
