//! The font that texts are measured in and PNG is written with.

use std::collections::BTreeSet;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// The file of the font.
pub const ROBOTO: &[u8] = include_bytes!("../../../assets/Roboto-Latin.ttf");

/// A text's width in pixels in this font.
pub fn width(text: &str, size: f64) -> f64 {
    let Ok(font) = FontRef::new(ROBOTO) else {
        return 0.6 * size * text.chars().count() as f64;
    };
    let metrics = font.glyph_metrics(Size::new(size as f32), LocationRef::default());
    let signs = font.charmap();
    // A sign that the font lacks is given the room of its place holder.
    let advance = |c| metrics.advance_width(signs.map(c).unwrap_or_default());
    text.chars().filter_map(advance).map(f64::from).sum()
}
/// The signs of a text that the font lacks.
pub fn lacking(text: &str) -> BTreeSet<char> {
    let signs = FontRef::new(ROBOTO).map(|font| font.charmap());
    let has = |c| signs.as_ref().is_ok_and(|signs| signs.map(c).is_some());
    let seen = text.chars().filter(|c| *c > ' ');
    seen.filter(|c| !has(*c)).collect()
}

/// The room that a text needs in whatever font a browser takes: DejaVu Sans is that much broader.
pub fn room(text: &str, size: f64) -> f64 {
    1.18 * width(text, size)
}

/// A text's words in lines that fit into `wide` pixels; a word that is longer has a line of its own.
pub fn wrapped(text: &str, size: f64, wide: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if room(&format!("{line} {word}"), size) <= wide => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_is_there_and_measures() {
        assert_eq!(
            lacking("Aé λ±×−–…“”\n中文中")
                .into_iter()
                .collect::<String>(),
            "中文"
        );
        let (narrow, broad) = (width("iiii", 12.0), width("MMMM", 12.0));
        assert!(narrow > 8.0 && broad > 2.0 * narrow && broad < 48.0);
        assert!((width("λ × ±", 24.0) - 2.0 * width("λ × ±", 12.0)).abs() < 1e-3);
        assert!(width("中", 12.0) > 0.0);
    }

    #[test]
    fn words_are_wrapped_not_cut() {
        let wide = room("one two", 12.0) + 0.1;
        assert_eq!(
            wrapped("one two three-and-more four", 12.0, wide),
            ["one two", "three-and-more", "four"]
        );
        assert!(wrapped(" ", 12.0, wide).is_empty());
    }
}
