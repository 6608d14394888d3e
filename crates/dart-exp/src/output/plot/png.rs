//! A picture as PNG, for places that show no SVG.

use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use super::font;

/// Pixels of the PNG to one of the SVG.
const SCALE: f32 = 2.0;

/// The font that comes with the program, and no other: every machine draws the same picture.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(font::ROBOTO.to_vec());
    Arc::new(fonts)
});

/// Draws an SVG picture twice as large, as a PNG file. A sign that the font lacks leaves a gap.
///
/// # Errors
/// Text that is no SVG.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let options = Options {
        fontdb: FONTS.clone(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).context("reading a picture's SVG")?;
    let size = tree.size().to_int_size().scale_by(SCALE);
    let mut pixels = size
        .and_then(|size| Pixmap::new(size.width(), size.height()))
        .context("a picture's size")?;
    let scale = Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().context("compressing a picture")
}

#[cfg(test)]
mod tests {
    use resvg::tiny_skia::PremultipliedColorU8;

    use super::super::scene::{Anchor, Ink, Scene};
    use super::super::svg::svg;
    use super::*;

    fn drawn(scene: &Scene) -> Pixmap {
        Pixmap::decode_png(&png(&svg(scene, "T")).unwrap()).unwrap()
    }

    fn is(pixel: PremultipliedColorU8, ink: Ink) -> bool {
        let colour = [pixel.red(), pixel.green(), pixel.blue()];
        let hex: String = colour.iter().map(|part| format!("{part:02x}")).collect();
        pixel.alpha() == 255 && format!("#{hex}") == ink.hex()
    }

    #[test]
    fn shapes_are_drawn_twice_as_large_on_paper() {
        let mut scene = Scene::new(20.0, 10.0);
        scene.bar((1.0, 1.0), (3.0, 30.0), Ink::Series(0), "tip".to_owned());
        scene.line(vec![(8.0, 5.0), (18.0, 5.0)], 2.0, Ink::Text);
        let picture = drawn(&scene);
        assert_eq!((picture.width(), picture.height()), (40, 20));
        let at = |x, y| picture.pixel(x, y).unwrap();
        for (x, y, ink) in [
            (0, 0, Ink::Paper),
            (1, 2, Ink::Paper),
            (2, 2, Ink::Series(0)),
            (5, 19, Ink::Series(0)),
            (6, 2, Ink::Paper),
            (20, 7, Ink::Paper),
            (20, 8, Ink::Text),
            (20, 11, Ink::Text),
            (20, 12, Ink::Paper),
        ] {
            assert!(is(at(x, y), ink), "{x}, {y}: {:?}", at(x, y));
        }
    }

    #[test]
    fn text_stands_on_its_line_at_its_anchor_as_wide_as_measured() {
        let width = 2.0 * font::width("HHH", 12.0);
        for (anchor, from) in [
            (Anchor::Start, 60.0),
            (Anchor::Middle, 60.0 - width / 2.0),
            (Anchor::End, 60.0 - width),
        ] {
            let mut scene = Scene::new(60.0, 20.0);
            scene.text((30.0, 15.0), "HHH", 12.0, anchor, Ink::Text);
            let picture = drawn(&scene);
            let inked: Vec<(u32, u32)> = (0..120)
                .flat_map(|x| (0..40).map(move |y| (x, y)))
                .filter(|(x, y)| picture.pixel(*x, *y).unwrap().red() < 128)
                .collect();
            let (xs, ys) = (|| inked.iter().map(|p| p.0), inked.iter().map(|p| p.1));
            assert_eq!(ys.max(), Some(29), "the base line");
            let (left, right) = (xs().min().unwrap(), xs().max().unwrap());
            // The sign has some room of its own at both sides.
            let ends = (f64::from(left) - from, from + width - f64::from(right + 1));
            let room = 0.0..4.0;
            assert!(room.contains(&ends.0) && room.contains(&ends.1), "{ends:?}");
        }
    }

    #[test]
    fn names_of_any_signs_are_drawn() {
        let mut scene = Scene::new(60.0, 20.0);
        let name = "<中> & \u{1}\u{ffff}";
        scene.text((30.0, 15.0), name, 12.0, Anchor::Middle, Ink::Text);
        png(&svg(&scene, name)).unwrap();
        png("no SVG").unwrap_err();
    }
}
