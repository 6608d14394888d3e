//! Charts of curves with their spread.

use super::chart::{self, SMALL, Scale, WIDTH};
use super::scene::{Anchor, Ink, Scene, Shape};

/// A curve.
#[derive(Clone)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Place in the order of colours.
    pub place: usize,
    /// Its points in the order of x.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// What.
    pub y: f64,
    /// Between what the value lies.
    pub spread: Option<(f64, f64)>,
}

/// How a curve's spread is drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Spread {
    /// A whisker at each point.
    Whiskers,
    /// A band behind the curve.
    Band,
}

/// The axis of x.
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Whether each step doubles the value.
    pub doubling: bool,
}

/// Height of the field that the curves are in, and the width of the numbers beside it.
const FIELD: f64 = 210.0;
const NUMBERS: f64 = 42.0;
/// From the whisker of one curve to the next at the same x at most, and from the first to the last:
/// beside each other, none covers another.
const APART: f64 = 4.0;
const ALL_APART: f64 = 16.0;
/// Marks of a curve at most, so that they do not hide it.
const MARKS: usize = 12;

/// Draws curves with a legend below them.
pub fn curves(title: &str, axis: &Axis, y_name: &str, spread: Spread, curves: &[Curve]) -> Scene {
    let mut scene = Scene::new(WIDTH, 0.0);
    let named = chart::title(&mut scene, title) + 18.0;
    scene.text((8.0, named), y_name, SMALL, Anchor::Start, Ink::Muted);
    let top = named + 10.0;
    let bottom = top + FIELD;
    let place = |v: f64| if axis.doubling { v.log2() } else { v };

    let all = || curves.iter().flat_map(|curve| &curve.points);
    let heights = all().flat_map(|p| {
        let (low, high) = p.spread.unwrap_or((p.y, p.y));
        [p.y, low, high]
    });
    // A score lies between -100 and 100, though its interval may not.
    let (low, high) = ends(heights.map(|v| v.clamp(-100.0, 100.0)));
    let y_ticks = chart::ticks(low, high, 4);
    let y = Scale {
        values: ends(y_ticks.iter().copied()),
        pixels: (bottom, top),
    };
    for value in &y_ticks {
        let at = y.at(*value);
        scene.line(vec![(NUMBERS, at), (WIDTH - 14.0, at)], 1.0, Ink::Grid);
        let text = chart::number(*value);
        scene.text(
            (NUMBERS - 6.0, at + 4.0),
            &text,
            SMALL,
            Anchor::End,
            Ink::Muted,
        );
    }
    let (from, to) = ends(all().map(|p| place(p.x)));
    let margin = if to > from { 0.03 * (to - from) } else { 0.5 };
    let x = Scale {
        values: (from - margin, to + margin),
        pixels: (NUMBERS, WIDTH - 14.0),
    };
    let ticks = x_ticks(axis, all().map(|p| p.x), (from, to));
    chart::x_axis(&mut scene, &x, &ticks, (top, bottom), &axis.name);

    let others = curves.len().saturating_sub(1) as f64;
    let apart = match spread {
        Spread::Whiskers => APART.min(ALL_APART / others.max(1.0)),
        Spread::Band => 0.0,
    };
    let edge = |v: f64| y.at(v.clamp(y.values.0, y.values.1));
    for curve in curves.iter().filter(|_| spread == Spread::Band) {
        let side = |of: fn((f64, f64)) -> f64| {
            move |p: &Point| Some((x.at(place(p.x)), edge(of(p.spread?))))
        };
        let low = curve.points.iter().filter_map(side(|s| s.0));
        let high = curve.points.iter().rev().filter_map(side(|s| s.1));
        scene.shapes.push(Shape::Area {
            points: low.chain(high).collect(),
            ink: Ink::Series(curve.place),
            opacity: 0.16,
            tip: String::new(),
        });
    }
    for (i, curve) in curves.iter().enumerate() {
        let beside = apart * (i as f64 - others / 2.0);
        let at = |p: &Point| (x.at(place(p.x)) + beside, y.at(p.y));
        let ink = Ink::Series(curve.place);
        if spread == Spread::Whiskers {
            for point in &curve.points {
                let Some((low, high)) = point.spread else {
                    continue;
                };
                let across = at(point).0;
                let (from, to) = (edge(low), edge(high));
                scene.line(vec![(across, from), (across, to)], 1.2, ink);
                for end in [from, to] {
                    scene.line(vec![(across - 3.0, end), (across + 3.0, end)], 1.2, ink);
                }
            }
        }
        scene.line(curve.points.iter().map(at).collect(), 2.0, ink);
        let every = curve.points.len().div_ceil(MARKS).max(1);
        for point in curve.points.iter().step_by(every) {
            let tip = format!("{}, {}: {:.1}", curve.name, point.x, point.y);
            scene.mark(at(point), 3.6, curve.place, tip);
        }
    }

    let series: Vec<(&str, usize)> = curves.iter().map(|c| (c.name.as_str(), c.place)).collect();
    let under = bottom + chart::X_AXIS + 4.0;
    let legend = chart::legend(&mut scene, (10.0, under), &series, WIDTH - 20.0);
    scene.height = (under + legend + 6.0).ceil();
    scene
}

/// Least and most; (0, 1) of nothing.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let all: Vec<f64> = values.collect();
    match all.is_empty() {
        true => (0.0, 1.0),
        false => (
            all.iter().copied().fold(f64::INFINITY, f64::min),
            all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ),
    }
}

/// Numbers on the axis of x: every value that occurs where they are few, else round ones.
fn x_ticks(axis: &Axis, x: impl Iterator<Item = f64>, ends: (f64, f64)) -> Vec<(f64, String)> {
    let mut values: Vec<f64> = x.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let place = |v: f64| if axis.doubling { v.log2() } else { v };
    let named = |v: f64| (place(v), format!("{v}"));
    // A number of some 30 pixels has room if it stands a twelfth of the axis from the last.
    let apart = (ends.1 - ends.0) / 12.0;
    if axis.doubling || values.len() <= 6 {
        let mut shown: Vec<(f64, String)> = Vec::new();
        for tick in values.into_iter().map(named) {
            if shown.last().is_none_or(|last| tick.0 - last.0 >= apart) {
                shown.push(tick);
            }
        }
        return shown;
    }
    let inside = |v: &f64| (ends.0..=ends.1).contains(v);
    let round = chart::ticks(ends.0, ends.1, 5);
    round.into_iter().filter(inside).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(place: usize, points: &[(f64, f64, f64)]) -> Curve {
        let point = |(x, y, half): &(f64, f64, f64)| Point {
            x: *x,
            y: *y,
            spread: Some((y - half, y + half)),
        };
        Curve {
            name: format!("curve {place}"),
            place,
            points: points.iter().map(point).collect(),
        }
    }

    #[test]
    fn everything_stays_inside_the_picture() {
        let axis = Axis {
            name: "K".to_owned(),
            doubling: true,
        };
        let all = [
            curve(0, &[(2.0, 60.0, 70.0), (64.0, 99.0, 5.0)]),
            curve(1, &[(16.0, -20.0, 1.0)]),
        ];
        for spread in [Spread::Whiskers, Spread::Band] {
            let scene = curves("T", &axis, "Accuracy, %", spread, &all);
            for shape in &scene.shapes {
                let points = match shape {
                    Shape::Line { points, .. } | Shape::Area { points, .. } => points.clone(),
                    Shape::Text { x, y, .. } => vec![(*x, *y)],
                };
                for (x, y) in points {
                    assert!(x >= 0.0 && x <= scene.width, "{shape:?}");
                    assert!(y >= 0.0 && y <= scene.height, "{shape:?}");
                }
            }
        }
    }

    #[test]
    fn doublings_are_marked_and_steps_are_round() {
        let mut axis = Axis {
            name: String::new(),
            doubling: true,
        };
        let text = |ticks: Vec<(f64, String)>| -> Vec<String> {
            ticks.into_iter().map(|(_, text)| text).collect()
        };
        let ks = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
        let ticks = x_ticks(&axis, ks.into_iter(), (1.0, 6.0));
        assert_eq!(text(ticks), ["2", "4", "8", "16", "32", "64"]);
        axis.doubling = false;
        let steps = (1..=40).map(|i| 10.0 * f64::from(i));
        let ticks = x_ticks(&axis, steps, (10.0, 400.0));
        assert_eq!(text(ticks), ["100", "200", "300", "400"]);
    }
}
