//! Prompt methods.

use serde::{Deserialize, Serialize};

use super::fluency::Fluency;
use super::rows::{
    BiasInit, Embeddings, LabelPieces, Places, PromptEncoderKind, RowInit, TrainPart,
};

/// A prompt method: the preset "dart" has pseudo template, pseudo labels and fluency; "lm-bff" a
/// hard template and label words; "zero-shot" the same with `train: none`. Files hold it as a
/// [flat record](super::record).
#[derive(Clone, Debug, PartialEq)]
pub struct PromptMethod {
    /// What the template is made of.
    pub template: TemplateRows,
    /// What the verbalizer maps classes to.
    pub labels: LabelRows,
    /// Whether the pseudo rows get gradients as inputs, or only where a loss reads them as outputs.
    pub template_gradient: bool,
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
    /// Which rows of the vocabulary the pseudo rows stand in for.
    pub places: Places,
    /// What their decoder biases start from.
    pub bias_init: BiasInit,
    /// Whether equal tokens of a pseudo template are one pseudo token.
    pub share_equal_tokens: bool,
    /// Whether `[SEP]` follows the first text, and what stands behind it is the second segment.
    pub sep_after_text: bool,
    /// Solved training examples that stand behind the input; `None`: it stands alone.
    pub demonstrations: Option<Shown>,
}

/// What the template is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateRows {
    /// No template words: text and `[MASK]` alone.
    None,
    /// The manual template's words.
    Hard,
    /// Pseudo tokens.
    Pseudo {
        /// How their rows start.
        init: RowInit,
        /// Their number: the i-th of N stands for, and where, the ⌊i·m/N⌋-th of the manual template's m
        /// tokens stands. `None`: m.
        tokens: Option<usize>,
    },
    /// The same, their rows computed by a prompt encoder.
    Encoded {
        /// How what it computes from starts.
        init: RowInit,
        /// As of pseudo tokens.
        tokens: Option<usize>,
        /// What computes.
        encoder: PromptEncoderKind,
    },
}

impl TemplateRows {
    /// A pseudo token for each of the manual template's, started as its copy.
    pub const PSEUDO: Self = TemplateRows::Pseudo {
        init: RowInit::Manual,
        tokens: None,
    };

    /// How the rows of its own start, and how many there are; `None` where it has none.
    pub fn free(self) -> Option<(RowInit, Option<usize>)> {
        match self {
            TemplateRows::None | TemplateRows::Hard => None,
            TemplateRows::Pseudo { init, tokens } | TemplateRows::Encoded { init, tokens, .. } => {
                Some((init, tokens))
            }
        }
    }
}

/// What the verbalizer maps classes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelRows {
    /// The label words' rows of the vocabulary.
    Words,
    /// One pseudo token a class.
    Pseudo {
        /// How their rows start.
        init: RowInit,
    },
}

impl LabelRows {
    /// A pseudo token a class, started as a copy of its label word.
    pub const PSEUDO: Self = LabelRows::Pseudo {
        init: RowInit::Manual,
    };

    /// How the rows of the classes' own start; `None` where they have none.
    pub fn free(self) -> Option<RowInit> {
        match self {
            LabelRows::Words => None,
            LabelRows::Pseudo { init } => Some(init),
        }
    }
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
    /// The name of that encoder's prompt that stands before every text; `None`: its folder's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_prompt: Option<String>,
}

impl Default for PromptMethod {
    /// LM-BFF's manual prompt with the vocabulary frozen.
    fn default() -> Self {
        PromptMethod {
            template: TemplateRows::Hard,
            labels: LabelRows::Words,
            template_gradient: true,
            label_pieces: LabelPieces::Mean,
            full_vocab: false,
            fluency: None,
            train: TrainPart::Lm,
            embeddings: Embeddings::Frozen,
            places: Places::Appended,
            bias_init: BiasInit::Source,
            share_equal_tokens: false,
            sep_after_text: false,
            demonstrations: None,
        }
    }
}
