//! What is trained and how a text is classified: every baseline, DART and each ablation is a value
//! of [`Method`] (presets are data, in the runner's YAML).

mod draws;
mod fluency;
mod prompt;
mod record;
mod rows;

use serde::{Deserialize, Serialize};

pub use draws::{FluencyLabels, FluencyMask};
pub use fluency::{
    Fluency, FluencyMean, FluencyPass, FluencySoftmax, FluencyTrains, FluencyWeight,
};
pub use prompt::{LabelRows, PromptMethod, Shown, TemplateRows};
pub use record::{LabelKind, TemplateKind};
pub use rows::{BiasInit, Embeddings, LabelPieces, Places, PromptEncoderKind, RowInit, TrainPart};

/// A way to classify texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Method {
    /// The most frequent class of the training examples (ties: the first class).
    Majority,
    /// A linear head on the `[CLS]` position (BERT's fine-tuning).
    Head(HeadMethod),
    /// A cloze answered by the masked language model's own head.
    Prompt(PromptMethod),
    /// Logistic regression on sentence embeddings.
    Sentence(SentenceMethod),
}

impl Method {
    /// The name of the prompt before what a sentence encoder embeds, where the method uses one and
    /// names it.
    pub fn encoder_prompt(&self) -> Option<&str> {
        match self {
            Method::Sentence(method) => method.encoder_prompt.as_deref(),
            Method::Prompt(method) => method.demonstrations.as_ref()?.encoder_prompt.as_deref(),
            Method::Majority | Method::Head(_) => None,
        }
    }
}

/// Fine-tuning with a classification head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadMethod {
    /// Which weights besides the head are trained.
    pub train: TrainPart,
    /// Whether the vocabulary's rows are trained.
    pub embeddings: Embeddings,
}

/// Logistic regression on the sentence embeddings of an encoder. `train: none` takes the encoder as
/// it is; else it is first tuned on pairs of training examples, whose cosine is to be 1 within a
/// class and 0 between classes (SetFit, Tunstall et al., 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentenceMethod {
    /// Which weights of the encoder are tuned.
    pub train: TrainPart,
    /// Whether the vocabulary's rows are tuned.
    pub embeddings: Embeddings,
    /// C of the logistic regression: the inverse strength of its L2 penalty; above 0.
    pub logreg_c: f64,
    /// The name of the encoder's prompt that stands before every text; `None`: its folder's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_prompt: Option<String>,
}
