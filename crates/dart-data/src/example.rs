//! A labelled example as every task gives it.

use std::ops::Range;

/// A mention of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mention {
    /// Byte ranges in `Example::text_a`, in order; several where the mention is discontinuous or
    /// stands several times.
    pub spans: Vec<Range<usize>>,
    /// The entity's name as the data set gives it, where it does.
    pub name: Option<String>,
    /// Its identifier (Wikidata, UMLS, …), where known.
    pub id: Option<String>,
    /// Its type (PERSON, …), where known.
    pub kind: Option<String>,
}

/// The two entities of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entities {
    /// The subject, or the first entity.
    pub head: Mention,
    /// The object, or the second entity.
    pub tail: Mention,
}

/// One labelled example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// 0-based data row of its source file (a header is not counted).
    pub row: usize,
    /// The text, or the first of a pair.
    pub text_a: String,
    /// The second text of a pair.
    pub text_b: Option<String>,
    /// The entities of a relation task.
    pub entities: Option<Box<Entities>>,
    /// Index into `Task::labels`.
    pub label: usize,
}

impl Example {
    /// An example of one text; of a text to be classified, any label serves.
    ///
    /// ```
    /// let example = dart_data::Example::of_text(0, "Slow and dull.", 1);
    /// assert_eq!((example.text_a.as_str(), example.label), ("Slow and dull.", 1));
    /// ```
    pub fn of_text(row: usize, text: impl Into<String>, label: usize) -> Self {
        Example {
            row,
            text_a: text.into(),
            text_b: None,
            entities: None,
            label,
        }
    }
}
