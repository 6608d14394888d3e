//! From layers of settings to a method and its training settings.

use dart_core::method::{
    Embeddings, Fluency, FluencyLabels, FluencyMask, HeadMethod, LabelKind, LabelPieces, Method,
    PromptMethod, RowInit, TemplateKind, TrainPart,
};
use dart_core::train::{Precision, TrainSettings};

use crate::options::{Decided, Kind, LabelsUnder, Mask, Options};

/// A method with every setting decided. Settings that have no meaning for it stand at one fixed
/// value, so that they do not make two runs of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What is trained.
    pub method: Method,
    /// How.
    pub settings: TrainSettings,
    /// The settings that have a meaning, for `runs.csv`.
    pub shown: Options,
}

/// Settings that hold where neither preset nor experiment says otherwise.
fn defaults() -> Decided {
    Decided {
        template: TemplateKind::Hard,
        labels: LabelKind::Words,
        template_init: RowInit::Manual,
        label_init: RowInit::Manual,
        label_pieces: LabelPieces::Mean,
        full_vocab: false,
        fluency: None,
        fluency_labels: LabelsUnder::Auto,
        fluency_mask: Mask::One,
        train: TrainPart::Lm,
        embeddings: Embeddings::Frozen,
        learning_rate: 1e-4,
        pseudo_learning_rate: None,
        batch: 8,
        accumulation: 1,
        steps: 160,
        epochs: None,
        warmup: 0.05,
        weight_decay: 0.01,
        clip: 1.0,
        eval_every: 20,
        patience: None,
        max_length: 128,
        threads: 1,
        device: "cpu".to_owned(),
        precision: Precision::Float32,
        recompute: false,
    }
}

/// Decides every setting of a method of this kind; `train_rows` turns epochs into steps.
///
/// # Errors
/// A setting with a value that cannot work, named.
pub fn resolve(kind: Kind, given: &Options, train_rows: usize) -> Result<Resolved, String> {
    let mut all = given.clone().decided(defaults());
    all.fluency = all.fluency.filter(|weight| *weight != 0.0);
    check(&all)?;
    if let Some(epochs) = all.epochs.take() {
        all.steps = epochs * train_rows.div_ceil(all.batch * all.accumulation);
    }
    if kind == Kind::Majority {
        all.train = TrainPart::None;
    }
    let trained = kind == Kind::Head || all.train != TrainPart::None;
    if !trained {
        all.fluency = None;
    }
    let shown = shown(kind, trained, &mut all);
    Ok(Resolved {
        method: method(kind, &all),
        settings: settings(&all),
        shown,
    })
}

fn check(all: &Decided) -> Result<(), String> {
    let at_least_1 = [
        ("batch", all.batch),
        ("accumulation", all.accumulation),
        ("steps", all.steps),
        ("epochs", all.epochs.unwrap_or(1)),
        ("eval_every", all.eval_every),
        ("patience", all.patience.unwrap_or(1)),
        ("threads", all.threads),
    ];
    if let Some((name, _)) = at_least_1.iter().find(|(_, value)| *value == 0) {
        return Err(format!("`{name}` must be at least 1"));
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
    ];
    if let Some((name, value)) = positive.iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
        return Err(format!("`{name}` is {value}; it must be above 0"));
    }
    if !(0.0..1.0).contains(&all.warmup) {
        return Err(format!(
            "`warmup` is {}; it must be at least 0 and below 1",
            all.warmup
        ));
    }
    if !(all.weight_decay >= 0.0 && all.weight_decay.is_finite()) {
        return Err(format!(
            "`weight_decay` is {}; it must be at least 0",
            all.weight_decay
        ));
    }
    Ok(())
}

/// The settings that have a meaning here; the others go back to their defaults in `all`.
fn shown(kind: Kind, trained: bool, all: &mut Decided) -> Options {
    let d = defaults();
    let mut shown = all.options();
    macro_rules! without {
        ($($name:ident),*) => { $(shown.$name = None; all.$name = d.$name.clone();)* };
    }
    shown.epochs = None;
    if kind != Kind::Prompt {
        without!(template, labels, label_pieces, full_vocab, fluency);
    }
    if kind != Kind::Prompt || all.template != TemplateKind::Pseudo {
        without!(template_init);
    }
    if kind != Kind::Prompt || all.labels != LabelKind::Pseudo {
        without!(label_init);
    }
    if all.fluency.is_none() {
        without!(fluency_labels, fluency_mask);
    }
    if kind == Kind::Majority {
        without!(max_length, threads, device, precision);
        shown.train = None;
    }
    if !trained {
        without!(
            embeddings,
            learning_rate,
            pseudo_learning_rate,
            batch,
            accumulation,
            steps
        );
        without!(warmup, weight_decay, clip, eval_every, patience, recompute);
    }
    shown
}

fn method(kind: Kind, all: &Decided) -> Method {
    let (train, embeddings) = (all.train, all.embeddings);
    match kind {
        Kind::Majority => Method::Majority,
        Kind::Head => Method::Head(HeadMethod { train, embeddings }),
        Kind::Prompt => Method::Prompt(PromptMethod {
            template: all.template,
            labels: all.labels,
            template_init: all.template_init,
            label_init: all.label_init,
            label_pieces: all.label_pieces,
            full_vocab: all.full_vocab,
            fluency: all.fluency.map(|weight| Fluency {
                weight,
                labels: match all.fluency_labels {
                    LabelsUnder::Auto => FluencyLabels::Auto,
                    LabelsUnder::All => FluencyLabels::All,
                    LabelsUnder::Sampled => FluencyLabels::Sampled,
                    LabelsUnder::K(n) => FluencyLabels::K(n),
                },
                mask: match all.fluency_mask {
                    Mask::One => FluencyMask::One,
                    Mask::Rate(rate) => FluencyMask::Rate(rate),
                },
            }),
            train,
            embeddings,
        }),
    }
}

fn settings(all: &Decided) -> TrainSettings {
    TrainSettings {
        learning_rate: all.learning_rate,
        pseudo_learning_rate: all.pseudo_learning_rate,
        batch: all.batch,
        accumulation: all.accumulation,
        steps: all.steps,
        warmup: all.warmup,
        weight_decay: all.weight_decay,
        clip: all.clip,
        eval_every: all.eval_every,
        patience: all.patience,
        max_length: all.max_length,
        threads: all.threads,
        device: all.device.clone(),
        precision: all.precision,
        recompute: all.recompute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(kind: Kind, text: &str) -> Result<Resolved, String> {
        resolve(kind, &serde_yaml::from_str(text).unwrap(), 32)
    }

    #[test]
    fn settings_without_a_meaning_make_no_other_run() {
        let plain = resolved(Kind::Prompt, "{train: none}").unwrap();
        let same = resolved(
            Kind::Prompt,
            "{train: none, steps: 7, fluency: 1, warmup: 0.5}",
        );
        assert_eq!(plain, same.unwrap());
        assert_eq!(
            resolved(Kind::Majority, "{}").unwrap(),
            resolved(Kind::Majority, "{threads: 4, labels: pseudo}").unwrap()
        );
        assert_eq!(
            resolved(Kind::Prompt, "{fluency: 0, fluency_mask: 0.1}").unwrap(),
            resolved(Kind::Prompt, "{}").unwrap()
        );
        assert_ne!(
            resolved(Kind::Prompt, "{fluency: 1, fluency_mask: 0.1}").unwrap(),
            resolved(Kind::Prompt, "{fluency: 1}").unwrap()
        );
    }

    #[test]
    fn epochs_become_steps() {
        let run = resolved(Kind::Head, "{epochs: 20, batch: 4, accumulation: 2}").unwrap();
        assert_eq!(run.settings.steps, 80);
        assert_eq!(
            run,
            resolved(Kind::Head, "{steps: 80, batch: 4, accumulation: 2}").unwrap()
        );
    }

    #[test]
    fn values_that_cannot_work_are_named() {
        let refusal = |text| resolved(Kind::Prompt, text).unwrap_err();
        assert!(refusal("batch: 0").contains("`batch`"));
        assert!(refusal("warmup: 1").contains("`warmup`"));
        assert!(refusal("learning_rate: .nan").contains("`learning_rate`"));
        assert!(refusal("fluency: -1").contains("`fluency`"));
    }
}
