//! What is trained and how a text is classified: every baseline, DART and each ablation is a value
//! of [`Method`] (presets are data, in the runner's YAML).

use serde::{Deserialize, Serialize};

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
    /// L_C over all of V* (`true`) or over the class rows alone (`false`).
    pub full_vocab: bool,
    /// The fluency constraint; `None`: L = L_C.
    pub fluency: Option<Fluency>,
    /// Which weights besides the pseudo rows are trained.
    pub train: TrainPart,
    /// Whether the vocabulary's rows are trained.
    pub embeddings: Embeddings,
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

/// The fluency constraint L_F (paper, section 3.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fluency {
    /// λ in L = L_C + λ L_F; above 0.
    pub weight: f64,
    /// Under which labels the masked word is predicted.
    pub labels: FluencyLabels,
    /// Which input tokens are masked.
    pub mask: FluencyMask,
}

/// Under which labels the masked word is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyLabels {
    /// All of them up to six classes, `k: 5` above.
    Auto,
    /// All of them (the paper).
    All,
    /// The true one and this many wrong ones, drawn without replacement, weighted (n−1)/N.
    K(usize),
    /// One label an example, uniform (what the reference implementation meant).
    Sampled,
}

/// Which input tokens are masked for the fluency constraint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyMask {
    /// One random token of the input.
    One,
    /// Each token of the input with this probability, in (0, 1).
    Rate(f64),
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
