//! The fluency constraint's own passes over a micro-batch: a forward and backward pass for each label,
//! so that memory stays flat.

use tch::{Kind, Tensor};

use super::masks::Masks;
use super::micro_step::MicroStep;
use super::prompt_model::PromptModel;
use crate::error::Result;
use crate::lm::{Mode, Parameter, indices};
use crate::method::{Fluency, FluencyLabels, FluencyTrains};
use crate::objective::masked_word_loss;
use crate::prompt::{Batch, Encoded};
use crate::rng::Rng;

/// Classes above which `auto` draws wrong labels instead of taking all.
const AUTO_ALL: usize = 6;
/// Wrong labels that `auto` draws.
const AUTO_K: usize = 5;

/// A label for each example, and the weight of the pass.
struct Pass {
    labels: Vec<usize>,
    weight: f64,
}

/// Everything random of L_F in a micro-batch.
pub(super) struct Passes<'a> {
    settings: &'a Fluency,
    /// The same under every label.
    masks: Masks,
    truth: Vec<usize>,
    passes: Vec<Pass>,
}

impl<'a> Passes<'a> {
    /// Draws masks and labels.
    pub fn draw(
        examples: &[&Encoded],
        settings: &'a Fluency,
        classes: usize,
        at: MicroStep,
    ) -> Self {
        let orders = (0..examples.len() as u64)
            .map(|i| Rng::new(at.seed, "fluency labels", &[at.step, at.micro, i]))
            .collect();
        let truth: Vec<usize> = examples.iter().map(|e| e.label).collect();
        Passes {
            settings,
            masks: Masks::draw(examples, settings.mask, at),
            passes: label_passes(settings.labels, classes, &truth, orders),
            truth,
        }
    }

    /// Adds the gradients of `scale` times L_F and returns L_F.
    pub fn backward(
        &self,
        model: &PromptModel,
        batch: &Batch,
        at: MicroStep,
        scale: f64,
    ) -> Result<f64> {
        let device = batch.ids.device();
        let Some(reading) = self.masks.reading(self.settings.mean, device)? else {
            return Ok(0.0);
        };
        let _held = match self.settings.trains {
            FluencyTrains::All => None,
            FluencyTrains::Prompt => Some(Held::new(model.lm_parameters())?),
        };
        let hidden = self.masks.hide(batch, model.special.mask)?;
        let mut total = 0.0;
        for (i, pass) in self.passes.iter().enumerate() {
            at.seed_pass(1 + i as u64);
            let ids = self.fill(model, batch, &hidden, pass)?;
            let labels = model.label_inputs()?;
            let read = &reading.positions;
            let head = model.head_states(&ids, batch, read, &labels, Mode::Train)?;
            let head = head.f_reshape([-1, head.size()[2]])?; // [B · widest, D]
            let logits = model.full_logits(&head, self.settings.softmax)?;
            let wanted: Vec<f32> = (0..self.truth.len())
                .flat_map(|e| vec![f32::from(self.is_true(pass.labels[e], e)); reading.widest])
                .collect();
            let wanted = Tensor::f_from_slice(&wanted)?.f_to_device(device)?;
            let losses = masked_word_loss(&logits, &reading.words, &wanted)?;
            let loss = reading.mean(&losses, pass.weight)?;
            total += loss.f_to_kind(Kind::Double)?.f_double_value(&[])?;
            let loss = loss.f_mul_scalar(scale)?;
            // Nothing to learn where all that is trained is out of the loss's reach.
            if loss.requires_grad() {
                model.lm.backward(&loss)?;
            }
        }
        Ok(total)
    }

    fn is_true(&self, label: usize, example: usize) -> bool {
        label == self.truth[example] && !self.settings.reference_bug
    }

    /// `hidden` with each example's slot filled by the pass's label.
    fn fill(
        &self,
        model: &PromptModel,
        batch: &Batch,
        hidden: &Tensor,
        pass: &Pass,
    ) -> Result<Tensor> {
        let labels: Vec<i64> = pass
            .labels
            .iter()
            .map(|&class| match self.settings.reference_bug {
                true => model.word_id(class),
                false => model.label_id(class),
            })
            .collect();
        let labels = indices(&labels, hidden.device())?.f_unsqueeze(1)?;
        Ok(hidden.f_scatter(1, &batch.slots, &labels)?)
    }
}

/// Parameters without gradients for as long as it lives; those that had none before stay without.
struct Held(Vec<Parameter>);

impl Held {
    fn new(mut parameters: Vec<Parameter>) -> Result<Self> {
        parameters.retain(|p| p.tensor.requires_grad());
        let held = Held(parameters);
        held.grant(false)?;
        Ok(held)
    }

    fn grant(&self, gradients: bool) -> Result<()> {
        for parameter in &self.0 {
            let _ = parameter.tensor.f_set_requires_grad(gradients)?;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Fails for no leaf, and parameters are leaves.
        let _ = self.grant(true);
    }
}

fn label_passes(
    rule: FluencyLabels,
    classes: usize,
    truth: &[usize],
    mut rngs: Vec<Rng>,
) -> Vec<Pass> {
    let wrong = classes.saturating_sub(1);
    let drawn = match rule {
        FluencyLabels::Auto if classes > AUTO_ALL => AUTO_K,
        FluencyLabels::K(n) => n,
        FluencyLabels::All | FluencyLabels::Auto => wrong,
        FluencyLabels::True => 0,
        FluencyLabels::Sampled => {
            let labels = rngs.iter_mut().map(|rng| rng.below(classes)).collect();
            return vec![Pass {
                labels,
                weight: 1.0,
            }];
        }
    };
    if drawn >= wrong {
        let under = |class| Pass {
            labels: vec![class; truth.len()],
            weight: 1.0,
        };
        return (0..classes).map(under).collect();
    }
    let draws: Vec<Vec<usize>> = truth
        .iter()
        .zip(&mut rngs)
        .map(|(&y, rng)| {
            let skip_truth = |i| if i < y { i } else { i + 1 };
            rng.choose(wrong, drawn)
                .into_iter()
                .map(skip_truth)
                .collect()
        })
        .collect();
    let mut passes = vec![Pass {
        labels: truth.to_vec(),
        weight: 1.0,
    }];
    passes.extend((0..drawn).map(|i| Pass {
        labels: draws.iter().map(|d| d[i]).collect(),
        weight: wrong as f64 / drawn as f64,
    }));
    passes
}
