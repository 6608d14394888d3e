//! All settings of a method side by side, as people write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::{Limits, refuse};
use super::training::TrainSettings;
use crate::error::Result;
use crate::method::{BiasInit, Embeddings, FluencyPass, LabelKind, TemplateKind, TrainPart};

/// What classifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MethodKind {
    /// The most frequent class.
    Majority,
    /// A head on `[CLS]`.
    Head,
    /// A prompt and the language model's own head.
    Prompt,
    /// Logistic regression on the embeddings of a sentence encoder.
    Sentence,
}

macro_rules! declare {
    (
        method { $($(#[doc = $mdoc:literal])* $m:ident: $mty:ty = $mdefault:expr,
            if $mif:ident, in $mlimits:ident $(($($ml:literal),*))?;)* }
        train { $($(#[doc = $tdoc:literal])* $t:ident: $tty:ty = $tdefault:expr,
            if $tif:ident, in $tlimits:ident $(($($tl:literal),*))?, since $since:literal;)* }
    ) => {
        /// Every setting of a method of some kind. What has no meaning beside the others stands at its
        /// default after [`Settings::settle`], so that it does not make two runs of one.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            /// What classifies.
            pub kind: MethodKind,
            $($(#[doc = $mdoc])* pub $m: $mty,)*
            $($(#[doc = $tdoc])* pub $t: $tty,)*
        }

        impl Settings {
            /// The defaults.
            pub fn of(kind: MethodKind) -> Self {
                Settings { kind, $($m: $mdefault,)* $($t: $tdefault,)* }
            }

            /// The settings' names, in the order of the table.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($m),)* $(stringify!($t),)*];

            /// What each setting is where nothing is said of it, as files write it.
            pub fn defaults() -> Vec<(&'static str, serde_json::Value)> {
                let value = |default: serde_json::Result<serde_json::Value>| default.unwrap_or_default();
                let all = Settings::of(MethodKind::Prompt);
                vec![
                    $((stringify!($m), value(serde_json::to_value(&all.$m))),)*
                    $((stringify!($t), value(serde_json::to_value(&all.$t))),)*
                ]
            }

            /// What each setting means.
            pub const DOCS: &'static [(&'static str, &'static str)] = &[
                $((stringify!($m), concat!($($mdoc),*)),)*
                $((stringify!($t), concat!($($tdoc),*)),)*
            ];

            /// The numbers that each setting may have.
            pub const LIMITS: &'static [(&'static str, Limits)] = &[
                $((stringify!($m), Limits::$mlimits $(($($ml),*))?),)*
                $((stringify!($t), Limits::$tlimits $(($($tl),*))?),)*
            ];

            /// Refuses numbers with which nothing could be computed.
            ///
            /// # Errors
            /// The setting, its value and what it may be.
            pub fn check(&self) -> Result<()> {
                $(refuse(stringify!($m), &self.$m, Limits::$mlimits $(($($ml),*))?)?;)*
                self.training().check()
            }

            /// Whether the setting of this name decides anything beside the others.
            pub fn means(&self, name: &str) -> bool {
                match name {
                    $(stringify!($m) => self.$mif(),)*
                    $(stringify!($t) => self.$tif(),)*
                    _ => false,
                }
            }

            /// Puts what has no meaning back to its default.
            fn forget_the_meaningless(&mut self) {
                let defaults = Settings::of(self.kind);
                $(if !self.$mif() { self.$m = defaults.$m; })*
                $(if !self.$tif() { self.$t = defaults.$t; })*
            }

            /// Those of the training.
            pub fn training(&self) -> TrainSettings {
                TrainSettings { $($t: self.$t.clone(),)* }
            }
        }
    };
}

crate::settings_table!(declare);

impl Settings {
    /// Makes every setting one that decides something: epochs of `train_rows` examples become steps,
    /// λ = 0 no fluency constraint, and what has no meaning goes back to its default.
    pub fn settle(&mut self, train_rows: usize) {
        self.fluency = self.fluency.filter(|weight| *weight != 0.0);
        self.steps = self.training().steps_for(train_rows);
        self.epochs = None;
        if self.kind == MethodKind::Majority {
            self.train = TrainPart::None;
        }
        if !self.is_trained() {
            self.fluency = None;
        }
        // What a meaning depends on may itself have had none.
        while {
            let before = self.clone();
            self.forget_the_meaningless();
            *self != before
        } {}
    }

    fn is_prompt(&self) -> bool {
        self.kind == MethodKind::Prompt
    }

    fn is_sentence(&self) -> bool {
        self.kind == MethodKind::Sentence
    }

    fn has_model(&self) -> bool {
        self.kind != MethodKind::Majority
    }

    fn is_trained(&self) -> bool {
        self.kind == MethodKind::Head || self.has_model() && self.train != TrainPart::None
    }

    fn has_free_template(&self) -> bool {
        self.is_prompt() && self.template.is_free()
    }

    fn has_encoded_template(&self) -> bool {
        self.is_prompt() && self.template == TemplateKind::Encoded
    }

    fn has_pseudo_labels(&self) -> bool {
        self.is_prompt() && self.labels == LabelKind::Pseudo
    }

    fn has_pseudo(&self) -> bool {
        self.has_free_template() || self.has_pseudo_labels()
    }

    fn has_trained_rows(&self) -> bool {
        self.is_trained() && self.has_pseudo()
    }

    /// Places are read where biases start from them, and left out where a loss has a softmax over the
    /// vocabulary.
    fn has_places(&self) -> bool {
        let softmax = self.is_trained() && (self.full_vocab || self.has_fluency());
        self.has_pseudo() && (self.bias_init == BiasInit::Place || softmax)
    }

    fn has_trained_template(&self) -> bool {
        self.is_trained() && self.has_free_template()
    }

    fn has_trained_embeddings(&self) -> bool {
        self.is_trained() && self.embeddings == Embeddings::Trained || self.has_trained_rows()
    }

    fn has_fluency(&self) -> bool {
        self.is_prompt() && self.fluency.is_some()
    }

    fn has_own_pass(&self) -> bool {
        self.has_fluency() && self.fluency_pass == FluencyPass::Own
    }

    fn has_fluent_pseudo(&self) -> bool {
        self.has_fluency() && self.has_pseudo()
    }

    fn has_choice_of_trained(&self) -> bool {
        let prompt_alone = self.train == TrainPart::Prompt && self.embeddings == Embeddings::Frozen;
        self.has_own_pass() && !prompt_alone
    }

    fn has_demonstrations(&self) -> bool {
        self.is_prompt() && self.demonstrations.is_some()
    }

    /// Whether a sentence encoder is used: to classify by, or to choose demonstrations.
    pub fn has_encoder(&self) -> bool {
        self.is_sentence() || self.has_demonstrations() && self.demonstration_share < 1.0
    }
}
