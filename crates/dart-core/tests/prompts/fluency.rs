//! What the fluency constraint draws.

use super::*;

/// The values that the fluency loss takes over many draws, and how often.
fn distribution(prompt: &Prompt, encoded: &[Encoded], draws: u64) -> Vec<(f64, u64)> {
    let mut values: Vec<(f64, u64)> = Vec::new();
    for step in 0..draws {
        let value = prompt.fluency(encoded, step);
        match values.iter_mut().find(|(v, _)| (v - value).abs() < 1e-9) {
            Some((_, count)) => *count += 1,
            None => values.push((value, 1)),
        }
    }
    values
}

/// `k: 1` of two wrong labels: two values, equally frequent, whose mean is the loss over all
/// labels; `sampled`: one value a label, whose sum is.
#[test]
fn drawn_labels_stand_for_all() {
    let with = |labels: FluencyLabels| {
        let mut method = dart();
        method.fluency.as_mut().unwrap().labels = labels;
        Prompt::toy(&method)
    };
    for truth in 0..3 {
        let text = [("dull", truth)];
        let all = with(FluencyLabels::All);
        let encoded = all.encode(&text);
        let whole = all.fluency(&encoded, 0);
        assert!((with(FluencyLabels::K(2)).fluency(&encoded, 0) - whole).abs() < 1e-12);
        assert!((with(FluencyLabels::Auto).fluency(&encoded, 0) - whole).abs() < 1e-12);
        // 300 draws: five standard deviations are 43 of two values, 41 of three.
        let values = distribution(&with(FluencyLabels::K(1)), &encoded, 300);
        assert_eq!(values.len(), 2, "{values:?}");
        let mean = values.iter().map(|v| v.0).sum::<f64>() / 2.0;
        assert!((mean - whole).abs() < 1e-9, "{values:?}, {whole}");
        assert!(values.iter().all(|v| v.1.abs_diff(150) < 43), "{values:?}");
        let values = distribution(&with(FluencyLabels::Sampled), &encoded, 300);
        assert_eq!(values.len(), 3, "{values:?}");
        let sum = values.iter().map(|v| v.0).sum::<f64>();
        assert!((sum - whole).abs() < 1e-9, "{values:?}, {whole}");
        assert!(values.iter().all(|v| v.1.abs_diff(100) < 41), "{values:?}");
    }
}

/// A rate masks each token by itself, `one` each equally often.
#[test]
fn masks_follow_their_rule() {
    let with = |mask: FluencyMask| {
        let mut method = dart();
        method.fluency.as_mut().unwrap().mask = mask;
        Prompt::toy(&method)
    };
    let one = with(FluencyMask::One);
    let encoded = one.encode(&[("so dull", 1)]);
    let alone = |position: usize| {
        let mut only = encoded.clone();
        only[0].maskable = vec![position];
        one.fluency(&only, 0)
    };
    let [first, second] = [alone(1), alone(2)];
    let count = |values: &[(f64, u64)], value: f64| {
        let found = values.iter().find(|v| (v.0 - value).abs() < 1e-9);
        found.map_or(0, |v| v.1)
    };
    let values = distribution(&one, &encoded, 300);
    assert_eq!(count(&values, first) + count(&values, second), 300);
    assert!(count(&values, first).abs_diff(150) < 43, "{values:?}");
    // None: 0.49, the first or the second alone: 0.21 each, both: 0.09.
    let values = distribution(&with(FluencyMask::Rate(0.3)), &encoded, 300);
    assert_eq!(values.len(), 4, "{values:?}");
    assert!(count(&values, 0.0).abs_diff(147) < 43, "{values:?}");
    assert!(count(&values, first).abs_diff(63) < 35, "{values:?}");
    assert!(count(&values, second).abs_diff(63) < 35, "{values:?}");
    // The mean over an example's masks: twice the same mask is once.
    let mut twice = encoded.clone();
    twice[0].maskable = vec![1, 1];
    let values = distribution(&with(FluencyMask::Rate(0.5)), &twice, 50);
    assert_eq!(values.len(), 2, "{values:?}");
    assert_eq!(count(&values, 0.0) + count(&values, first), 50);
}

#[test]
fn a_text_with_nothing_to_mask_contributes_nothing() {
    let prompt = Prompt::toy(&dart());
    let parameters = prompt.parameters();
    let text = prompt.encode(&[("dull", 1)]);
    let both = prompt.encode(&[("dull", 1), ("", 2)]);
    let alone = prompt.fluency(&text, 0);
    assert!((prompt.fluency(&both, 0) - alone / 2.0).abs() < 1e-9);
    for nothing in ["", "[SEP] [MASK]"] {
        let losses = prompt.backward(&prompt.encode(&[(nothing, 0)]), 0, 1.0);
        assert_eq!(losses.fluency, Some(0.0));
        assert!(losses.class.is_finite());
    }
    assert!(
        gradients(&parameters)
            .iter()
            .all(|g| g.isfinite().all().int64_value(&[]) == 1)
    );
}
