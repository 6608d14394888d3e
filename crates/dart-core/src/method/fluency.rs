//! The fluency constraint's settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draws::{FluencyLabels, FluencyMask};

/// The fluency constraint L_F (paper, section 3.3). What came later is not written at its default,
/// since runs are identified by this text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fluency {
    /// λ in L = L_C + λ L_F; above 0.
    pub weight: f64,
    /// Under which labels the masked word is predicted.
    pub labels: FluencyLabels,
    /// Which input tokens are masked.
    pub mask: FluencyMask,
    /// As the reference implementation: the slot is filled with a label *word*, which is then
    /// compared with the labels' *pseudo* tokens, so that every label counts as a wrong one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reference_bug: bool,
    /// In which pass the masked words are predicted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pass: FluencyPass,
    /// What the losses of the masked words are averaged over.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mean: FluencyMean,
    /// What λ weighs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weighted: FluencyWeight,
    /// Over which rows the softmax is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub softmax: FluencySoftmax,
    /// What has a gradient of L_F.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trains: FluencyTrains,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Fluency {
    /// As the paper has it, with λ = 1.
    fn default() -> Self {
        Fluency {
            weight: 1.0,
            labels: FluencyLabels::Auto,
            mask: FluencyMask::One,
            reference_bug: false,
            pass: FluencyPass::Own,
            mean: FluencyMean::Examples,
            weighted: FluencyWeight::Sum,
            softmax: FluencySoftmax::All,
            trains: FluencyTrains::All,
        }
    }
}

/// In which pass the masked words are predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyPass {
    /// In passes of its own, one a label, with the label in the slot.
    #[default]
    Own,
    /// In that of L_C, with `[MASK]` in the slot: plain masked-token prediction, and L_C sees the
    /// masked text.
    Same,
}

/// What the losses of the masked words are averaged over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyMean {
    /// The masks of each example, then the examples of a micro-batch.
    #[default]
    Examples,
    /// All masks of a micro-batch.
    Masks,
}

/// What λ weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyWeight {
    /// The sum over the labels.
    #[default]
    Sum,
    /// Their mean: λ/n of n classes.
    Label,
}

/// Over which rows L_F's softmax is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FluencySoftmax {
    /// The vocabulary's and the pseudo rows.
    #[default]
    All,
    /// The vocabulary's.
    Words,
}

/// What has a gradient of L_F.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyTrains {
    /// All that is trained.
    #[default]
    All,
    /// The pseudo rows, and what computes them.
    Prompt,
}
