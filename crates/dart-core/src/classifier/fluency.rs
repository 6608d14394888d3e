//! The fluency constraint's passes over a micro-batch: which words are masked, under which labels,
//! and a forward and backward pass for each label, so that memory stays flat.

use tch::{Kind, Tensor};

use super::micro_step::MicroStep;
use super::prompt_model::PromptModel;
use crate::error::Result;
use crate::lm::{Mode, indices};
use crate::method::{Fluency, FluencyLabels, FluencyMask};
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
pub(super) struct Passes {
    /// Masked positions of each example; the same under every label.
    masked: Vec<Vec<usize>>,
    /// The words that stood there.
    words: Vec<Vec<i64>>,
    truth: Vec<usize>,
    passes: Vec<Pass>,
    reference_bug: bool,
}

impl Passes {
    /// Draws masks and labels.
    pub fn draw(examples: &[&Encoded], settings: &Fluency, classes: usize, at: MicroStep) -> Self {
        let mut masked = Vec::with_capacity(examples.len());
        let mut orders = Vec::with_capacity(examples.len());
        for (i, example) in examples.iter().enumerate() {
            let counters = [at.step, at.micro, i as u64];
            let mut rng = Rng::new(at.seed, "fluency mask", &counters);
            let maskable = &example.maskable;
            masked.push(match settings.mask {
                FluencyMask::One if maskable.is_empty() => Vec::new(),
                FluencyMask::One => vec![maskable[rng.below(maskable.len())]],
                FluencyMask::Rate(rate) => maskable
                    .iter()
                    .copied()
                    .filter(|_| rng.uniform() < rate)
                    .collect(),
            });
            orders.push(Rng::new(at.seed, "fluency labels", &counters));
        }
        let truth: Vec<usize> = examples.iter().map(|e| e.label).collect();
        let passes = label_passes(settings.labels, classes, &truth, orders);
        let words = masked
            .iter()
            .zip(examples)
            .map(|(positions, e)| positions.iter().map(|&p| e.ids[p]).collect())
            .collect();
        Passes {
            masked,
            words,
            truth,
            passes,
            reference_bug: settings.reference_bug,
        }
    }

    /// Adds the gradients of `scale` times L_F and returns L_F, the mean over the examples.
    pub fn backward(
        &self,
        model: &PromptModel,
        batch: &Batch,
        at: MicroStep,
        scale: f64,
    ) -> Result<f64> {
        let widest = self.masked.iter().map(Vec::len).max().unwrap_or(0);
        if widest == 0 {
            return Ok(0.0);
        }
        let device = batch.ids.device();
        let size = self.masked.len();
        // Examples with fewer masks repeat position 0 with weight 0.
        let (mut read, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for (positions, words) in self.masked.iter().zip(&self.words) {
            for i in 0..widest {
                read.push(positions.get(i).map_or(0, |&p| p as i64));
                targets.push(words.get(i).copied().unwrap_or(0));
                let share = 1.0 / (positions.len().max(1) * size) as f64;
                weights.push(if i < positions.len() { share } else { 0.0 });
            }
        }
        let read = indices(&read, device)?.f_view([size as i64, widest as i64])?;
        let targets = indices(&targets, device)?;
        let hidden = self.hide(model, batch)?;
        let mut total = 0.0;
        for (i, pass) in self.passes.iter().enumerate() {
            at.seed_pass(1 + i as u64);
            let ids = self.fill(model, batch, &hidden, pass)?;
            let labels = model.label_inputs()?;
            let head = model.head_states(&ids, batch, &read, &labels, Mode::Train)?;
            let head = head.f_reshape([-1, head.size()[2]])?; // [B · widest, D]
            let logits = model.full_logits(&head)?;
            let wanted: Vec<f32> = (0..size)
                .flat_map(|e| vec![f32::from(self.is_true(pass.labels[e], e)); widest])
                .collect();
            let wanted = Tensor::f_from_slice(&wanted)?.f_to_device(device)?;
            let losses = masked_word_loss(&logits, &targets, &wanted)?;
            let weights: Vec<f64> = weights.iter().map(|w| w * pass.weight).collect();
            let weights = Tensor::f_from_slice(&weights)?
                .f_to_kind(losses.kind())?
                .f_to_device(device)?;
            let loss = losses.f_mul(&weights)?.f_sum(losses.kind())?;
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
        label == self.truth[example] && !self.reference_bug
    }

    /// The batch's ids with the drawn words masked.
    fn hide(&self, model: &PromptModel, batch: &Batch) -> Result<Tensor> {
        let seq = batch.ids.size2()?.1;
        let flat: Vec<i64> = self
            .masked
            .iter()
            .enumerate()
            .flat_map(|(row, positions)| {
                positions.iter().map(move |&p| row as i64 * seq + p as i64)
            })
            .collect();
        let at = indices(&flat, batch.ids.device())?;
        let filled = batch
            .ids
            .f_reshape([-1])?
            .f_index_fill(0, &at, model.special.mask)?;
        Ok(filled.f_view([-1, seq])?)
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
            .map(|&class| match self.reference_bug {
                true => model.word_id(class),
                false => model.label_id(class),
            })
            .collect();
        let labels = indices(&labels, hidden.device())?.f_unsqueeze(1)?;
        Ok(hidden.f_scatter(1, &batch.slots, &labels)?)
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
