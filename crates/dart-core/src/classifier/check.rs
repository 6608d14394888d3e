//! Which settings of a prompt method exclude each other.

use crate::error::{CoreError, Result};
use crate::method::{
    BiasInit, Embeddings, Fluency, FluencyLabels, FluencyMask, FluencyPass, FluencyTrains,
    LabelRows, Places, PromptMethod, TemplateRows, TrainPart,
};
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
    let none_free = free_tokens(method, encoder).is_empty();
    let words = method.labels == LabelRows::Words;
    if let Some(fluency) = &method.fluency {
        if causal {
            return fail(NO_CAUSAL_FLUENCY);
        }
        check_fluency(fluency, words, none_free && words)?;
    }
    if method.sep_after_text && (causal || method.demonstrations.is_some()) {
        return fail(
            "sep_after_text: true has no meaning with a causal model, which has no segments, nor \
             with demonstrations, which are the second segment",
        );
    }
    check_places(method, verbalizer, encoder)?;
    if method.full_vocab && words && verbalizer.pieces.iter().any(|p| p.len() > 1) {
        return fail(
            "full_vocab needs label words of one token each (or label_pieces: first, or pseudo labels)",
        );
    }
    if matches!(method.template, TemplateRows::Encoded { .. }) && none_free {
        return fail(
            "template: encoded has no token to encode: give the template words, or set \
             template_tokens",
        );
    }
    if !method.template_gradient {
        if matches!(method.template, TemplateRows::Encoded { .. }) {
            return fail(
                "template_gradient: false leaves an encoded template's encoder without a gradient; \
                 set template: pseudo",
            );
        }
        let read = !words || method.full_vocab;
        let others = method.train != TrainPart::Prompt || method.embeddings == Embeddings::Trained;
        if !read && !others {
            return fail(
                "train: prompt has nothing that the class loss could train with template_gradient: \
                 false and label words: set labels: pseudo, or full_vocab: true",
            );
        }
    }
    if method.train == TrainPart::Prompt && words && none_free {
        return fail(
            "train: prompt has nothing to train without pseudo tokens: set template: pseudo and \
             give the template words, or set template_tokens or labels: pseudo",
        );
    }
    Ok(())
}

/// Refuses settings of the fluency constraint; `no_pseudo`: the prompt has no pseudo token at all.
fn check_fluency(fluency: &Fluency, label_words: bool, no_pseudo: bool) -> Result<()> {
    let fail = |why: &str| Err(CoreError::Setting(why.into()));
    if !(fluency.weight > 0.0 && fluency.weight.is_finite()) {
        return fail("fluency.weight must be above 0; leave fluency out for L_C alone");
    }
    let within = |share: f64| share > 0.0 && share < 1.0;
    if matches!(fluency.mask, FluencyMask::Rate(r) | FluencyMask::Share(r) if !within(r)) {
        return fail("fluency.mask: a rate or a share must lie between 0 and 1");
    }
    let own = fluency.pass == FluencyPass::Own;
    let as_reference = own && fluency.labels == FluencyLabels::Sampled && !label_words;
    if fluency.reference_bug && !as_reference {
        return fail(
            "reference_bug needs labels: pseudo, fluency_labels: sampled and fluency_pass: own",
        );
    }
    if fluency.trains == FluencyTrains::Prompt && !own {
        return fail(
            "fluency_trains: prompt needs fluency_pass: own: one pass has one gradient for both \
             losses",
        );
    }
    if fluency.trains == FluencyTrains::Prompt && no_pseudo {
        return fail(
            "fluency_trains: prompt has nothing to train without pseudo tokens: set template: \
             pseudo and give the template words, or set labels: pseudo",
        );
    }
    Ok(())
}

/// Refuses places that pseudo tokens cannot take.
fn check_places(
    method: &PromptMethod,
    verbalizer: &Verbalizer,
    encoder: &InputEncoder,
) -> Result<()> {
    let fail = |why: String| Err(CoreError::Setting(why));
    if method.places == Places::Appended {
        return match method.bias_init {
            BiasInit::Source => Ok(()),
            BiasInit::Place => fail("bias_init: place needs places: unused or tail".into()),
        };
    }
    let places = encoder.place_ids();
    let labels = method.labels.free().map_or(0, |_| verbalizer.classes());
    let pseudo = free_tokens(method, encoder).len() + labels;
    if places.len() != pseudo {
        let found = places.len();
        return fail(format!("{found} places for {pseudo} pseudo tokens"));
    }
    let pieces = verbalizer.pieces.iter().flatten();
    if pieces
        .chain(encoder.template_ids())
        .any(|id| places.contains(id))
    {
        return fail(
            "a token of the template or of a label word stands in the place of a pseudo token; set \
             places: appended, or choose other words"
                .into(),
        );
    }
    Ok(())
}

/// The template's tokens whose rows are the method's own.
pub(super) fn free_tokens<'a>(method: &PromptMethod, encoder: &'a InputEncoder) -> &'a [i64] {
    match method.template.free() {
        Some(_) => encoder.row_ids(),
        None => &[],
    }
}
