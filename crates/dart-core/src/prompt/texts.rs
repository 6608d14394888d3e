//! The texts of an input: what of an example stands in their places, and how they are cut to fit.

use dart_data::Example;

use super::markers::{Stretch, marked};
use super::template::Part;
use crate::error::{CoreError, Result};
use crate::tokenizer::Tokenizer;

/// From which end a stretch may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Never,
    Start,
    End,
}

/// A stretch of text in an input.
pub(super) struct Text {
    /// The place of its part of the template.
    pub(super) place: usize,
    /// Its tokens.
    pub(super) ids: Vec<i64>,
    /// Whether the words are the example's, and not a marker.
    pub(super) own: bool,
    cut: Cut,
}

/// What stands at `place` for `part` of a template, which opens the input at place 0.
///
/// # Errors
/// A part that the example lacks.
pub(super) fn texts(
    part: &Part,
    example: &Example,
    place: usize,
    tokenizer: &Tokenizer,
) -> Result<Vec<Text>> {
    let text = |words: &str, first: bool, cut: Cut, own: bool| Text {
        place,
        ids: match first {
            true => tokenizer.encode(words),
            false => tokenizer.encode_inside(words),
        },
        own,
        cut,
    };
    if *part != Part::Marked {
        let cut = match part {
            Part::First { .. } | Part::Second { .. } => Cut::End,
            _ => Cut::Never,
        };
        return Ok(vec![text(&render(part, example)?, place == 0, cut, true)]);
    }
    let entities = example.entities.as_ref();
    let entities = entities.ok_or_else(|| lacking("an entity", example))?;
    let stretches = marked(&example.text_a, entities).into_iter().enumerate();
    let texts = stretches.map(|(i, stretch)| {
        let first = place == 0 && i == 0;
        match stretch {
            Stretch::Marker(marker) => text(marker, first, Cut::Never, false),
            Stretch::Entity(words) => text(words, first, Cut::Never, true),
            Stretch::Before(words) => text(words, first, Cut::Start, true),
            Stretch::Between(words) => text(words, first, Cut::End, true),
        }
    });
    Ok(texts.collect())
}

/// The first text behind the words that open it, without a template being cut from its end.
pub(super) fn first(opening: &str, text: &str, tokenizer: &Tokenizer) -> Text {
    Text {
        place: 0,
        ids: tokenizer.encode(&format!("{opening}{text}")),
        own: true,
        cut: Cut::End,
    }
}

/// Words before the first text, none of which is cut.
pub(super) fn kept(words: &str, tokenizer: &Tokenizer) -> Text {
    Text {
        place: 0,
        ids: tokenizer.encode(words),
        own: false,
        cut: Cut::Never,
    }
}

/// The second text of a pair, whole texts without a template being cut from their ends.
pub(super) fn second(text: &str, tokenizer: &Tokenizer) -> Text {
    Text {
        place: 1,
        ids: tokenizer.encode(text),
        own: true,
        cut: Cut::End,
    }
}

/// Cuts the longest of the texts that may be cut, token by token, until they and `fixed` other
/// tokens fit; tells whether anything was cut.
///
/// # Errors
/// Too much that is never cut.
pub(super) fn cut(
    texts: &mut [Text],
    max_length: usize,
    fixed: usize,
    example: &Example,
) -> Result<bool> {
    let mut total: usize = fixed + texts.iter().map(|text| text.ids.len()).sum::<usize>();
    let truncated = total > max_length;
    while total > max_length {
        // The later of two equally long texts is cut first.
        let longest = texts
            .iter_mut()
            .filter(|text| text.cut != Cut::Never && !text.ids.is_empty())
            .max_by_key(|text| text.ids.len());
        let Some(longest) = longest else {
            return Err(CoreError::Input(format!(
                "row {}: the entities alone are longer than max_length {max_length}",
                example.row + 1
            )));
        };
        match longest.cut {
            Cut::Start => drop(longest.ids.remove(0)),
            _ => drop(longest.ids.pop()),
        }
        total -= 1;
    }
    Ok(truncated)
}

fn lacking(what: &str, example: &Example) -> CoreError {
    CoreError::Input(format!(
        "the template asks for {what}, which row {} does not have",
        example.row + 1
    ))
}

fn render(part: &Part, example: &Example) -> Result<String> {
    let mention = |tail: bool| -> Result<String> {
        let entities = example.entities.as_ref();
        let entities = entities.ok_or_else(|| lacking("an entity", example))?;
        let mention = if tail { &entities.tail } else { &entities.head };
        let words = mention
            .spans
            .iter()
            .filter_map(|span| example.text_a.get(span.clone()));
        Ok(words.collect::<Vec<_>>().join(" "))
    };
    match part {
        Part::First { chop: false } => Ok(example.text_a.clone()),
        Part::First { chop: true } => {
            let mut chars = example.text_a.chars();
            chars.next_back();
            Ok(chars.as_str().to_string())
        }
        Part::Second { lower } => {
            let text = example
                .text_b
                .as_deref()
                .ok_or_else(|| lacking("{b}, a second text", example))?;
            let mut chars = text.chars();
            Ok(match (lower, chars.next()) {
                (true, Some(first)) => first.to_lowercase().chain(chars).collect(),
                _ => text.to_string(),
            })
        }
        Part::Head => mention(false),
        Part::Tail => mention(true),
        Part::Marked | Part::Mask | Part::Words(_) => Ok(String::new()),
    }
}
