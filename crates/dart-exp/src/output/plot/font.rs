//! The font that texts are measured in and PNG is written with.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use anyhow::{Context, Result};

const ROBOTO: &[u8] = include_bytes!("../../../assets/Roboto-Latin.ttf");

/// The font.
///
/// # Errors
/// None in a release: a test reads it.
pub fn font() -> Result<FontRef<'static>> {
    FontRef::try_from_slice(ROBOTO).context("the font that comes with the program")
}

/// What ab_glyph calls the scale of a font of this size in pixels.
pub fn scale(font: &FontRef, size: f64) -> PxScale {
    let em = font.units_per_em().unwrap_or(1000.0);
    PxScale::from(size as f32 * font.height_unscaled() / em)
}

/// A text's width in pixels in this font.
pub fn width(text: &str, size: f64) -> f64 {
    let Ok(font) = font() else {
        return 0.6 * size * text.chars().count() as f64;
    };
    let scaled = font.as_scaled(scale(&font, size));
    let advance = |c| f64::from(scaled.h_advance(scaled.glyph_id(c)));
    text.chars().map(advance).sum()
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
        font().unwrap();
        let (narrow, broad) = (width("iiii", 12.0), width("MMMM", 12.0));
        assert!(narrow > 8.0 && broad > 2.0 * narrow && broad < 48.0);
        assert!((width("λ × ±", 24.0) - 2.0 * width("λ × ±", 12.0)).abs() < 1e-3);
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
