//! Logistic regression on sentence embeddings, of the encoder as it is or tuned on pairs of
//! training examples (SetFit).

use std::cell::OnceCell;

use tch::{Device, Kind, Tensor};

use super::interface::{Classifier, Losses};
use super::micro_step::MicroStep;
use crate::error::{CoreError, Result};
use crate::lm::{Mode, Parameter, Role};
use crate::logistic;
use crate::method::{Embeddings, SentenceMethod, TrainPart};
use crate::prompt::{Batch, Encoded, InputEncoder};
use crate::rng::Rng;
use crate::sentence::SentenceEncoder;

/// A sentence encoder with a logistic regression on it.
///
/// The regression is solved for before every evaluation, on the training examples as the encoder
/// then sees them; the steps tune the encoder alone.
pub struct SentenceClassifier {
    sentences: SentenceEncoder,
    method: SentenceMethod,
    encoder: InputEncoder,
    classes: usize,
    train: OnceCell<Vec<Encoded>>,
    /// `[classes, H]` float64.
    weight: Tensor,
    /// `[classes]` float64.
    bias: Tensor,
}

impl SentenceClassifier {
    /// A classifier for `classes` classes that knows nothing yet.
    ///
    /// # Errors
    /// A setting that has no meaning, or libtorch's.
    pub fn new(
        sentences: SentenceEncoder,
        method: &SentenceMethod,
        encoder: InputEncoder,
        classes: usize,
    ) -> Result<Self> {
        if !(method.logreg_c > 0.0 && method.logreg_c.is_finite()) {
            let message = format!("logreg_c is {}; it must be above 0", method.logreg_c);
            return Err(CoreError::Setting(message));
        }
        if method.train == TrainPart::Prompt {
            let message = "train: prompt has no meaning for sentence embeddings; use none, bitfit \
                           or lm";
            return Err(CoreError::Setting(message.into()));
        }
        let options = (Kind::Double, sentences.lm.device());
        Ok(SentenceClassifier {
            weight: Tensor::f_zeros([classes as i64, sentences.size()], options)?,
            bias: Tensor::f_zeros([classes as i64], options)?,
            sentences,
            method: method.clone(),
            encoder,
            classes,
            train: OnceCell::new(),
        })
    }

    /// What embeds the texts.
    pub fn sentences(&self) -> &SentenceEncoder {
        &self.sentences
    }

    fn tuned(&self) -> Vec<Parameter> {
        let lm = &self.sentences.lm;
        let mut list = match self.method.train {
            TrainPart::None | TrainPart::Prompt => return Vec::new(),
            TrainPart::Lm => self.sentences.parameters(),
            TrainPart::Bitfit => self
                .sentences
                .parameters()
                .into_iter()
                .filter(Parameter::is_bias)
                .collect(),
        };
        if self.method.embeddings == Embeddings::Trained {
            list.extend(lm.vocabulary_parameters().into_iter().take(1));
        }
        list
    }

    fn train(&self) -> Result<&[Encoded]> {
        let message = "the classifier was shown no training examples";
        let train = self.train.get();
        train
            .map(Vec::as_slice)
            .ok_or_else(|| CoreError::Input(message.into()))
    }

    /// For each example another of its class (itself where there is none) and one of another class.
    fn partners<'a>(
        train: &'a [Encoded],
        examples: &[&'a Encoded],
        at: MicroStep,
    ) -> (Vec<&'a Encoded>, Vec<&'a Encoded>) {
        let mut like = Vec::with_capacity(examples.len());
        let mut unlike = Vec::with_capacity(examples.len());
        for (i, &example) in examples.iter().enumerate() {
            let mut rng = Rng::new(at.seed, "pairs", &[at.step, at.micro, i as u64]);
            let mut draw = |fits: &dyn Fn(&Encoded) -> bool| {
                let all: Vec<&Encoded> = train.iter().filter(|e| fits(e)).collect();
                all.get(rng.below(all.len())).copied().unwrap_or(example)
            };
            like.push(draw(&|e| e.label == example.label && e.ids != example.ids));
            unlike.push(draw(&|e| e.label != example.label));
        }
        (like, unlike)
    }
}

impl Classifier for SentenceClassifier {
    /// The regression's come last: no gradient reaches them, so that steps leave them alone.
    fn parameters(&self) -> Vec<Parameter> {
        let mut list = self.tuned();
        for (name, tensor) in [("weight", &self.weight), ("bias", &self.bias)] {
            let name = format!("logistic.{name}");
            list.push(Parameter::new(name, tensor.shallow_clone(), Role::Bias));
        }
        list
    }

    fn has_steps(&self) -> bool {
        self.method.train != TrainPart::None
    }

    fn encoder(&self) -> &InputEncoder {
        &self.encoder
    }

    fn prepare(&self, train: &[Encoded]) -> Result<()> {
        let one_class = train
            .iter()
            .all(|e| Some(e.label) == train.first().map(|f| f.label));
        if self.has_steps() && one_class {
            let message = "tuning on pairs needs training examples of two classes at least";
            return Err(CoreError::Input(message.into()));
        }
        // Shown twice, they are the same.
        let _ = self.train.set(train.to_vec());
        Ok(())
    }

    fn refit(&self) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        let train = self.train()?;
        let x = self.sentences.embed_all(train)?;
        let labels: Vec<usize> = train.iter().map(|e| e.label).collect();
        let fitted = logistic::fit(&x, &labels, self.classes, self.method.logreg_c)?;
        self.weight.shallow_clone().f_copy_(&fitted.weight)?;
        self.bias.shallow_clone().f_copy_(&fitted.bias)?;
        Ok(())
    }

    fn logits(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let x = self.sentences.embed(batch, mode)?.f_to_kind(Kind::Double)?;
        Ok(x.f_linear(&self.weight, Some(&self.bias))?)
    }

    /// The mean of (cos − 1)² within the classes and cos² between them, over two pairs an example.
    fn backward(&self, examples: &[&Encoded], at: MicroStep, scale: f64) -> Result<Losses> {
        let (like, unlike) = Self::partners(self.train()?, examples, at);
        let all: Vec<&Encoded> = [examples, &like, &unlike].concat();
        at.seed_pass(0);
        let batch = self.sentences.batch(&all)?;
        let embedded = self.sentences.embed(&batch, Mode::Train)?; // [3B, H]
        let parts = self.sentences.directions(&embedded)?.f_chunk(3, 0)?;
        let cosine = |other: &Tensor| -> Result<Tensor> {
            let dims = Some([1i64].as_slice());
            let products = parts[0].f_mul(other)?;
            Ok(products.f_sum_dim_intlist(dims, false, products.kind())?)
        };
        let far = Tensor::f_cat(
            &[cosine(&parts[1])?.f_sub_scalar(1.0)?, cosine(&parts[2])?],
            0,
        )?;
        let loss = far.f_square()?.f_mean(far.kind())?;
        self.sentences.lm.backward(&loss.f_mul_scalar(scale)?)?;
        Ok(Losses {
            class: loss
                .f_to_device(Device::Cpu)?
                .f_to_kind(Kind::Double)?
                .f_double_value(&[])?,
            fluency: None,
        })
    }
}
