//! What charts have in common: sizes, scales, axes, legends.

use super::font;
use super::scene::{Anchor, Ink, Scene};

/// Width of a picture: on a telephone it shrinks little, so that its text stays legible.
pub const WIDTH: f64 = 380.0;
/// Sizes of text.
pub const TITLE: f64 = 15.0;
/// See [`TITLE`].
pub const LABEL: f64 = 12.5;
/// See [`TITLE`].
pub const SMALL: f64 = 11.5;

/// From values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Values at the two ends.
    pub values: (f64, f64),
    /// Pixels at the two ends.
    pub pixels: (f64, f64),
}

impl Scale {
    /// Where a value stands.
    pub fn at(&self, value: f64) -> f64 {
        let ((low, high), (from, to)) = (self.values, self.pixels);
        from + (to - from) * (value - low) / (high - low)
    }
}

/// Round numbers from at most `low` to at least `high`, some `count` of them.
pub fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let span = if high > low { high - low } else { 1.0 };
    let step = step(span / count.max(1) as f64);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let last = last.max(first + 1.0);
    // Counted in steps, so that the numbers are round.
    (0..=(last - first) as usize)
        .map(|i| {
            let digits = (-step.log10().floor()).max(0.0) as i32 + 1;
            let unit = 10_f64.powi(digits);
            ((first + i as f64) * step * unit).round() / unit
        })
        .collect()
}

/// The least of 1, 2, 5, 10, 20, … that is not below `least`, in any decade.
fn step(least: f64) -> f64 {
    let decade = 10_f64.powf(least.log10().floor());
    let fits = |factor: &&f64| *factor * decade >= least * (1.0 - 1e-9);
    [1.0, 2.0, 5.0].iter().find(fits).unwrap_or(&10.0) * decade
}

/// A number on an axis.
pub fn number(value: f64) -> String {
    value.to_string().replace('-', "−")
}

/// The title, in as many lines as it needs; the height that it takes.
pub fn title(scene: &mut Scene, text: &str) -> f64 {
    let mut y = 4.0;
    for line in font::wrapped(text, TITLE, WIDTH - 16.0) {
        y += TITLE + 4.0;
        scene.text((8.0, y), &line, TITLE, Anchor::Start, Ink::Text);
    }
    y
}

/// Lines up from the ticks of x between two heights, numbers and a name below.
pub fn x_axis(scene: &mut Scene, x: &Scale, ticks: &[(f64, String)], y: (f64, f64), name: &str) {
    for (value, text) in ticks {
        let at = x.at(*value);
        scene.line(vec![(at, y.0), (at, y.1)], 1.0, Ink::Grid);
        scene.text((at, y.1 + 16.0), text, SMALL, Anchor::Middle, Ink::Muted);
    }
    let middle = (x.pixels.0 + x.pixels.1) / 2.0;
    scene.text(
        (middle, y.1 + 34.0),
        name,
        SMALL,
        Anchor::Middle,
        Ink::Muted,
    );
}

/// Height of the numbers and the name below an axis of x.
pub const X_AXIS: f64 = 42.0;

/// Width of a legend's mark and of the space to the next entry.
const MARKED: f64 = 34.0;
/// Height of a legend's row.
const LEGEND_ROW: f64 = 20.0;

/// The lines of an entry of a legend, and the width that they take with its mark.
fn entry(name: &str, wide: f64) -> (Vec<String>, f64) {
    let lines = font::wrapped(name, LABEL, wide - MARKED);
    let widths = lines.iter().map(|line| font::room(line, LABEL));
    let widest = widths.fold(0.0, f64::max);
    (lines, MARKED + widest)
}

/// Where the entries of a legend begin, beside each other where they fit into `wide` pixels: x, row
/// and the lines of each; and the count of rows.
fn layout(names: &[&str], wide: f64) -> (Vec<(f64, usize, Vec<String>)>, usize) {
    let (mut placed, mut rows) = (Vec::new(), 0);
    let (mut at, mut row) = (0.0, 0);
    for name in names {
        let (lines, width) = entry(name, wide);
        if at + width > wide && at > 0.0 {
            (at, row) = (0.0, rows);
        }
        rows = rows.max(row + lines.len());
        placed.push((at, row, lines));
        at += width;
    }
    (placed, rows)
}

/// Draws a legend from (x, y) on: names with the marks of the series at these places. Returns its
/// height.
pub fn legend(scene: &mut Scene, (x, y): (f64, f64), series: &[(&str, usize)], wide: f64) -> f64 {
    let names: Vec<&str> = series.iter().map(|(name, _)| *name).collect();
    let (placed, rows) = layout(&names, wide);
    for ((at, row, lines), (_, place)) in placed.into_iter().zip(series) {
        let (at, base) = (x + at, y + LEGEND_ROW * (row as f64 + 0.7));
        let middle = base - 4.0;
        let line = vec![(at, middle), (at + 18.0, middle)];
        scene.line(line, 2.0, Ink::Series(*place));
        scene.mark((at + 9.0, middle), 4.0, *place, String::new());
        for (i, line) in lines.iter().enumerate() {
            let base = base + LEGEND_ROW * i as f64;
            scene.text((at + 24.0, base), line, LABEL, Anchor::Start, Ink::Text);
        }
    }
    LEGEND_ROW * rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(ticks(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(61.3, 74.0, 4), [60.0, 65.0, 70.0, 75.0]);
        assert_eq!(ticks(-0.31, 0.12, 4), [-0.4, -0.2, 0.0, 0.2]);
        assert_eq!(ticks(50.0, 50.0, 4), [50.0, 50.5]);
        for (low, high) in [(1e-7, 3e-6), (-5.0, 17.3), (0.0, 1e9)] {
            let marks = ticks(low, high, 5);
            assert!(
                marks[0] <= low && marks[marks.len() - 1] >= high,
                "{marks:?}"
            );
            assert!((2..=8).contains(&marks.len()), "{marks:?}");
        }
    }

    #[test]
    fn a_legend_fits_its_room() {
        let names = ["a", "bb", "a name that is longer than all others", "c"];
        let wide = 1.0 + entry("a", 1e3).1 + entry("bb", 1e3).1;
        let (placed, rows) = layout(&names, wide);
        let at: Vec<usize> = placed.iter().map(|(_, row, _)| *row).collect();
        assert_eq!(at[..3], [0, 0, 1]);
        let long = placed[2].2.len();
        assert!(long > 1, "wrapped");
        assert_eq!((at[3], rows), (1 + long, 2 + long));
        assert_eq!(placed[0].0, 0.0);
        assert!(placed[1].0 > 0.0);
    }
}
