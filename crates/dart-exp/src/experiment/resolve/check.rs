//! Values of settings with which nothing could be computed.

use crate::experiment::options::Decided;

/// Refuses them.
///
/// # Errors
/// The setting, its value and what it may be.
pub(super) fn check(all: &Decided) -> Result<(), String> {
    let at_least_1 = [
        ("batch", all.batch),
        ("accumulation", all.accumulation),
        ("steps", all.steps),
        ("epochs", all.epochs.unwrap_or(1)),
        ("eval_every", all.eval_every),
        ("patience", all.patience.unwrap_or(1)),
        ("threads", all.threads),
        ("template_tokens", all.template_tokens.unwrap_or(1)),
        ("demonstrations", all.demonstrations.unwrap_or(1)),
        ("demonstration_tokens", all.demonstration_tokens),
    ];
    if let Some((name, _)) = at_least_1.iter().find(|(_, value)| *value == 0) {
        return Err(format!("`{name}` must be at least 1"));
    }
    // Beyond these nothing could be computed, and sums of them would overflow.
    let most = |name: &str| match name {
        "threads" | "template_tokens" => 1000,
        _ => 1_000_000_000,
    };
    if let Some((name, value)) = at_least_1.iter().find(|(name, value)| *value > most(name)) {
        return Err(format!(
            "`{name}` is {value}; it must be at most {}",
            most(name)
        ));
    }
    if !is_device(&all.device) {
        return Err(format!(
            "`device` is {:?}; it must be cpu, auto or cuda:N",
            all.device
        ));
    }
    if all.max_length < 8 {
        return Err(format!(
            "`max_length` is {}; it must be at least 8",
            all.max_length
        ));
    }
    let positive = [
        ("learning_rate", all.learning_rate),
        (
            "pseudo_learning_rate",
            all.pseudo_learning_rate.unwrap_or(1.0),
        ),
        ("fluency", all.fluency.unwrap_or(1.0)),
        ("clip", all.clip),
        ("logreg_c", all.logreg_c),
        ("demonstration_share", all.demonstration_share),
    ];
    if let Some((name, value)) = positive.iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
        return Err(format!("`{name}` is {value}; it must be above 0"));
    }
    if all.demonstration_share > 1.0 {
        return Err(format!(
            "`demonstration_share` is {}; it must be at most 1",
            all.demonstration_share
        ));
    }
    for (name, value) in [("warmup", all.warmup), ("prompt_first", all.prompt_first)] {
        if !(0.0..1.0).contains(&value) {
            return Err(format!(
                "`{name}` is {value}; it must be at least 0 and below 1"
            ));
        }
    }
    if !(all.weight_decay >= 0.0 && all.weight_decay.is_finite()) {
        return Err(format!(
            "`weight_decay` is {}; it must be at least 0",
            all.weight_decay
        ));
    }
    Ok(())
}

/// Whether this is how a device is written; that it is there is seen where the run is done.
fn is_device(device: &str) -> bool {
    let number = device.strip_prefix("cuda:");
    matches!(device, "cpu" | "auto" | "cuda") || number.is_some_and(|n| n.parse::<u8>().is_ok())
}
