//! A drawing: few kinds of shapes in few colours, from which SVG is made.

/// A colour by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text and what must be seen.
    Text,
    /// What is said in passing.
    Muted,
    /// Lines behind the data.
    Grid,
    /// An interval behind another.
    Pale,
    /// Behind everything.
    Paper,
    /// The series at this place.
    Series(usize),
}

/// Okabe and Ito's colours (2008), which colour-blind people tell apart, their yellow replaced by a
/// brown that shows on white; each with its counterpart on a dark page.
const SERIES: [(&str, &str); 8] = [
    ("#0072b2", "#5aa9e6"),
    ("#d55e00", "#f07b2b"),
    ("#009e73", "#2bbf94"),
    ("#cc79a7", "#dc9abf"),
    ("#e69f00", "#f2b632"),
    ("#56b4e9", "#8ccdf2"),
    ("#8c510a", "#c98b4a"),
    ("#4d4d4d", "#b0b0b0"),
];

/// Series of different colours.
pub const COLOURS: usize = SERIES.len();

/// The other inks.
const OTHERS: [(Ink, &str, &str); 5] = [
    (Ink::Text, "#1f2328", "#e6e8eb"),
    (Ink::Muted, "#59616b", "#a3abb5"),
    (Ink::Grid, "#e2e5e9", "#333a42"),
    (Ink::Pale, "#b8bec7", "#565e68"),
    (Ink::Paper, "#ffffff", "#1c2026"),
];

impl Ink {
    /// As `#rrggbb`, on white.
    pub fn hex(self) -> &'static str {
        match self {
            Ink::Series(place) => SERIES[place % SERIES.len()].0,
            other => {
                let same = OTHERS.iter().find(|(ink, _, _)| *ink == other);
                same.map_or("#000000", |(_, light, _)| light)
            }
        }
    }
}

/// Rules of CSS that give drawings in a page their colours for dark.
pub fn dark() -> String {
    let others = OTHERS.iter().map(|(_, light, dark)| (*light, *dark));
    let rule = |(light, dark): (&str, &str)| {
        format!(
            "svg.plot [fill=\"{light}\"] {{ fill: {dark}; }}\n\
             svg.plot [stroke=\"{light}\"] {{ stroke: {dark}; }}\n"
        )
    };
    let rules: String = SERIES.into_iter().chain(others).map(rule).collect();
    format!("@media (prefers-color-scheme: dark) {{\n{rules}}}\n")
}

/// Where a text stands against its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A shape; lengths in pixels from the upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Its width.
        width: f64,
        /// Its colour.
        ink: Ink,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Its colour.
        ink: Ink,
        /// 1 where nothing shines through.
        opacity: f64,
        /// What a pointer that rests on it is told.
        tip: String,
    },
    /// A line of text.
    Text {
        /// Of its anchor.
        x: f64,
        /// Of its base line.
        y: f64,
        /// What stands there.
        text: String,
        /// Its font's size.
        size: f64,
        /// What of it stands at x.
        anchor: Anchor,
        /// Its colour.
        ink: Ink,
    },
}

/// A drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Pixels from left to right.
    pub width: f64,
    /// Pixels from top to bottom.
    pub height: f64,
    /// In the order in which they are drawn, text above all others.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// An empty drawing.
    pub fn new(width: f64, height: f64) -> Self {
        Scene {
            width,
            height: height.ceil(),
            shapes: Vec::new(),
        }
    }

    /// Draws a line.
    pub fn line(&mut self, points: Vec<(f64, f64)>, width: f64, ink: Ink) {
        self.shapes.push(Shape::Line { points, width, ink });
    }

    /// Draws a filled rectangle between two corners.
    pub fn bar(&mut self, (x0, y0): (f64, f64), (x1, y1): (f64, f64), ink: Ink, tip: String) {
        self.shapes.push(Shape::Area {
            points: vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1)],
            ink,
            opacity: 1.0,
            tip,
        });
    }

    /// Writes a line of text.
    pub fn text(&mut self, (x, y): (f64, f64), text: &str, size: f64, anchor: Anchor, ink: Ink) {
        self.shapes.push(Shape::Text {
            x,
            y,
            text: text.to_owned(),
            size,
            anchor,
            ink,
        });
    }

    /// Draws the mark of a series, a second sign beside its colour; colour and mark together repeat
    /// after forty series.
    pub fn mark(&mut self, (x, y): (f64, f64), radius: f64, place: usize, tip: String) {
        let corners = |n: usize, turn: f64, radius: f64| -> Vec<(f64, f64)> {
            let angle = |i| std::f64::consts::TAU * (i as f64 / n as f64 + turn);
            let corner = |i| {
                (
                    x + radius * f64::cos(angle(i)),
                    y + radius * f64::sin(angle(i)),
                )
            };
            (0..n).map(corner).collect()
        };
        let points = match place % 5 {
            0 => corners(20, 0.0, radius),
            1 => corners(4, 0.125, 1.25 * radius),
            2 => corners(3, -0.25, 1.35 * radius),
            3 => corners(4, 0.0, 1.35 * radius),
            _ => corners(3, 0.25, 1.35 * radius),
        };
        self.shapes.push(Shape::Area {
            points,
            ink: Ink::Series(place),
            opacity: 1.0,
            tip,
        });
    }
}
