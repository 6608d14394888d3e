//! A drawing as SVG: its text stays text.

use maud::html;

use super::scene::{Anchor, Ink, Scene, Shape};

/// SVG that scales with its place; `title` is what a screen reader says of it.
pub fn svg(scene: &Scene, title: &str) -> String {
    let (width, height) = (scene.width, scene.height);
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" aria-label=(title)
            width=(width) height=(height) viewBox=(format!("0 0 {width} {height}"))
            font-family="system-ui, Roboto, 'DejaVu Sans', sans-serif" {
            rect width=(width) height=(height) fill=(Ink::Paper.hex()) {}
            @for shape in &scene.shapes {
                @match shape {
                    Shape::Line { points, width, ink } => {
                        polyline points=(listed(points)) fill="none" stroke=(ink.hex())
                            stroke-width=(width) stroke-linejoin="round" {}
                    }
                    Shape::Area { points, ink, opacity, tip } => {
                        polygon points=(listed(points)) fill=(ink.hex())
                            fill-opacity=[(*opacity < 1.0).then_some(opacity)] {
                            @if !tip.is_empty() { title { (tip) } }
                        }
                    }
                    Shape::Text { x, y, text, size, anchor, ink } => {
                        text x=(rounded(*x)) y=(rounded(*y)) font-size=(size)
                            text-anchor=(side(*anchor)) fill=(ink.hex()) { (text) }
                    }
                }
            }
        }
    };
    drawn.into_string()
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
