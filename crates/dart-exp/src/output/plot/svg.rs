//! A drawing as SVG: its text stays text.

use maud::{Markup, html};

use super::scene::{Anchor, Ink, Scene, Shape};

/// Texts are measured in Roboto; a browser without it takes the next that it has.
const FONTS: &str = "Roboto, system-ui, 'DejaVu Sans', sans-serif";

/// Width of the edge of paper around letters that keeps lines from crossing them.
const HALO: f64 = 3.0;

/// SVG that scales with its place; `title` is what a screen reader says of it.
pub fn svg(scene: &Scene, title: &str) -> String {
    let (width, height) = (scene.width, scene.height);
    let title = legal(title);
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" aria-label=(title)
            width=(width) height=(height) viewBox=(format!("0 0 {width} {height}"))
            font-family=(FONTS) {
            rect width=(width) height=(height) fill=(Ink::Paper.hex()) {}
            @for shape in &scene.shapes { (filled(shape)) }
            g stroke=(Ink::Paper.hex()) stroke-width=(HALO) stroke-linejoin="round"
                paint-order="stroke" {
                @for shape in &scene.shapes { (written(shape)) }
            }
        }
    };
    drawn.into_string()
}

/// A shape that is no text.
fn filled(shape: &Shape) -> Markup {
    html! {
        @match shape {
            // An interval without width has a mark alone.
            Shape::Line { points, .. } if one(points) => {}
            Shape::Line { points, width, ink } => {
                polyline points=(listed(points)) fill="none" stroke=(ink.hex())
                    stroke-width=(width) stroke-linejoin="round" {}
            }
            Shape::Area { points, ink, opacity, tip } => {
                polygon points=(listed(points)) fill=(ink.hex())
                    fill-opacity=[(*opacity < 1.0).then_some(opacity)] {
                    @if !tip.is_empty() { title { (legal(tip)) } }
                }
            }
            Shape::Text { .. } => {}
        }
    }
}

/// A shape that is text.
fn written(shape: &Shape) -> Markup {
    html! {
        @if let Shape::Text { x, y, text, size, anchor, ink } = shape {
            text x=(rounded(*x)) y=(rounded(*y)) font-size=(size)
                text-anchor=(side(*anchor)) fill=(ink.hex()) { (legal(text)) }
        }
    }
}

/// Without the signs that no XML may have.
fn legal(text: &str) -> String {
    let illegal = |c: char| {
        let space = matches!(c, '\t' | '\n' | '\r');
        (c < ' ' && !space) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().filter(|c| !illegal(*c)).collect()
}

fn side(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// To a hundredth of a pixel.
fn rounded(length: f64) -> f64 {
    (100.0 * length).round() / 100.0
}

fn listed(points: &[(f64, f64)]) -> String {
    let point = |(x, y): &(f64, f64)| format!("{},{}", rounded(*x), rounded(*y));
    points.iter().map(point).collect::<Vec<_>>().join(" ")
}

/// Whether the points are one.
fn one(points: &[(f64, f64)]) -> bool {
    let place = |(x, y): &(f64, f64)| (rounded(*x), rounded(*y));
    points
        .windows(2)
        .all(|pair| place(&pair[0]) == place(&pair[1]))
}
