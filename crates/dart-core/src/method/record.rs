//! A prompt method as files hold it: one value beside the other, whatever they mean together.
//!
//! Runs are identified by this text. A setting that came later is left out at its default, so that it
//! leaves finished runs alone.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fluency::Fluency;
use super::prompt::{LabelRows, PromptMethod, Shown, TemplateRows};
use super::rows::{
    BiasInit, Embeddings, LabelPieces, Places, PromptEncoderKind, RowInit, TrainPart,
};

/// What the template is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateKind {
    /// No template words: text and `[MASK]` alone.
    None,
    /// The manual template's words.
    Hard,
    /// One pseudo token for each token of the manual template.
    Pseudo,
    /// The same, their rows computed by a prompt encoder.
    Encoded,
}

impl TemplateKind {
    /// Whether the template's tokens have rows of their own.
    pub fn is_free(self) -> bool {
        matches!(self, TemplateKind::Pseudo | TemplateKind::Encoded)
    }
}

/// What the verbalizer maps classes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// The label words' rows of the vocabulary.
    Words,
    /// One pseudo token a class.
    Pseudo,
}

/// The values of a [`PromptMethod`]; what has no meaning stands at its default.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptRecord {
    template: TemplateKind,
    labels: LabelKind,
    template_init: RowInit,
    label_init: RowInit,
    label_pieces: LabelPieces,
    full_vocab: bool,
    fluency: Option<Fluency>,
    train: TrainPart,
    embeddings: Embeddings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template_tokens: Option<usize>,
    #[serde(default, skip_serializing_if = "is_default")]
    prompt_encoder: PromptEncoderKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    demonstrations: Option<Shown>,
    #[serde(default, skip_serializing_if = "is_default")]
    places: Places,
    #[serde(default, skip_serializing_if = "is_default")]
    bias_init: BiasInit,
    #[serde(default, skip_serializing_if = "is_default")]
    share_equal_tokens: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    sep_after_text: bool,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    template_gradient: bool,
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl TemplateKind {
    /// The template of this kind, with what else is said of it.
    pub fn rows(
        self,
        init: RowInit,
        tokens: Option<usize>,
        encoder: PromptEncoderKind,
    ) -> TemplateRows {
        match self {
            TemplateKind::None => TemplateRows::None,
            TemplateKind::Hard => TemplateRows::Hard,
            TemplateKind::Pseudo => TemplateRows::Pseudo { init, tokens },
            TemplateKind::Encoded => TemplateRows::Encoded {
                init,
                tokens,
                encoder,
            },
        }
    }
}

impl LabelKind {
    /// The labels of this kind, with how their rows start.
    pub fn rows(self, init: RowInit) -> LabelRows {
        match self {
            LabelKind::Words => LabelRows::Words,
            LabelKind::Pseudo => LabelRows::Pseudo { init },
        }
    }
}

impl From<PromptRecord> for PromptMethod {
    fn from(record: PromptRecord) -> Self {
        let (init, tokens) = (record.template_init, record.template_tokens);
        PromptMethod {
            template: record.template.rows(init, tokens, record.prompt_encoder),
            labels: record.labels.rows(record.label_init),
            template_gradient: record.template_gradient,
            label_pieces: record.label_pieces,
            full_vocab: record.full_vocab,
            fluency: record.fluency,
            train: record.train,
            embeddings: record.embeddings,
            places: record.places,
            bias_init: record.bias_init,
            share_equal_tokens: record.share_equal_tokens,
            sep_after_text: record.sep_after_text,
            demonstrations: record.demonstrations,
        }
    }
}

impl From<&PromptMethod> for PromptRecord {
    fn from(method: &PromptMethod) -> Self {
        let (template, encoder) = match method.template {
            TemplateRows::None => (TemplateKind::None, None),
            TemplateRows::Hard => (TemplateKind::Hard, None),
            TemplateRows::Pseudo { .. } => (TemplateKind::Pseudo, None),
            TemplateRows::Encoded { encoder, .. } => (TemplateKind::Encoded, Some(encoder)),
        };
        let (template_init, template_tokens) =
            method.template.free().unwrap_or((RowInit::Manual, None));
        let (labels, label_init) = match method.labels {
            LabelRows::Words => (LabelKind::Words, RowInit::Manual),
            LabelRows::Pseudo { init } => (LabelKind::Pseudo, init),
        };
        PromptRecord {
            template,
            labels,
            template_init,
            label_init,
            label_pieces: method.label_pieces,
            full_vocab: method.full_vocab,
            fluency: method.fluency.clone(),
            train: method.train,
            embeddings: method.embeddings,
            template_tokens,
            prompt_encoder: encoder.unwrap_or_default(),
            demonstrations: method.demonstrations.clone(),
            places: method.places,
            bias_init: method.bias_init,
            share_equal_tokens: method.share_equal_tokens,
            sep_after_text: method.sep_after_text,
            template_gradient: method.template_gradient,
        }
    }
}

impl Serialize for PromptMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PromptRecord::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PromptMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PromptRecord::deserialize(deserializer).map(Into::into)
    }
}
