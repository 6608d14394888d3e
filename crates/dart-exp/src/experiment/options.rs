//! Every setting that a method, an experiment, a search or `--set` may give, by its flat name.

use dart_core::method::{
    Embeddings, LabelKind, LabelPieces, PromptEncoderKind, RowInit, TemplateKind, TrainPart,
};
use dart_core::rng::Rng;
use dart_core::train::Precision;
use serde::{Deserialize, Deserializer, Serialize};

use crate::experiment::range::Values;

pub use crate::experiment::values::{LabelsUnder, Mask};

/// What a preset starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The most frequent class.
    Majority,
    /// A head on `[CLS]`.
    Head,
    /// A prompt and the language model's own head.
    Prompt,
    /// Logistic regression on the embeddings of a sentence encoder.
    Sentence,
}

/// A key that stands in the file has a value, which may be null where the type allows it.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// One list of settings, three shapes: given or not ([`Options`]), with a preset's own keys
/// ([`MethodEntry`]), and as lists of values to search ([`Grid`]).
macro_rules! options {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty,)*) => {
        /// Settings as far as they are given; a layer of them stands over another.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Options {
            $($(#[doc = $doc])* #[serde(deserialize_with = "present")] pub $name: Option<$type>,)*
        }

        /// A method in YAML: what it builds on, and what it does otherwise.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct MethodEntry {
            /// Another method whose settings this one starts from.
            #[serde(deserialize_with = "present")]
            pub from: Option<String>,
            /// Its kind, where it builds on no other.
            #[serde(deserialize_with = "present")]
            pub kind: Option<Kind>,
            /// Its name in tables.
            #[serde(deserialize_with = "present")]
            pub title: Option<String>,
            $($(#[doc = $doc])* #[serde(deserialize_with = "present")] pub $name: Option<$type>,)*
        }

        /// Values to search over, of each setting that is searched.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Grid {
            $($(#[doc = $doc])* #[serde(deserialize_with = "present")]
            pub $name: Option<Values<$type>>,)*
        }

        /// Settings, every one decided.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Decided {
            $($(#[doc = $doc])* pub $name: $type,)*
        }

        impl Decided {
            /// All of them as given settings.
            pub fn options(&self) -> Options {
                Options { $($name: Some(self.$name.clone()),)* }
            }
        }

        impl Options {
            /// These settings, and `defaults` where these say nothing.
            pub fn decided(self, defaults: Decided) -> Decided {
                Decided { $($name: self.$name.unwrap_or(defaults.$name),)* }
            }

            /// The settings' names, in the order of the columns of `runs.csv`.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// What each setting means.
            pub const DOCS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($name), concat!($($doc),*))),*];

            /// These settings, and `lower`'s where these say nothing.
            pub fn over(self, lower: &Options) -> Options {
                let lower = lower.without_rival_length(&self);
                Options { $($name: self.$name.or(lower.$name),)* }
            }
        }

        impl MethodEntry {
            /// The settings alone.
            pub fn options(&self) -> Options {
                Options { $($name: self.$name.clone(),)* }
            }
        }

        impl Grid {
            /// Every combination of listed values; the first setting varies slowest. One empty set
            /// for no grid.
            pub fn points(&self) -> Vec<Options> {
                let mut points = vec![Options::default()];
                $(if let Some(values) = &self.$name {
                    points = points
                        .iter()
                        .flat_map(|point| values.list().iter().map(move |value| Options {
                            $name: Some(value.clone()),
                            ..point.clone()
                        }))
                        .collect();
                })*
                points
            }

            /// How many combinations the listed values have.
            pub fn size(&self) -> usize {
                let mut size = 1usize;
                $(if let Some(values) = &self.$name {
                    size = size.saturating_mul(values.list().len());
                })*
                size
            }

            /// A random value of each setting, drawn from the generator that `rng` gives for its
            /// name.
            ///
            /// # Errors
            /// A range that cannot be drawn from, named.
            pub fn draw(&self, rng: &mut dyn FnMut(&str) -> Rng) -> Result<Options, String> {
                let mut point = Options::default();
                $(if let Some(values) = &self.$name {
                    let drawn = values.draw(&mut rng(stringify!($name)));
                    point.$name = Some(drawn.map_err(|m| format!("`{}`: {m}", stringify!($name)))?);
                })*
                Ok(point)
            }

            /// This grid, and `lower`'s settings where this one says nothing.
            pub fn over(self, lower: Grid) -> Grid {
                Grid { $($name: self.$name.or(lower.$name),)* }
            }

            /// A setting that is a range, if there is one.
            pub fn ranged_setting(&self) -> Option<&'static str> {
                $(if matches!(self.$name, Some(Values::Between(_))) {
                    return Some(stringify!($name));
                })*
                None
            }

            /// This grid less the settings that `fixed` gives.
            pub fn without(mut self, fixed: &Options) -> Grid {
                $(if fixed.$name.is_some() { self.$name = None; })*
                if fixed.steps.is_some() || fixed.epochs.is_some() {
                    (self.steps, self.epochs) = (None, None);
                }
                self
            }

            /// A setting with no value to try, if there is one.
            pub fn empty_setting(&self) -> Option<&'static str> {
                $(if self.$name == Some(Values::List(Vec::new())) {
                    return Some(stringify!($name));
                })*
                None
            }
        }
    };
}

options! {
    /// What the template is made of: `none`, `hard`, `pseudo` or `encoded`.
    template: TemplateKind,
    /// What classes are mapped to: `words` or `pseudo`.
    labels: LabelKind,
    /// Number of the template's pseudo tokens; null: one for each of the manual template's.
    template_tokens: Option<usize>,
    /// What computes an encoded template's rows: `lstm` or `mlp`.
    prompt_encoder: PromptEncoderKind,
    /// How the template's pseudo tokens start: `manual`, `random` or `uniform` (the reference's).
    template_init: RowInit,
    /// How the labels' pseudo tokens start: `manual`, `random` or `uniform`.
    label_init: RowInit,
    /// What stands for a label word of several pieces: `mean` or `first`.
    label_pieces: LabelPieces,
    /// L_C over the whole vocabulary instead of the class rows.
    full_vocab: bool,
    /// λ of L = L_C + λ L_F; 0 or null: no fluency constraint.
    fluency: Option<f64>,
    /// Under which labels the masked word is predicted.
    fluency_labels: LabelsUnder,
    /// Which input tokens are masked: `one`, or a rate.
    fluency_mask: Mask,
    /// The reference's fluency loss, in which every label counts as a wrong one.
    reference_bug: bool,
    /// Contexts of demonstrations over which class scores are averaged; null: no demonstrations.
    demonstrations: Option<usize>,
    /// Longest text of a demonstration in tokens.
    demonstration_tokens: usize,
    /// Share of each class, the most similar to the input, from which they are drawn; 1: all.
    demonstration_share: f64,
    /// The sentence encoder: a name under models/ or of the Hugging Face hub, or a folder.
    encoder: String,
    /// C of the logistic regression, the inverse strength of its L2 penalty.
    logreg_c: f64,
    /// Which weights of the language model are trained: `none`, `lm`, `bitfit` or `prompt`.
    train: TrainPart,
    /// Whether the vocabulary's rows are trained: `frozen` or `trained`.
    embeddings: Embeddings,
    /// Peak learning rate.
    learning_rate: f64,
    /// Peak learning rate of the pseudo rows; null: `learning_rate`.
    pseudo_learning_rate: Option<f64>,
    /// Share of the steps, the first, in which only the pseudo rows are trained.
    prompt_first: f64,
    /// Examples a micro-batch.
    batch: usize,
    /// Micro-batches a step.
    accumulation: usize,
    /// Optimizer steps.
    steps: usize,
    /// Passes over the training examples, instead of `steps`.
    epochs: Option<usize>,
    /// Share of the steps in which the learning rate rises.
    warmup: f64,
    /// AdamW's weight decay.
    weight_decay: f64,
    /// Weight decay on embeddings and pseudo rows too.
    decay_embeddings: bool,
    /// Largest gradient norm.
    clip: f64,
    /// Steps between evaluations on dev.
    eval_every: usize,
    /// Evaluations without improvement after which training stops, counted from the end of
    /// `prompt_first`; null: never.
    patience: Option<usize>,
    /// Longest input in tokens.
    max_length: usize,
    /// Threads of a run.
    threads: usize,
    /// `cpu`, `auto` or `cuda:N`.
    device: String,
    /// The number format of the computation: `float32`, `bfloat16` or `float64`.
    precision: Precision,
    /// Whether the backward pass computes layers again, to need less memory.
    recompute: bool,
}

impl Options {
    /// `steps` and `epochs` are two ways to say one thing: the one in `upper` replaces both here.
    fn without_rival_length(&self, upper: &Options) -> Options {
        let mut lower = self.clone();
        if upper.steps.is_some() || upper.epochs.is_some() {
            (lower.steps, lower.epochs) = (None, None);
        }
        lower
    }

    /// The settings as cells of `runs.csv`, in the order of [`Options::NAMES`]; empty where not
    /// given.
    pub fn cells(&self) -> Vec<String> {
        let value = serde_json::to_value(self).unwrap_or_default();
        Self::NAMES
            .iter()
            .map(|name| match &value[name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn a_later_layer_wins_and_null_is_a_value() {
        let preset = options("{fluency: 1, patience: 3, learning_rate: 1e-4}");
        let merged = options("{fluency: null, learning_rate: 3e-4}").over(&preset);
        assert_eq!(
            merged,
            options("{fluency: null, patience: 3, learning_rate: 3e-4}")
        );
        assert_eq!(merged.fluency, Some(None));
        assert!(serde_yaml::from_str::<Options>("steps: null").is_err());
    }

    #[test]
    fn steps_and_epochs_replace_each_other() {
        let merged = options("{epochs: 20}").over(&options("{steps: 100, batch: 4}"));
        assert_eq!(merged, options("{epochs: 20, batch: 4}"));
        let merged = options("{steps: 7}").over(&merged);
        assert_eq!(merged, options("{steps: 7, batch: 4}"));
    }

    #[test]
    fn cells_stand_under_their_names() {
        let cells = options("{fluency_labels: {k: 3}, fluency_mask: one, patience: null}").cells();
        let cell = |name| {
            let at = Options::NAMES.iter().position(|n| *n == name).unwrap();
            cells[at].as_str()
        };
        let names = ["fluency_labels", "fluency_mask", "patience", "steps"];
        assert_eq!(names.map(cell), ["3", "one", "", ""]);
    }
}
