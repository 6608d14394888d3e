//! L_C and plain masked-token prediction in one pass: masked words in the text, `[MASK]` in the slot.

use tch::{Kind, Tensor};

use super::interface::Losses;
use super::masks::Masks;
use super::micro_step::MicroStep;
use super::prompt_model::PromptModel;
use crate::error::Result;
use crate::lm::Mode;
use crate::method::Fluency;
use crate::objective::masked_word_loss;
use crate::prompt::{Batch, Encoded};

/// Adds the gradients of `scale` times L_C + λ L_F, where `weight` is λ.
pub(super) fn backward(
    model: &PromptModel,
    examples: &[&Encoded],
    settings: &Fluency,
    at: MicroStep,
    scale: f64,
    weight: f64,
) -> Result<Losses> {
    let device = model.lm.device();
    let batch = Batch::new(examples, model.special.pad, device)?;
    let masks = Masks::draw(examples, settings.mask, at);
    let reading = masks.reading(settings.mean, device)?;
    let read = match &reading {
        None => batch.slots.shallow_clone(),
        Some(reading) => Tensor::f_cat(&[&batch.slots, &reading.positions], 1)?,
    }; // [B, 1 + widest]
    let ids = masks.hide(&batch, model.special.mask)?;
    at.seed_pass(0);
    let labels = model.label_rows()?;
    let head = model.head_states(&ids, &batch, &read, &model.label_inputs()?, Mode::Train)?;
    let class = model.class_loss_at(&head.f_select(1, 0)?, &labels, &batch)?;
    let mut loss = class.f_mul_scalar(scale)?;
    let mut fluency = 0.0;
    if let Some(reading) = &reading {
        let head = head.f_narrow(1, 1, reading.widest as i64)?;
        let head = head.f_reshape([-1, head.size()[2]])?; // [B · widest, D]
        let logits = model.full_logits(&head, settings.softmax)?;
        let wanted = reading.words.f_ones_like()?;
        let losses = masked_word_loss(&logits, &reading.words, &wanted)?;
        let mean = reading.mean(&losses, 1.0)?;
        fluency = value(&mean)?;
        loss = loss.f_add(&mean.f_mul_scalar(scale * weight)?)?;
    }
    model.lm.backward(&loss)?;
    Ok(Losses {
        class: value(&class)?,
        fluency: Some(fluency),
    })
}

fn value(loss: &Tensor) -> Result<f64> {
    Ok(loss.f_to_kind(Kind::Double)?.f_double_value(&[])?)
}
