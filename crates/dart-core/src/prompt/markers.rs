//! Entity markers in a text: `@` round the head, `#` round the tail (the punctuation markers of
//! Zhou and Chen, 2022, which every vocabulary has).

use std::cmp::Reverse;
use std::ops::Range;

use dart_data::Entities;

const HEAD: &str = "@";
const TAIL: &str = "#";

/// A stretch of a text with markers, without white space at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stretch<'a> {
    /// A marker.
    Marker(&'static str),
    /// Words of an entity, or of both where they overlap.
    Entity(&'a str),
    /// What stands before the first entity.
    Before(&'a str),
    /// What stands between entities or behind them.
    Between(&'a str),
}

/// The stretches of `text`, markers round every place at which a mention stands. Places that are
/// not in the text are left out.
pub(super) fn marked<'a>(text: &'a str, entities: &Entities) -> Vec<Stretch<'a>> {
    let of = |spans: &[Range<usize>], marker| -> Vec<(Range<usize>, &'static str)> {
        let real = spans
            .iter()
            .filter(|s| !text.get((*s).clone()).unwrap_or("").is_empty());
        real.map(|span| (span.clone(), marker)).collect()
    };
    let mut spans = of(&entities.head.spans, HEAD);
    spans.extend(of(&entities.tail.spans, TAIL));
    let mut edges: Vec<usize> = spans.iter().flat_map(|(s, _)| [s.start, s.end]).collect();
    let first = edges.iter().min().copied();
    edges.extend([0, text.len()]);
    edges.sort_unstable();
    edges.dedup();
    let mut stretches = Vec::new();
    for (i, &edge) in edges.iter().enumerate() {
        // What closes here comes before what opens here; the shorter closes first, the longer opens
        // first.
        let mut closing: Vec<_> = spans.iter().filter(|(s, _)| s.end == edge).collect();
        // Of equal places the tail is inside the head.
        closing.sort_by_key(|(s, marker)| (Reverse(s.start), *marker == HEAD));
        let mut opening: Vec<_> = spans.iter().filter(|(s, _)| s.start == edge).collect();
        opening.sort_by_key(|(s, _)| Reverse(s.end));
        let markers = closing.into_iter().chain(opening);
        stretches.extend(markers.map(|(_, marker)| Stretch::Marker(marker)));
        let Some(&next) = edges.get(i + 1) else { break };
        let words = text[edge..next].trim();
        if words.is_empty() {
            continue;
        }
        let inside = spans.iter().any(|(s, _)| s.start <= edge && next <= s.end);
        stretches.push(match first {
            _ if inside => Stretch::Entity(words),
            Some(first) if next <= first => Stretch::Before(words),
            _ => Stretch::Between(words),
        });
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use dart_data::Mention;

    fn shown(text: &str, head: &[&str], tail: &[&str]) -> String {
        let mention = |words: &[&str]| Mention {
            spans: words
                .iter()
                .map(|w| text.find(w).map_or(90..95, |at| at..at + w.len()))
                .collect(),
            ..Mention::default()
        };
        let entities = Entities {
            head: mention(head),
            tail: mention(tail),
        };
        let words = marked(text, &entities).into_iter().map(|s| match s {
            Stretch::Marker(m) => m.to_owned(),
            Stretch::Entity(w) => w.to_uppercase(),
            Stretch::Before(w) => format!("<{w}"),
            Stretch::Between(w) => w.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn markers_stand_round_the_entities() {
        let text = "once the old bridge crosses a wide river here";
        assert_eq!(
            shown(text, &["bridge"], &["river"]),
            "<once the old @ BRIDGE @ crosses a wide # RIVER # here"
        );
        assert_eq!(
            shown(text, &["river"], &["once"]),
            "# ONCE # the old bridge crosses a wide @ RIVER @ here"
        );
        // In two places; one in the other; the same place; side by side; overlapping.
        assert_eq!(
            shown(text, &["old", "bridge"], &["here"]),
            "<once the @ OLD @ @ BRIDGE @ crosses a wide river # HERE #"
        );
        assert_eq!(
            shown(text, &["old bridge"], &["bridge"]),
            "<once the @ OLD # BRIDGE # @ crosses a wide river here"
        );
        assert_eq!(shown("a b", &["b"], &["b"]), "<a @ # B # @");
        assert_eq!(shown("ab", &["a"], &["b"]), "@ A @ # B #");
        assert_eq!(shown("a b c", &["a b"], &["b c"]), "@ A # B @ C #");
        assert_eq!(shown("a b", &["nowhere"], &["b"]), "<a # B #");
    }
}
