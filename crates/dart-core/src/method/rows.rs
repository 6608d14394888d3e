//! Words of settings that several methods share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What computes the rows of an encoded template from as many free vectors (P-Tuning, Liu et al.,
/// 2021).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PromptEncoderKind {
    /// A bidirectional LSTM of two layers, then an MLP.
    #[default]
    Lstm,
    /// An MLP alone.
    Mlp,
}

/// How pseudo rows start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowInit {
    /// Copies of the manual template's tokens or of the label words' rows.
    Manual,
    /// Normal with the mean and the per-component standard deviation of the vocabulary's rows.
    Random,
    /// Uniform within the largest absolute value of one of the vocabulary's last m + n rows each, with
    /// that row's decoder bias.
    Uniform,
}

/// Which rows of the vocabulary pseudo rows stand in for. A row that is stood in for takes no part in
/// a softmax over the vocabulary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Places {
    /// None: the vocabulary grows.
    #[default]
    Appended,
    /// BERT's `[unused…]` tokens, elsewhere some of the last hundred (the authors' program of January
    /// 2022).
    Unused,
    /// The last, from the end downwards (the authors' program of December 2022).
    Tail,
}

/// What the decoder biases of pseudo rows start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BiasInit {
    /// What the rows start from.
    #[default]
    Source,
    /// The biases of the rows that they stand in for.
    Place,
}

/// What stands for a label word that the tokenizer cuts into several pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelPieces {
    /// The mean of the pieces' rows.
    Mean,
    /// The first piece's row.
    First,
}

/// Which weights of the language model are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Embeddings {
    /// All rows but the pseudo tokens' stay bitwise as they are (gradient masking).
    Frozen,
    /// All rows are trained, as the reference implementation and LM-BFF do.
    Trained,
}
