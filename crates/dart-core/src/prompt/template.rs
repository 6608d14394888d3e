//! Templates: how a text becomes a cloze.

use crate::error::{CoreError, Result};

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// `{a}`: the text, or the first of a pair; `{a:chop}` without its last character (LM-BFF's
    /// `?` templates replace the full stop).
    First {
        /// Leave out the last character.
        chop: bool,
    },
    /// `{a:marked}`: the text with its entities between markers: `@` round the first, `#` round the
    /// second.
    Marked,
    /// `{b}`: the second text; `{b:lower}` with its first letter in lower case.
    Second {
        /// Lower the first letter.
        lower: bool,
    },
    /// `{head}`: the first entity's words.
    Head,
    /// `{tail}`: the second entity's words.
    Tail,
    /// `[MASK]`: the slot that a label word fills.
    Mask,
    /// Words of the template itself.
    Words(String),
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

impl Template {
    /// Parses `{a} It was [MASK] .`.
    ///
    /// # Errors
    /// An unknown or unclosed `{…}`, no `{a}`, or not exactly one `[MASK]`.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |why: &str| Err(CoreError::Setting(format!("template `{text}`: {why}")));
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let next = [rest.find('{'), rest.find("[MASK]")]
                .into_iter()
                .flatten()
                .min();
            let (words, marked) = rest.split_at(next.unwrap_or(rest.len()));
            if !words.trim().is_empty() {
                parts.push(Part::Words(words.trim().to_string()));
            }
            if let Some(after) = marked.strip_prefix("[MASK]") {
                parts.push(Part::Mask);
                rest = after;
            } else if let Some(after) = marked.strip_prefix('{') {
                let Some((name, after)) = after.split_once('}') else {
                    return fail("a `{` is not closed");
                };
                let Some(part) = field(name) else {
                    return fail(&format!(
                        "`{{{name}}}` is unknown; known: {{a}}, {{a:chop}}, {{a:marked}}, {{b}}, \
                         {{b:lower}}, {{head}}, {{tail}}"
                    ));
                };
                parts.push(part);
                rest = after;
            } else {
                rest = "";
            }
        }
        if parts.iter().filter(|p| **p == Part::Mask).count() != 1 {
            return fail("it must contain [MASK] exactly once");
        }
        if !parts
            .iter()
            .any(|p| matches!(p, Part::First { .. } | Part::Marked))
        {
            return fail("it must contain {a}, the text");
        }
        Ok(Template { parts })
    }

    /// The same without its own words: texts and `[MASK]` alone.
    pub fn without_words(&self) -> Self {
        let keep = |part: &&Part| !matches!(part, Part::Words(_));
        Template {
            parts: self.parts.iter().filter(keep).cloned().collect(),
        }
    }

    /// The same with `[MASK]` at the end, where causal models can fill it: what stood behind it
    /// stands before it.
    pub fn slot_last(&self) -> Self {
        let others = self.parts.iter().filter(|part| **part != Part::Mask);
        Template {
            parts: others.cloned().chain([Part::Mask]).collect(),
        }
    }
}

fn field(name: &str) -> Option<Part> {
    Some(match name {
        "a" => Part::First { chop: false },
        "a:chop" => Part::First { chop: true },
        "a:marked" => Part::Marked,
        "b" => Part::Second { lower: false },
        "b:lower" => Part::Second { lower: true },
        "head" => Part::Head,
        "tail" => Part::Tail,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_parts_in_order() {
        let template = Template::parse("{a:chop} ? [MASK] , {b:lower}").unwrap();
        let wanted = [
            Part::First { chop: true },
            Part::Words("?".into()),
            Part::Mask,
            Part::Words(",".into()),
            Part::Second { lower: true },
        ];
        assert_eq!(template.parts, wanted);
    }

    #[test]
    fn a_slot_at_the_end_leaves_the_other_parts_in_order() {
        let template = Template::parse("{a:chop} ? [MASK] , {b:lower}").unwrap();
        let moved = Template::parse("{a:chop} ? , {b:lower} [MASK]").unwrap();
        let words = |t: &Template| {
            let joined = |p: &Part| match p {
                Part::Words(words) => words.clone(),
                other => format!("{other:?}"),
            };
            t.parts.iter().map(joined).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&template.slot_last()), words(&moved));
        assert_eq!(template.slot_last().slot_last(), template.slot_last());
    }

    #[test]
    fn refuses_what_cannot_work() {
        for (text, why) in [
            ("{a} is good", "[MASK] exactly once"),
            ("[MASK] {a} [MASK]", "[MASK] exactly once"),
            ("It was [MASK]", "must contain {a}"),
            ("{a [MASK]", "not closed"),
            ("{text} [MASK]", "`{text}` is unknown"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
