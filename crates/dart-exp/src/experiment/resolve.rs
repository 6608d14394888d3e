//! From layers of settings to a method and its training settings.

use dart_core::method::Method;
use dart_core::settings::{MethodKind, TrainSettings};

use crate::experiment::options::Options;

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

/// Decides every setting of a method of this kind; `train_rows` turns epochs into steps.
///
/// # Errors
/// A setting with a value that cannot work, named.
pub fn resolve(kind: MethodKind, given: &Options, train_rows: usize) -> Result<Resolved, String> {
    let mut all = given.decided(kind);
    all.check().map_err(|error| error.to_string())?;
    all.settle(train_rows);
    Ok(Resolved {
        method: all.method(),
        settings: all.training(),
        shown: Options::meaning(&all),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::yaml;

    fn resolved(kind: MethodKind, text: &str) -> Result<Resolved, String> {
        resolve(kind, &serde_yaml::from_str(text).unwrap(), 32)
    }

    #[test]
    fn settings_without_a_meaning_make_no_other_run() {
        let plain = resolved(MethodKind::Prompt, "{train: none}").unwrap();
        let same = resolved(
            MethodKind::Prompt,
            "{train: none, steps: 7, fluency: 1, warmup: 0.5}",
        );
        assert_eq!(plain, same.unwrap());
        assert_eq!(
            resolved(MethodKind::Majority, "{}").unwrap(),
            resolved(MethodKind::Majority, "{threads: 4, labels: pseudo}").unwrap()
        );
        assert_eq!(
            resolved(MethodKind::Sentence, "{train: none}").unwrap(),
            resolved(
                MethodKind::Sentence,
                "{train: none, learning_rate: 1, demonstrations: 4}"
            )
            .unwrap()
        );
        assert_eq!(
            resolved(
                MethodKind::Prompt,
                "{demonstration_tokens: 9, encoder: x, logreg_c: 2}"
            )
            .unwrap(),
            resolved(
                MethodKind::Prompt,
                "{template_tokens: 3, prompt_encoder: mlp, prompt_first: 0.5}"
            )
            .unwrap()
        );
        assert_eq!(
            resolved(MethodKind::Prompt, "{fluency: 0, fluency_mask: 0.1}").unwrap(),
            resolved(MethodKind::Prompt, "{}").unwrap()
        );
        assert_ne!(
            resolved(MethodKind::Prompt, "{fluency: 1, fluency_mask: 0.1}").unwrap(),
            resolved(MethodKind::Prompt, "{fluency: 1}").unwrap()
        );
    }

    /// A run's id is a hash of this text.
    #[test]
    fn settings_at_their_defaults_are_the_text_that_finished_runs_have() {
        let run = resolved(MethodKind::Prompt, "{fluency: 1}").unwrap();
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
        let run = resolved(MethodKind::Head, "{epochs: 20, batch: 4, accumulation: 2}").unwrap();
        assert_eq!(run.settings.steps, 80);
        assert_eq!(
            run,
            resolved(MethodKind::Head, "{steps: 80, batch: 4, accumulation: 2}").unwrap()
        );
    }

    #[test]
    fn values_that_cannot_work_are_named() {
        let refusal = |text| resolved(MethodKind::Prompt, text).unwrap_err();
        assert!(refusal("batch: 0").contains("`batch`"));
        assert!(refusal("epochs: 18446744073709551615").contains("`epochs`"));
        assert!(refusal("threads: 2147483648").contains("`threads`"));
        for device in ["gpu", "cuda:x", "cuda0", "cuda:", ""] {
            let text = format!("batch: 4\ndevice: '{device}'");
            let refusal = yaml::parse::<Options>(&text, "x.yaml").unwrap_err().0;
            assert!(refusal.contains("x.yaml:2: device: "), "{refusal}");
        }
        for device in ["cpu", "auto", "cuda", "cuda:3"] {
            resolved(MethodKind::Prompt, &format!("device: {device}")).unwrap();
        }
        assert!(refusal("warmup: 1").contains("`warmup`"));
        assert!(refusal("learning_rate: .nan").contains("`learning_rate`"));
        assert!(refusal("fluency: -1").contains("`fluency`"));
        assert!(refusal("prompt_first: 1").contains("`prompt_first`"));
        assert!(refusal("demonstrations: 0").contains("`demonstrations`"));
        assert!(refusal("demonstration_share: 1.5").contains("`demonstration_share`"));
    }
}
