//! A drawing as PNG, for places that show no SVG.

use std::io::Write;

use ab_glyph::{Font, FontRef, Glyph, ScaleFont, point};
use ab_glyph_rasterizer::{Point, Rasterizer};
use anyhow::{Context, Result};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::font;
use super::scene::{Anchor, Ink, Scene, Shape};

/// Pixels of the PNG to one of the drawing.
const SCALE: f64 = 2.0;

/// The picture as a PNG file.
///
/// # Errors
/// None in practice: the font comes with the program and the encoder writes to memory.
pub fn png(scene: &Scene) -> Result<Vec<u8>> {
    let mut canvas = Canvas::new(scene.width * SCALE, scene.height * SCALE);
    let font = font::font()?;
    for shape in &scene.shapes {
        match shape {
            Shape::Line { points, width, ink } => {
                for pair in points.windows(2) {
                    canvas.fill(&thick(pair[0], pair[1], *width), *ink, 1.0);
                }
            }
            Shape::Area {
                points,
                ink,
                opacity,
                ..
            } => canvas.fill(points, *ink, *opacity),
            Shape::Text {
                x,
                y,
                text,
                size,
                anchor,
                ink,
            } => canvas.write(&font, (*x, *y), text, *size, *anchor, *ink),
        }
    }
    encode(&canvas)
}

/// The rectangle around a line, half its width longer at both ends, so that joints close.
fn thick((x0, y0): (f64, f64), (x1, y1): (f64, f64), width: f64) -> [(f64, f64); 4] {
    let length = (x1 - x0).hypot(y1 - y0).max(1e-9);
    let half = width / 2.0;
    let (u, v) = (half * (x1 - x0) / length, half * (y1 - y0) / length);
    // Straight lines of the frame end where they end.
    let (e, f) = if u == 0.0 || v == 0.0 {
        (0.0, 0.0)
    } else {
        (u, v)
    };
    [
        (x0 - e - v, y0 - f + u),
        (x1 + e - v, y1 + f + u),
        (x1 + e + v, y1 + f - u),
        (x0 - e + v, y0 - f - u),
    ]
}

/// Pixels, three bytes each.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: f64, height: f64) -> Self {
        let (width, height) = (width.ceil() as usize, height.ceil() as usize);
        Canvas {
            width,
            height,
            pixels: rgb(Ink::Paper).repeat(width * height),
        }
    }

    fn blend(&mut self, x: i64, y: i64, colour: [u8; 3], share: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let at = 3 * (y * self.width + x);
        for (pixel, ink) in self.pixels[at..at + 3].iter_mut().zip(colour) {
            let mixed = f32::from(*pixel) + share.min(1.0) * (f32::from(ink) - f32::from(*pixel));
            *pixel = mixed.round() as u8;
        }
    }

    fn fill(&mut self, points: &[(f64, f64)], ink: Ink, opacity: f64) {
        let scaled: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x * SCALE, y * SCALE)).collect();
        let ends = |of: fn(&(f64, f64)) -> f64| {
            let values = || scaled.iter().map(of);
            (
                values().fold(f64::INFINITY, f64::min).floor(),
                values().fold(f64::NEG_INFINITY, f64::max).ceil(),
            )
        };
        let ((left, right), (top, bottom)) = (ends(|p| p.0), ends(|p| p.1));
        let size = ((right - left) as usize + 2, (bottom - top) as usize + 2);
        // What has no corner or lies far outside is no picture of ours.
        if scaled.len() < 3 || size.0 > 4 * self.width || size.1 > 4 * self.height {
            return;
        }
        let mut raster = Rasterizer::new(size.0, size.1);
        let corner = |(x, y): &(f64, f64)| Point {
            x: (x - left) as f32,
            y: (y - top) as f32,
        };
        for (i, from) in scaled.iter().enumerate() {
            raster.draw_line(corner(from), corner(&scaled[(i + 1) % scaled.len()]));
        }
        let colour = rgb(ink);
        raster.for_each_pixel_2d(|x, y, share| {
            if share > 0.0 {
                let (x, y) = (left as i64 + i64::from(x), top as i64 + i64::from(y));
                self.blend(x, y, colour, share * opacity as f32);
            }
        });
    }

    fn write(
        &mut self,
        font: &FontRef,
        (x, y): (f64, f64),
        text: &str,
        size: f64,
        anchor: Anchor,
        ink: Ink,
    ) {
        let scaled = font.as_scaled(font::scale(font, size * SCALE));
        let mut glyphs: Vec<Glyph> = Vec::new();
        let (mut at, mut last) = (0.0, None);
        for id in text.chars().map(|c| scaled.glyph_id(c)) {
            at += last.map_or(0.0, |last| scaled.kern(last, id));
            glyphs.push(id.with_scale_and_position(scaled.scale(), point(at, 0.0)));
            at += scaled.h_advance(id);
            last = Some(id);
        }
        let start = (x * SCALE) as f32
            - match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => at / 2.0,
                Anchor::End => at,
            };
        let colour = rgb(ink);
        for mut glyph in glyphs {
            glyph.position.x += start;
            glyph.position.y = (y * SCALE) as f32;
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let place = outline.px_bounds().min;
            outline.draw(|x, y, share| {
                let (x, y) = (place.x as i64 + i64::from(x), place.y as i64 + i64::from(y));
                self.blend(x, y, colour, share);
            });
        }
    }
}

fn rgb(ink: Ink) -> [u8; 3] {
    let part = |at: usize| u8::from_str_radix(&ink.hex()[at..at + 2], 16).unwrap_or(0);
    [part(1), part(3), part(5)]
}

/// PNG (W3C, third edition): signature, header, one data chunk of unfiltered rows, end.
fn encode(canvas: &Canvas) -> Result<Vec<u8>> {
    let side = |length: usize| u32::try_from(length).context("a picture's size");
    let mut header = Vec::new();
    header.extend(side(canvas.width)?.to_be_bytes());
    header.extend(side(canvas.height)?.to_be_bytes());
    // Eight bits a sample, red green blue, deflate, no interlacing.
    header.extend([8, 2, 0, 0, 0]);
    let mut data = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in canvas.pixels.chunks(3 * canvas.width) {
        data.write_all(&[0]).context("compressing a picture")?;
        data.write_all(row).context("compressing a picture")?;
    }
    let data = data.finish().context("compressing a picture")?;
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, bytes) in [(b"IHDR", header), (b"IDAT", data), (b"IEND", Vec::new())] {
        let mut sum = Crc::new();
        sum.update(name);
        sum.update(&bytes);
        file.extend(side(bytes.len())?.to_be_bytes());
        file.extend(name);
        file.extend(bytes);
        file.extend(sum.sum().to_be_bytes());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(canvas: &Canvas, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * canvas.width + x);
        [0, 1, 2].map(|i| canvas.pixels[at + i])
    }

    #[test]
    fn areas_are_filled_with_smooth_edges_and_cut_at_the_border() {
        let mut canvas = Canvas::new(20.0, 20.0);
        let square = [(1.0, 1.0), (3.25, 1.0), (3.25, 30.0), (1.0, 30.0)];
        canvas.fill(&square, Ink::Text, 1.0);
        assert_eq!(pixel(&canvas, 3, 3), rgb(Ink::Text));
        assert_eq!(pixel(&canvas, 3, 19), rgb(Ink::Text));
        assert_eq!([pixel(&canvas, 1, 3), pixel(&canvas, 8, 3)], [[255; 3]; 2]);
        // Half of this pixel is covered.
        let edge = pixel(&canvas, 6, 3)[0];
        assert!((i32::from(edge) - (255 + 0x1f) / 2).abs() <= 2, "{edge}");
        canvas.fill(&square, Ink::Paper, 0.5);
        let mixed = pixel(&canvas, 3, 3)[0];
        assert!((i32::from(mixed) - (255 + 0x1f) / 2).abs() <= 2, "{mixed}");
        canvas.fill(&[(0.0, 0.0), (1e9, 0.0), (1e9, 1e9)], Ink::Text, 1.0);
        canvas.fill(&[], Ink::Text, 1.0);
    }

    #[test]
    fn text_stands_on_its_line_at_its_anchor() {
        let font = font::font().unwrap();
        let inked = |anchor| {
            let mut canvas = Canvas::new(120.0, 40.0);
            canvas.write(&font, (30.0, 15.0), "HHH", 12.0, anchor, Ink::Text);
            let dark = |x: usize, y: usize| pixel(&canvas, x, y)[0] < 128;
            let seen: Vec<(usize, usize)> = (0..120)
                .flat_map(|x| (0..40).map(move |y| (x, y)))
                .filter(|(x, y)| dark(*x, *y))
                .collect();
            let least = |of: fn(&(usize, usize)) -> usize| seen.iter().map(of).min().unwrap();
            let most = |of: fn(&(usize, usize)) -> usize| seen.iter().map(of).max().unwrap();
            assert_eq!(most(|p| p.1), 29, "the base line");
            (least(|p| p.0), most(|p| p.0))
        };
        let width = font::width("HHH", 24.0).round() as usize;
        let (start, end) = inked(Anchor::Start);
        assert!(
            (60..66).contains(&start) && end <= 60 + width,
            "{start} {end}"
        );
        let (start, end) = inked(Anchor::End);
        assert!(end < 60 && start >= 60 - width, "{start} {end}");
        let (start, end) = inked(Anchor::Middle);
        assert!((start + end).abs_diff(120) <= 4, "{start} {end}");
    }
}
