//! Examples as token ids.

/// An example as token ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Token ids with special tokens; pseudo tokens from V on.
    pub ids: Vec<i64>,
    /// Segment ids.
    pub segments: Vec<i64>,
    /// Position that is read: `[MASK]`, or `[CLS]` for a classification head; with causal models
    /// the last token.
    pub slot: usize,
    /// Positions of the texts' ordinary tokens, which the fluency constraint may mask.
    pub maskable: Vec<usize>,
    /// The true class.
    pub label: usize,
    /// Whether a text was cut.
    pub truncated: bool,
    /// Of each class the training examples that may be shown with this one; empty where none are.
    pub demonstrations: Vec<Vec<usize>>,
}

/// The share of the inputs that were cut; 0 of none.
pub(crate) fn truncated_share<'a>(inputs: impl IntoIterator<Item = &'a Encoded>) -> f64 {
    let (mut cut, mut all) = (0usize, 0usize);
    for input in inputs {
        cut += usize::from(input.truncated);
        all += 1;
    }
    cut as f64 / all.max(1) as f64
}
