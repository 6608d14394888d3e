//! The variants of the fluency constraint.

use dart_core::lm::Parameter;
use dart_core::method::{
    Embeddings, Fluency, FluencyLabels, FluencyMask, FluencyMean, FluencyPass, FluencySoftmax,
    FluencyTrains, FluencyWeight, Places,
};

use super::*;

const TEXTS: [(&str, usize); 3] = [("so dull", 0), ("", 1), ("a fun and bright movie", 2)];

/// DART with another fluency constraint.
fn with(change: impl Fn(&mut Fluency)) -> PromptMethod {
    let mut method = dart();
    change(method.fluency.as_mut().unwrap());
    method
}

fn fluency_of(method: &PromptMethod, texts: &[(&str, usize)], step: u64) -> f64 {
    let built = built(method).unwrap();
    losses(&built, &encode(&built, texts), step).1
}

/// What one backward pass of these texts adds to each parameter; 0 where it adds nothing.
fn added(built: &Built, texts: &[(&str, usize)]) -> Vec<(Parameter, Tensor)> {
    let mut parameters = built.classifier.parameters();
    parameters.iter_mut().for_each(|p| p.tensor.zero_grad());
    losses(built, &encode(built, texts), 5);
    let gradient = |p: Parameter| {
        let gradient = p.tensor.grad();
        let gradient = match gradient.defined() {
            true => gradient.copy(),
            false => p.tensor.detach().zeros_like(),
        };
        (p, gradient)
    };
    parameters.into_iter().map(gradient).collect()
}

/// Through the whole model, with the vocabulary's rows trained and pseudo rows in places.
#[test]
fn gradients_of_the_variants_equal_finite_differences() {
    type Change = fn(&mut Fluency);
    let variants: [Change; 7] = [
        |f| f.labels = FluencyLabels::True,
        |f| {
            f.mask = FluencyMask::Share(0.5);
            f.mean = FluencyMean::Masks;
        },
        |f| f.softmax = FluencySoftmax::Words,
        |f| f.weighted = FluencyWeight::Label,
        |f| {
            f.pass = FluencyPass::Same;
            f.mask = FluencyMask::Share(0.5);
        },
        |f| {
            f.pass = FluencyPass::Same;
            f.mask = FluencyMask::Rate(0.4);
            f.mean = FluencyMean::Masks;
            f.softmax = FluencySoftmax::Words;
            f.weighted = FluencyWeight::Label;
        },
        |f| {
            f.pass = FluencyPass::Same;
            f.mask = FluencyMask::Rate(1e-9);
        },
    ];
    for (i, change) in variants.into_iter().enumerate() {
        let method = PromptMethod {
            embeddings: Embeddings::Trained,
            full_vocab: i % 2 == 1,
            places: if i > 2 {
                Places::Tail
            } else {
                Places::Appended
            },
            ..with(change)
        };
        let weight = match method.fluency.as_ref().unwrap().weighted {
            FluencyWeight::Sum => 0.7,
            FluencyWeight::Label => 0.7 / 3.0,
        };
        let built = built(&method).unwrap();
        let examples = encode(&built, &TEXTS);
        let loss = || {
            let (class, fluency) = losses(&built, &examples, 5);
            class + weight * fluency
        };
        loss();
        let all = built.classifier.parameters();
        let ends = [
            "word_embeddings.weight",
            "predictions.bias",
            "rows",
            "pseudo.bias",
        ];
        let some = |p: &Parameter| {
            ends.iter().any(|end| p.name.ends_with(end)) || p.name.contains("layer.1.")
        };
        let some: Vec<Parameter> = all.into_iter().filter(some).collect();
        assert!(some.len() > 10);
        slopes(&some, |count| vec![count / 3, count / 2, count - 1], loss);
    }
}

/// `sampled` is `true` where it draws the true label.
#[test]
fn the_true_label_alone_is_one_of_those_that_are_drawn() {
    let alone = fluency_of(&with(|f| f.labels = FluencyLabels::True), &[("dull", 0)], 0);
    let sampled = built(&with(|f| f.labels = FluencyLabels::Sampled)).unwrap();
    let encoded = encode(&sampled, &[("dull", 0)]);
    let drawn: Vec<f64> = (0..60)
        .map(|step| losses(&sampled, &encoded, step).1)
        .collect();
    let same = drawn
        .iter()
        .filter(|loss| (*loss - alone).abs() < 1e-12)
        .count();
    assert!((8..35).contains(&same), "{same} of 60");
}

/// ⌊share · tokens⌋ of each text: of two tokens half is one, less than half none.
#[test]
fn a_share_masks_so_many_of_each_text() {
    let one = fluency_values(FluencyMask::One);
    assert_eq!(one.len(), 2, "{one:?}");
    assert_eq!(fluency_values(FluencyMask::Share(0.5)), one);
    assert_eq!(fluency_values(FluencyMask::Share(0.99)), one);
    assert_eq!(fluency_values(FluencyMask::Share(0.49)), [0.0]);
}

/// The values that L_F of "so dull" takes, in order.
fn fluency_values(mask: FluencyMask) -> Vec<f64> {
    let built = built(&with(|f| f.mask = mask)).unwrap();
    let encoded = encode(&built, &[("so dull", 0)]);
    let mut values: Vec<f64> = (0..40)
        .map(|step| losses(&built, &encoded, step).1)
        .collect();
    values.sort_by(f64::total_cmp);
    values.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
    values
}

/// With every token masked: one mask and two.
#[test]
fn the_mean_is_over_examples_or_over_all_masks() {
    let every = FluencyMask::Rate(1.0 - 1e-12);
    let examples = with(|f| f.mask = every);
    let masks = with(|f| {
        f.mask = every;
        f.mean = FluencyMean::Masks;
    });
    let (one, two) = (("fun", 2), ("so dull", 0));
    let alone = [one, two].map(|text| fluency_of(&examples, &[text], 3));
    let near = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
    near(fluency_of(&masks, &[two], 3), alone[1]);
    near(
        fluency_of(&examples, &[one, two], 3),
        (alone[0] + alone[1]) / 2.0,
    );
    near(
        fluency_of(&masks, &[one, two], 3),
        (alone[0] + 2.0 * alone[1]) / 3.0,
    );
    near(fluency_of(&masks, &[("", 1)], 3), 0.0);
}

/// The same loss is told, a third of its gradient added.
#[test]
fn a_weight_of_each_label_is_lambda_by_the_number_of_classes() {
    let sum = built(&with(|_| {})).unwrap();
    let label = built(&with(|f| f.weighted = FluencyWeight::Label)).unwrap();
    let class = built(&PromptMethod {
        fluency: None,
        ..dart()
    })
    .unwrap();
    let (a, b) = (encode(&sum, &TEXTS), encode(&label, &TEXTS));
    assert_eq!(losses(&sum, &a, 5), losses(&label, &b, 5));
    let all = [&sum, &label, &class].map(|built| added(built, &TEXTS));
    let [sum, label, class] = &all;
    for ((sum, label), class) in sum.iter().zip(label).zip(class) {
        let wanted = &class.1 + (&sum.1 - &class.1) / 3.0;
        close(&sum.0.name, &label.1, &wanted, 1e-9);
    }
}

/// Pseudo rows that no word could lose anything to.
#[test]
fn a_softmax_over_words_does_not_see_pseudo_rows() {
    let at = |softmax, bias: f64| {
        let built = built(&with(|f| f.softmax = softmax)).unwrap();
        let _ = parameter(&built, "pseudo.bias").detach().fill_(bias);
        losses(&built, &encode(&built, &TEXTS), 5).1
    };
    let words = at(FluencySoftmax::Words, 0.0);
    assert_eq!(words, at(FluencySoftmax::Words, 9.0));
    assert!((words - at(FluencySoftmax::All, -1e3)).abs() < 1e-12);
    assert!((words - at(FluencySoftmax::All, 0.0)).abs() > 1e-3);
}

/// L_C of the masked text; −log p with [MASK] in the slot, whatever the label.
#[test]
fn one_pass_has_both_losses_of_the_masked_text() {
    let same = with(|f| f.pass = FluencyPass::Same);
    let (same, plain) = (built(&same).unwrap(), built(&dart()).unwrap());
    let class = losses(&plain, &encode(&plain, &[("[MASK]", 1)]), 0).0;
    let masked = losses(&same, &encode(&same, &[("dull", 1)]), 0);
    assert!((masked.0 - class).abs() < 1e-12);
    assert!(masked.1 > 0.0);
    let other = losses(&same, &encode(&same, &[("dull", 2)]), 0);
    assert_eq!(other.1, masked.1);
    // Nothing to mask.
    let class = losses(&plain, &encode(&plain, &[("", 1)]), 0).0;
    assert_eq!(losses(&same, &encode(&same, &[("", 1)]), 0), (class, 0.0));
}

/// What L_F trains: the pseudo rows as ever, all else by L_C alone, to the bit.
#[test]
fn the_prompt_alone_can_have_the_gradients_of_the_fluency_constraint() {
    for recompute in [false, true] {
        let method = |trains| PromptMethod {
            embeddings: Embeddings::Trained,
            ..with(|f| f.trains = trains)
        };
        let class = PromptMethod {
            fluency: None,
            ..method(FluencyTrains::All)
        };
        let build = |method: &PromptMethod| built_with(method, &task(), recompute).unwrap();
        let all = added(&build(&method(FluencyTrains::All)), &TEXTS);
        let class = added(&build(&class), &TEXTS);
        let prompt = build(&method(FluencyTrains::Prompt));
        // One that is held back stays so.
        let held = parameter(&prompt, "cls.predictions.bias").set_requires_grad(false);
        let got = added(&prompt, &TEXTS);
        assert!(!held.requires_grad());
        let granted = got.iter().filter(|(p, _)| p.tensor.requires_grad()).count();
        assert_eq!(granted, got.len() - 1);
        for (((p, got), (_, all)), (_, class)) in got.iter().zip(&all).zip(&class) {
            match p.name.as_str() {
                "cls.predictions.bias" => {}
                name if name.starts_with("pseudo.") => {
                    close(name, got, all, 1e-12);
                    assert_ne!(got, class, "{name}");
                }
                name => assert_eq!(got, class, "{name}"),
            }
        }
    }
}

#[test]
fn recomputation_changes_no_gradient_of_one_pass() {
    let method = with(|f| {
        f.pass = FluencyPass::Same;
        f.mask = FluencyMask::Rate(0.4);
    });
    let plain = added(&built_with(&method, &task(), false).unwrap(), &TEXTS);
    let again = added(&built_with(&method, &task(), true).unwrap(), &TEXTS);
    for ((p, plain), (_, again)) in plain.iter().zip(&again) {
        close(&p.name, again, plain, 1e-12);
    }
}

#[test]
fn variants_that_cannot_work_are_refused() {
    let mut words = with(|f| f.trains = FluencyTrains::Prompt);
    words.template = TemplateRows::Hard;
    words.labels = LabelRows::Words;
    assert!(refusal(&words).contains("fluency_trains: prompt has nothing to train"));
    let both = with(|f| {
        f.trains = FluencyTrains::Prompt;
        f.pass = FluencyPass::Same;
    });
    assert!(refusal(&both).contains("fluency_trains: prompt needs fluency_pass: own"));
    let share = with(|f| f.mask = FluencyMask::Share(1.0));
    assert!(refusal(&share).contains("fluency.mask"));
    let bug = with(|f| {
        f.labels = FluencyLabels::Sampled;
        f.pass = FluencyPass::Same;
        f.reference_bug = true;
    });
    assert!(refusal(&bug).contains("reference_bug"));
}

/// Before training the labels' rows are their words', so both fill the slot alike: under a wrong
/// label the two losses are equal, under the true one they are −log p and −log(1 − p).
#[test]
fn the_references_loss_takes_every_label_for_a_wrong_one() {
    let with = |reference_bug| {
        let mut method = dart();
        let fluency = method.fluency.as_mut().unwrap();
        (fluency.labels, fluency.reference_bug) = (FluencyLabels::Sampled, reference_bug);
        built(&method).unwrap()
    };
    let (ours, reference) = (with(false), with(true));
    let (mut wrong, mut right) = (0, 0);
    for step in 0..60 {
        let texts = [("fun", 2)];
        let a = losses(&ours, &encode(&ours, &texts), step).1;
        let b = losses(&reference, &encode(&reference, &texts), step).1;
        if (a - b).abs() < 1e-12 {
            wrong += 1;
        } else {
            let total = (-a).exp() + (-b).exp();
            assert!((total - 1.0).abs() < 1e-9, "{a} {b}");
            right += 1;
        }
    }
    assert!(right >= 10 && wrong >= 25, "{right} {wrong}");
    let mut method = dart();
    method.fluency.as_mut().unwrap().reference_bug = true;
    assert!(refusal(&method).contains("reference_bug"));
    let fluency = method.fluency.as_mut().unwrap();
    fluency.labels = FluencyLabels::Sampled;
    method.labels = LabelRows::Words;
    assert!(refusal(&method).contains("reference_bug"));
}
