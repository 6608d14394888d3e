//! Charts of rows: a name with a bar or a point and its intervals below it, so that names of any
//! length are legible.

use super::chart::{self, LABEL, Scale, WIDTH};
use super::font;
use super::scene::{Anchor, Ink, Scene};

/// One row; numbers in percent or points.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Place in the order of colours.
    pub place: usize,
    /// What is drawn.
    pub value: f64,
    /// Interval over the seeds.
    pub seeds: Option<(f64, f64)>,
    /// Interval over the test rows.
    pub test_rows: Option<(f64, f64)>,
}

/// Space left and right.
const SIDE: f64 = 22.0;
/// From the axis to the names.
const GAP: f64 = 5.0;
/// Height of a line of a name, and of what stands below it.
const NAME: f64 = 16.0;
const MARK: f64 = 20.0;
/// Room for the value at the right of a name.
const VALUE: f64 = 60.0;
/// Room for a line of a name.
const NAMES: f64 = WIDTH - 2.0 * (SIDE + GAP) - VALUE;

/// Bars from 0, an interval over the seeds on each.
pub fn bars(title: &str, axis: &str, rows: &[Row]) -> Scene {
    let least = rows
        .iter()
        .flat_map(|row| [row.value, row.seeds.map_or(0.0, |(low, _)| low)])
        .fold(0.0, f64::min);
    // A score has no more than 100, though its interval may.
    let ticks = chart::ticks(least.max(-100.0), 100.0, 5);
    let mut chart = Rows::new(title, axis, rows, &ticks, chart::number);
    let zero = chart.x.at(0.0);
    for (row, y) in rows.iter().zip(chart.marks.clone()) {
        let end = chart.x.at(row.value);
        let tip = format!("{}: {}", row.name, spoken(row, ""));
        let ink = Ink::Series(row.place);
        let (left, right) = (zero.min(end), zero.max(end));
        chart.scene.bar((left, y - 6.0), (right, y + 6.0), ink, tip);
        if let Some(interval) = row.seeds {
            // On an edge of paper, which shows on dark bars.
            chart.whisker(interval, y, 4.0, Ink::Paper);
            chart.whisker(interval, y, 1.6, Ink::Text);
        }
        chart.value(row, y, format!("{:.1}", row.value));
    }
    chart.scene.line(
        vec![(zero, chart.top), (zero, chart.bottom)],
        1.0,
        Ink::Muted,
    );
    chart.scene
}

/// Points around 0: the interval over the test rows as a pale broad line, the one over the seeds as
/// a dark narrow one.
pub fn points(title: &str, axis: &str, rows: &[Row]) -> Scene {
    let ends = rows.iter().flat_map(|row| {
        let ends = |interval: Option<(f64, f64)>| interval.map_or([0.0, 0.0], |(a, b)| [a, b]);
        [[row.value, 0.0], ends(row.seeds), ends(row.test_rows)].concat()
    });
    let far = ends.map(f64::abs).fold(1.0, f64::max);
    let ticks = chart::ticks(-far, far, 6);
    let mut chart = Rows::new(title, axis, rows, &ticks, signed);
    let zero = chart.x.at(0.0);
    chart.scene.line(
        vec![(zero, chart.top), (zero, chart.bottom)],
        1.0,
        Ink::Muted,
    );
    for (row, y) in rows.iter().zip(chart.marks.clone()) {
        if let Some((low, high)) = row.test_rows {
            let (from, to) = (chart.x.at(low), chart.x.at(high));
            chart
                .scene
                .bar((from, y - 4.0), (to, y + 4.0), Ink::Pale, String::new());
        }
        if let Some(interval) = row.seeds {
            chart.whisker(interval, y, 1.6, Ink::Series(row.place));
        }
        let tip = format!("{}: {}", row.name, spoken(row, "+"));
        let at = (chart.x.at(row.value), y);
        chart.scene.mark(at, 4.5, row.place, tip);
        let sign = if row.value < 0.0 { "−" } else { "+" };
        chart.value(row, y, format!("{sign}{:.1}", row.value.abs()));
    }
    chart.scene
}

/// A row's numbers in words, for a pointer that rests on it.
fn spoken(row: &Row, plus: &str) -> String {
    let number = |v: f64| match plus {
        "" => format!("{v:.1}"),
        _ => format!("{v:+.1}"),
    };
    let mut text = number(row.value);
    for (name, interval) in [("seeds", row.seeds), ("test rows", row.test_rows)] {
        if let Some((low, high)) = interval {
            text += &format!("; 95 %, {name}: {} to {}", number(low), number(high));
        }
    }
    text
}

fn signed(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v => format!("{}{}", if v > 0.0 { "+" } else { "−" }, v.abs()),
    }
}

/// A frame with the names written, and where the marks belong.
struct Rows {
    scene: Scene,
    x: Scale,
    top: f64,
    bottom: f64,
    /// Heights of the rows' marks.
    marks: Vec<f64>,
}

impl Rows {
    fn new(
        title: &str,
        axis: &str,
        rows: &[Row],
        ticks: &[f64],
        text: impl Fn(f64) -> String,
    ) -> Self {
        let names: Vec<Vec<String>> = rows
            .iter()
            .map(|row| font::wrapped(&row.name, LABEL, NAMES))
            .collect();
        let lines: usize = names.iter().map(Vec::len).sum();
        let mut scene = Scene::new(WIDTH, 0.0);
        let top = chart::title(&mut scene, title) + 8.0;
        let bottom = top + NAME * lines as f64 + MARK * rows.len() as f64 + 4.0;
        scene.height = (bottom + chart::X_AXIS).ceil();
        let ends = |of: Option<&f64>| of.copied().unwrap_or(0.0);
        let x = Scale {
            values: (ends(ticks.first()), ends(ticks.last())),
            pixels: (SIDE, WIDTH - SIDE),
        };
        let ticks: Vec<(f64, String)> = ticks.iter().map(|v| (*v, text(*v))).collect();
        chart::x_axis(&mut scene, &x, &ticks, (top, bottom), axis);
        let (mut y, mut marks) = (top, Vec::new());
        for name in names {
            for line in name {
                y += NAME;
                scene.text((SIDE + GAP, y), &line, LABEL, Anchor::Start, Ink::Text);
            }
            marks.push(y + MARK / 2.0 + 1.0);
            y += MARK;
        }
        Rows {
            scene,
            x,
            top,
            bottom,
            marks,
        }
    }

    fn whisker(&mut self, (low, high): (f64, f64), y: f64, width: f64, ink: Ink) {
        // An interval may end beyond what a score can be.
        let (least, most) = self.x.values;
        let (from, to) = (self.x.at(low.max(least)), self.x.at(high.min(most)));
        self.scene.line(vec![(from, y), (to, y)], width, ink);
        for end in [from, to] {
            self.scene
                .line(vec![(end, y - 4.0), (end, y + 4.0)], width, ink);
        }
    }

    /// The value at the right of a row's name.
    fn value(&mut self, row: &Row, mark: f64, text: String) {
        let lines = font::wrapped(&row.name, LABEL, NAMES).len();
        let y = mark - MARK / 2.0 - 1.0 - NAME * lines.saturating_sub(1) as f64;
        let at = (WIDTH - SIDE - GAP, y);
        self.scene.text(at, &text, LABEL, Anchor::End, Ink::Muted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::plot::scene::Shape;

    fn row(name: &str, value: f64, seeds: Option<(f64, f64)>) -> Row {
        Row {
            name: name.to_owned(),
            place: 0,
            value,
            seeds,
            test_rows: None,
        }
    }

    /// Left and right ends of the filled shapes.
    fn areas(scene: &Scene) -> Vec<(f64, f64)> {
        let ends = |shape: &Shape| match shape {
            Shape::Area { points, .. } => {
                let x = || points.iter().map(|p| p.0);
                Some((x().fold(f64::INFINITY, f64::min), x().fold(0.0, f64::max)))
            }
            _ => None,
        };
        scene.shapes.iter().filter_map(ends).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_reach_below_zero() {
        let rows = [row("a", 50.0, None), row("b", -50.0, Some((-80.0, 130.0)))];
        let scene = bars("T", "x", &rows);
        let [a, b] = areas(&scene)[..] else {
            panic!("{scene:?}");
        };
        assert!((a.1 - a.0 - (b.1 - b.0)).abs() < 1e-9);
        assert!((a.0 - b.1).abs() < 1e-9, "both from 0");
        for shape in &scene.shapes {
            if let Shape::Line { points, .. } = shape {
                assert!(
                    points.iter().all(|p| p.0 > 0.0 && p.0 < WIDTH),
                    "{points:?}"
                );
            }
        }
    }

    #[test]
    fn zero_is_in_the_middle_of_differences() {
        let scene = points(
            "T",
            "x",
            &[row("a", 0.0, None), row("b", 3.0, Some((1.0, 5.0)))],
        );
        let (left, right) = areas(&scene)[0];
        assert!(((left + right) / 2.0 - WIDTH / 2.0).abs() < 1e-6);
        assert_eq!([0.0, 2.0, -0.5].map(signed), ["0", "+2", "−0.5"]);
    }
}
