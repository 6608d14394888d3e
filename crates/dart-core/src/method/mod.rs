//! What is trained and how a text is classified: every baseline, DART and each ablation is a value
//! of [`Method`] (presets are data, in the runner's YAML).

mod fluency;

use serde::{Deserialize, Serialize};

pub use fluency::{Fluency, FluencyLabels, FluencyMask};

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
}

/// A prompt method: the preset "dart" has pseudo template, pseudo labels and fluency; "lm-bff" a
/// hard template and label words; "zero-shot" the same with `train: none`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptMethod {
    /// What the template is made of.
    pub template: TemplateKind,
    /// What the verbalizer maps classes to.
    pub labels: LabelKind,
    /// How the template's pseudo tokens start.
    pub template_init: RowInit,
    /// How the labels' pseudo tokens start.
    pub label_init: RowInit,
    /// What stands for a label word of several pieces.
    pub label_pieces: LabelPieces,
    /// L_C over all of V* (`true`) or over the class rows alone (`false`). Scores on dev and test are
    /// over the class rows either way.
    pub full_vocab: bool,
    /// The fluency constraint; `None`: L = L_C.
    pub fluency: Option<Fluency>,
    /// Which weights besides the pseudo rows are trained.
    pub train: TrainPart,
    /// Whether the vocabulary's rows are trained.
    pub embeddings: Embeddings,
    /// Number of the template's pseudo tokens: the i-th of N stands for, and where, the ⌊i·m/N⌋-th
    /// of the manual template's m tokens stands. `None`: m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_tokens: Option<usize>,
    /// What computes the rows of an encoded template.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prompt_encoder: PromptEncoderKind,
    /// Solved training examples that stand behind the input; `None`: it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demonstrations: Option<Shown>,
}

/// Demonstrations: one training example of each class, drawn anew for every step (Gao et al.,
/// 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Contexts over which the class scores are averaged when predicting.
    pub contexts: usize,
    /// Longest text of a demonstration in tokens.
    pub tokens: usize,
    /// Share of each class's training examples, the most similar to the input by a sentence
    /// encoder, from which is drawn; in (0, 1].
    pub share: f64,
}

// A setting at its default is left out, so that the runs' identities outlast new settings.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for PromptMethod {
    /// LM-BFF's manual prompt with the vocabulary frozen.
    fn default() -> Self {
        PromptMethod {
            template: TemplateKind::Hard,
            labels: LabelKind::Words,
            template_init: RowInit::Manual,
            label_init: RowInit::Manual,
            label_pieces: LabelPieces::Mean,
            full_vocab: false,
            fluency: None,
            train: TrainPart::Lm,
            embeddings: Embeddings::Frozen,
            template_tokens: None,
            prompt_encoder: PromptEncoderKind::Lstm,
            demonstrations: None,
        }
    }
}

/// What computes the rows of an encoded template from as many free vectors (P-Tuning, Liu et al.,
/// 2021).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptEncoderKind {
    /// A bidirectional LSTM of two layers, then an MLP.
    #[default]
    Lstm,
    /// An MLP alone.
    Mlp,
}

/// What the template is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// The label words' rows of the vocabulary.
    Words,
    /// One pseudo token a class.
    Pseudo,
}

/// How pseudo rows start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowInit {
    /// Copies of the manual template's tokens or of the label words' rows.
    Manual,
    /// Normal with the mean and the per-component standard deviation of the vocabulary's rows.
    Random,
    /// As the reference implementation, which overwrites the vocabulary's last m + n rows: uniform
    /// within the largest absolute value of the row that it would overwrite, with that row's bias.
    Uniform,
}

/// What stands for a label word that the tokenizer cuts into several pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelPieces {
    /// The mean of the pieces' rows.
    Mean,
    /// The first piece's row.
    First,
}

/// Which weights of the language model are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainPart {
    /// Nothing at all: zero-shot.
    None,
    /// Everything but the vocabulary's rows, which `embeddings` decides.
    Lm,
    /// Bias vectors (and the pseudo rows).
    Bitfit,
    /// The pseudo rows alone.
    Prompt,
}

/// Whether the vocabulary's rows (tied input and output embeddings) are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Embeddings {
    /// All rows but the pseudo tokens' stay bitwise as they are (gradient masking).
    Frozen,
    /// All rows are trained, as the reference implementation and LM-BFF do.
    Trained,
}
