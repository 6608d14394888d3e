//! From layers of settings to a method and its training settings.

use dart_core::method::{
    Fluency, FluencyLabels, FluencyMask, HeadMethod, LabelKind, Method, PromptMethod,
    SentenceMethod, Shown, TemplateKind, TrainPart,
};
use dart_core::train::TrainSettings;

use crate::experiment::options::{Decided, Kind, Options};
use crate::experiment::values::{LabelsUnder, Mask};

mod check;

use check::check;

/// The packaged sentence encoder.
pub const ENCODER: &str = "all-minilm-l6-v2";

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

impl Resolved {
    /// Inputs that stand for one example when it is predicted.
    pub fn contexts(&self) -> usize {
        match &self.method {
            Method::Prompt(method) => method.demonstrations.as_ref().map_or(1, |d| d.contexts),
            _ => 1,
        }
    }
}

/// Settings that hold where neither preset nor experiment says otherwise.
fn defaults() -> Decided {
    let (method, settings) = (PromptMethod::default(), TrainSettings::default());
    Decided {
        template: method.template,
        labels: method.labels,
        template_tokens: method.template_tokens,
        prompt_encoder: method.prompt_encoder,
        template_init: method.template_init,
        label_init: method.label_init,
        label_pieces: method.label_pieces,
        full_vocab: method.full_vocab,
        fluency: None,
        fluency_labels: LabelsUnder::Auto,
        fluency_mask: Mask::One,
        reference_bug: false,
        demonstrations: None,
        demonstration_tokens: 50,
        demonstration_share: 0.5,
        encoder: ENCODER.to_owned(),
        logreg_c: 1.0,
        train: method.train,
        embeddings: method.embeddings,
        learning_rate: settings.learning_rate,
        pseudo_learning_rate: settings.pseudo_learning_rate,
        prompt_first: settings.prompt_first,
        batch: settings.batch,
        accumulation: settings.accumulation,
        steps: settings.steps,
        epochs: None,
        warmup: settings.warmup,
        weight_decay: settings.weight_decay,
        decay_embeddings: settings.decay_embeddings,
        clip: settings.clip,
        eval_every: settings.eval_every,
        patience: settings.patience,
        max_length: settings.max_length,
        threads: settings.threads,
        device: settings.device,
        precision: settings.precision,
        recompute: settings.recompute,
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
        let steps = train_rows.div_ceil(all.batch.saturating_mul(all.accumulation));
        all.steps = epochs.saturating_mul(steps);
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
    if kind != Kind::Prompt || !all.template.is_free() {
        without!(template_init, template_tokens);
    }
    if kind != Kind::Prompt || all.template != TemplateKind::Encoded {
        without!(prompt_encoder);
    }
    if kind != Kind::Prompt || all.labels != LabelKind::Pseudo {
        without!(label_init);
    }
    if kind != Kind::Prompt || !all.template.is_free() && all.labels != LabelKind::Pseudo {
        without!(pseudo_learning_rate, prompt_first);
    }
    if kind != Kind::Prompt {
        without!(demonstrations);
    }
    if all.demonstrations.is_none() {
        without!(demonstration_tokens, demonstration_share);
    }
    if kind != Kind::Sentence {
        without!(logreg_c);
    }
    if kind != Kind::Sentence && !shows_similar(all) {
        without!(encoder);
    }
    if all.fluency.is_none() {
        without!(fluency_labels, fluency_mask, reference_bug);
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
            prompt_first,
            batch,
            accumulation,
            steps
        );
        without!(warmup, weight_decay, clip, eval_every, patience, recompute);
        without!(decay_embeddings);
    }
    shown
}

/// Whether demonstrations are chosen by a sentence encoder.
fn shows_similar(all: &Decided) -> bool {
    all.demonstrations.is_some() && all.demonstration_share < 1.0
}

fn method(kind: Kind, all: &Decided) -> Method {
    let (train, embeddings) = (all.train, all.embeddings);
    match kind {
        Kind::Majority => Method::Majority,
        Kind::Head => Method::Head(HeadMethod { train, embeddings }),
        Kind::Sentence => Method::Sentence(SentenceMethod {
            train,
            embeddings,
            logreg_c: all.logreg_c,
        }),
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
                reference_bug: all.reference_bug,
            }),
            train,
            embeddings,
            template_tokens: all.template_tokens,
            prompt_encoder: all.prompt_encoder,
            demonstrations: all.demonstrations.map(|contexts| Shown {
                contexts,
                tokens: all.demonstration_tokens,
                share: all.demonstration_share,
            }),
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
        prompt_first: all.prompt_first,
        decay_embeddings: all.decay_embeddings,
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
            resolved(Kind::Sentence, "{train: none}").unwrap(),
            resolved(
                Kind::Sentence,
                "{train: none, learning_rate: 1, demonstrations: 4}"
            )
            .unwrap()
        );
        assert_eq!(
            resolved(
                Kind::Prompt,
                "{demonstration_tokens: 9, encoder: x, logreg_c: 2}"
            )
            .unwrap(),
            resolved(
                Kind::Prompt,
                "{template_tokens: 3, prompt_encoder: mlp, prompt_first: 0.5}"
            )
            .unwrap()
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

    /// A run's id is a hash of this text.
    #[test]
    fn settings_at_their_defaults_are_the_text_that_finished_runs_have() {
        let run = resolved(Kind::Prompt, "{fluency: 1}").unwrap();
        let method = "{\"prompt\":{\"template\":\"hard\",\"labels\":\"words\",\
                      \"template_init\":\"manual\",\"label_init\":\"manual\",\
                      \"label_pieces\":\"mean\",\"full_vocab\":false,\"fluency\":{\"weight\":1.0,\
                      \"labels\":\"auto\",\"mask\":\"one\"},\"train\":\"lm\",\
                      \"embeddings\":\"frozen\"}}";
        assert_eq!(serde_json::to_string(&run.method).unwrap(), method);
        let settings = "{\"learning_rate\":0.0001,\"pseudo_learning_rate\":null,\"batch\":8,\
                        \"accumulation\":1,\"steps\":160,\"warmup\":0.05,\"weight_decay\":0.01,\
                        \"clip\":1.0,\"eval_every\":20,\"patience\":null,\"max_length\":128,\
                        \"threads\":1,\"device\":\"cpu\"}";
        assert_eq!(serde_json::to_string(&run.settings).unwrap(), settings);
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
        assert!(refusal("epochs: 18446744073709551615").contains("`epochs`"));
        assert!(refusal("threads: 2147483648").contains("`threads`"));
        for device in ["gpu", "cuda:x", "cuda0", "cuda:", ""] {
            let text = format!("device: '{device}'");
            assert!(
                resolved(Kind::Prompt, &text)
                    .unwrap_err()
                    .contains("`device`")
            );
        }
        for device in ["cpu", "auto", "cuda", "cuda:3"] {
            resolved(Kind::Prompt, &format!("device: {device}")).unwrap();
        }
        assert!(refusal("warmup: 1").contains("`warmup`"));
        assert!(refusal("learning_rate: .nan").contains("`learning_rate`"));
        assert!(refusal("fluency: -1").contains("`fluency`"));
        assert!(refusal("prompt_first: 1").contains("`prompt_first`"));
        assert!(refusal("demonstrations: 0").contains("`demonstrations`"));
        assert!(refusal("demonstration_share: 1.5").contains("`demonstration_share`"));
    }
}
