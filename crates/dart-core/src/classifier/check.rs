//! Which settings of a prompt method exclude each other.

use crate::error::{CoreError, Result};
use crate::method::{FluencyLabels, FluencyMask, LabelRows, PromptMethod, TemplateRows, TrainPart};
use crate::prompt::{InputEncoder, Verbalizer};

/// Why a causal model has no fluency constraint.
const NO_CAUSAL_FLUENCY: &str = "fluency has no meaning with a causal model: the slot stands \
    last, so the label in it never conditions the words before it; set fluency: null";

/// Refuses settings that exclude each other.
pub(crate) fn check(
    method: &PromptMethod,
    verbalizer: &Verbalizer,
    encoder: &InputEncoder,
    causal: bool,
) -> Result<()> {
    let fail = |why: &str| Err(CoreError::Setting(why.into()));
    if let Some(fluency) = &method.fluency {
        if causal {
            return fail(NO_CAUSAL_FLUENCY);
        }
        if !(fluency.weight > 0.0 && fluency.weight.is_finite()) {
            return fail("fluency.weight must be above 0; leave fluency out for L_C alone");
        }
        if matches!(fluency.mask, FluencyMask::Rate(r) if !(r > 0.0 && r < 1.0)) {
            return fail("fluency.mask: a rate must lie between 0 and 1");
        }
        let as_reference =
            fluency.labels == FluencyLabels::Sampled && method.labels.free().is_some();
        if fluency.reference_bug && !as_reference {
            return fail("reference_bug needs labels: pseudo and fluency_labels: sampled");
        }
    }
    let words = method.labels == LabelRows::Words;
    if method.full_vocab && words && verbalizer.pieces.iter().any(|p| p.len() > 1) {
        return fail(
            "full_vocab needs label words of one token each (or label_pieces: first, or pseudo labels)",
        );
    }
    let none_free = free_tokens(method, encoder).is_empty();
    if matches!(method.template, TemplateRows::Encoded { .. }) && none_free {
        return fail(
            "template: encoded has no token to encode: give the template words, or set \
             template_tokens",
        );
    }
    if method.train == TrainPart::Prompt && words && none_free {
        return fail(
            "train: prompt has nothing to train without pseudo tokens: set template: pseudo and \
             give the template words, or set template_tokens or labels: pseudo",
        );
    }
    Ok(())
}

/// The template's tokens whose rows are the method's own.
pub(super) fn free_tokens<'a>(method: &PromptMethod, encoder: &'a InputEncoder) -> &'a [i64] {
    match method.template.free() {
        Some(_) => encoder.template_ids(),
        None => &[],
    }
}
