//! From tokens and positions to a text with byte ranges.

use std::ops::Range;

/// Tokens joined by single spaces, and where each stands.
pub(super) struct Joined {
    pub(super) text: String,
    tokens: Vec<Range<usize>>,
}

impl Joined {
    pub(super) fn new<S: AsRef<str>>(tokens: &[S]) -> Self {
        let mut joined = Joined {
            text: String::new(),
            tokens: Vec::with_capacity(tokens.len()),
        };
        for (index, token) in tokens.iter().enumerate() {
            if index > 0 {
                joined.text.push(' ');
            }
            let start = joined.text.len();
            joined.text.push_str(token.as_ref());
            joined.tokens.push(start..joined.text.len());
        }
        joined
    }

    /// The range of tokens `start..end`.
    pub(super) fn range(&self, start: usize, end: usize) -> Result<Range<usize>, String> {
        match (
            self.tokens.get(start),
            end.checked_sub(1).and_then(|last| self.tokens.get(last)),
        ) {
            (Some(first), Some(last)) if start < end => Ok(first.start..last.end),
            _ => Err(format!(
                "an entity stands at tokens {start}..{end} of {}",
                self.tokens.len()
            )),
        }
    }

    /// The ranges of a mention given by the positions of its tokens; a gap starts a new range.
    pub(super) fn ranges(&self, positions: &[usize]) -> Result<Vec<Range<usize>>, String> {
        let mut ranges = Vec::new();
        let mut rest = positions;
        while let Some(first) = rest.first() {
            let run = rest
                .iter()
                .enumerate()
                .take_while(|(i, at)| **at == first + i)
                .count();
            ranges.push(self.range(*first, first + run)?);
            rest = &rest[run..];
        }
        Ok(ranges)
    }
}

/// The byte range of characters `start..end`.
pub(super) fn char_range(text: &str, start: usize, end: usize) -> Result<Range<usize>, String> {
    let mut bytes = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let first = bytes.nth(start);
    let last = end.checked_sub(start + 1).and_then(|gap| bytes.nth(gap));
    match (first, last) {
        (Some(first), Some(last)) => Ok(first..last),
        _ => Err(format!(
            "an entity stands at characters {start}..{end} of {}",
            text.chars().count()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_become_ranges_and_gaps_part_them() {
        let joined = Joined::new(&["Wilton", "Bridge", " ", "é", "x"]);
        assert_eq!(joined.text, "Wilton Bridge   é x");
        let ranges = joined.ranges(&[0, 1, 3]).unwrap();
        let texts: Vec<_> = ranges
            .into_iter()
            .map(|range| &joined.text[range])
            .collect();
        assert_eq!(texts, ["Wilton Bridge", "é"]);
        assert!(joined.ranges(&[4, 5]).unwrap_err().contains("4..6 of 5"));
        assert!(joined.range(2, 2).is_err() && joined.range(usize::MAX, 0).is_err());
        assert_eq!(joined.ranges(&[]).unwrap(), []);
    }

    #[test]
    fn characters_become_bytes() {
        assert_eq!(
            &"naïve text"[char_range("naïve text", 2, 5).unwrap()],
            "ïve"
        );
        assert_eq!(char_range("ab", 0, 2).unwrap(), 0..2);
        assert!(char_range("ab", 1, 3).is_err() && char_range("ab", 2, 2).is_err());
        assert!(char_range("ab", 2, 1).is_err());
    }
}
