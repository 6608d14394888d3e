//! Where the label embeddings went, for runs whose pseudo rows were kept.

use anyhow::Result;
use dart_core::label_map::{LabelMap, label_map};
use dart_core::method::{Embeddings, LabelKind, LabelPieces, RowInit};
use dart_data::Shots;

use super::chart::{self, LABEL, SMALL, Scale, WIDTH};
use super::font;
use super::scene::{Anchor, Ink, Scene, Shape};
use crate::findings::cells::Cell;
use crate::findings::summary::Findings;

/// The map of one method on one task, with what it is drawn of.
pub struct Map {
    /// Index of the task.
    pub task: usize,
    /// Index of the method.
    pub method: usize,
    /// The model.
    pub model: String,
    /// Training examples a class.
    pub k: Shots,
    /// Where rows began and ended.
    pub map: LabelMap,
    /// Whether the rows began as copies of their words.
    pub from_words: bool,
    /// How many times as long as they are the moves are drawn.
    pub longer: f64,
}

/// Tokens named as the nearest.
const NEAR: usize = 5;

/// The maps of all cells of which every chosen run has kept its rows.
///
/// # Errors
/// Rows that cannot be read, or are of another model.
pub fn maps(findings: &Findings) -> Result<Vec<Map>> {
    let mut maps = Vec::new();
    for cell in &findings.cells {
        maps.extend(map(findings, cell)?);
    }
    Ok(maps)
}

fn map(findings: &Findings, cell: &Cell) -> Result<Option<Map>> {
    let experiment = findings.outline.experiment;
    let place = cell.place();
    let records = cell.rows.iter().filter_map(|row| row.records.as_ref());
    let kept: Vec<_> = records.map(|records| records.files.pseudo()).collect();
    let kept = (kept.len() == cell.rows.len())
        .then_some(kept)
        .filter(|kept| kept.iter().all(|path| path.is_file()));
    let shown = cell.rows.first().map(|row| row.settings);
    // Words that were trained too are not where the model has them.
    let pseudo = shown.is_some_and(|shown| {
        shown.labels == Some(LabelKind::Pseudo) && shown.embeddings != Some(Embeddings::Trained)
    });
    let model = experiment.models.iter().find(|m| m.name == place.model);
    let (Some(model), Some(kept), true) = (model, kept, pseudo) else {
        return Ok(None);
    };
    let pieces = shown.and_then(|shown| shown.label_pieces);
    let from_words = shown.is_some_and(|shown| shown.label_init == Some(RowInit::Manual));
    let words = &experiment.tasks[place.task].words;
    let pieces = pieces.unwrap_or(LabelPieces::Mean);
    let map = label_map(&model.folder, words, pieces, &kept, NEAR)?;
    Ok(Some(Map {
        task: place.task,
        method: place.method,
        model: place.model.clone(),
        k: place.k,
        from_words,
        longer: if from_words { longer(&map) } else { 1.0 },
        map,
    }))
}

/// Moves that would be too short to see are drawn longer.
fn longer(map: &LabelMap) -> f64 {
    let far = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let moves = map
        .learned
        .iter()
        .flat_map(|run| run.iter().zip(&map.words));
    let longest = moves.map(|(to, from)| far(to, from)).fold(0.0, f64::max);
    let extent = map
        .words
        .iter()
        .flat_map(|a| map.words.iter().map(move |b| far(a, b)))
        .fold(0.0, f64::max);
    let fits = |factor: &&f64| longest * *factor >= 0.1 * extent;
    *[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
        .iter()
        .find(fits)
        .filter(|_| longest > 0.0)
        .unwrap_or(&1.0)
}

/// Height of the field.
const FIELD: f64 = 300.0;
/// Space left and right of it.
const SIDE: f64 = 20.0;

/// Words with their names, an arrow from each to where a seed took it; only where it ended, where
/// the row did not begin at the word.
pub fn draw(map: &Map, title: &str, words: &[String]) -> Scene {
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = chart::title(&mut scene, title) + 12.0;
    let end =
        |from: &[f64; 2], to: &[f64; 2]| [0, 1].map(|i| from[i] + map.longer * (to[i] - from[i]));
    let moves: Vec<(usize, [f64; 2], [f64; 2])> = map
        .map
        .learned
        .iter()
        .flat_map(|run| run.iter().zip(&map.map.words).enumerate())
        .map(|(class, (to, from))| (class, *from, end(from, to)))
        .collect();
    let axis = |i: usize, from: f64, to: f64| {
        let ends = moves.iter().flat_map(|(_, from, to)| [from[i], to[i]]);
        let values: Vec<f64> = ends.chain(map.map.words.iter().map(|w| w[i])).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = (0.08 * (high - low)).max(1e-6);
        Scale {
            values: (low - margin, high + margin),
            pixels: (from, to),
        }
    };
    let x = axis(0, SIDE, WIDTH - SIDE);
    let y = axis(1, top + FIELD, top);
    let frame = [
        (SIDE, top),
        (WIDTH - SIDE, top),
        (WIDTH - SIDE, top + FIELD),
        (SIDE, top + FIELD),
        (SIDE, top),
    ];
    scene.line(frame.to_vec(), 1.0, Ink::Grid);
    let at = |p: &[f64; 2]| (x.at(p[0]), y.at(p[1]));
    for (class, from, to) in &moves {
        match map.from_words {
            true => arrow(&mut scene, at(from), at(to), *class),
            false => scene.mark(at(to), 2.5, *class, words[*class].clone()),
        }
    }
    let mark = |word: &[f64; 2]| {
        let (x, y) = at(word);
        [x - 6.0, y - 6.0, x + 6.0, y + 6.0]
    };
    let mut taken: Vec<[f64; 4]> = map.map.words.iter().map(mark).collect();
    let mut unnamed: Vec<(&str, usize)> = Vec::new();
    for (class, word) in words.iter().enumerate() {
        let point = at(&map.map.words[class]);
        scene.mark(point, 5.0, class, word.clone());
        if !name(&mut scene, point, word, (top, top + FIELD), &mut taken) {
            unnamed.push((word, class));
        }
    }
    let name = "First principal component across, second up";
    let below = (WIDTH / 2.0, top + FIELD + 20.0);
    scene.text(below, name, SMALL, Anchor::Middle, Ink::Muted);
    let under = top + FIELD + 30.0;
    let legend = chart::legend(&mut scene, (10.0, under), &unnamed, WIDTH - 20.0);
    scene.height = (under + legend).ceil();
    scene
}

fn arrow(scene: &mut Scene, from: (f64, f64), to: (f64, f64), class: usize) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    scene.line(vec![from, to], 1.4, Ink::Series(class));
    if length < 1.0 {
        return;
    }
    let (u, v) = (dx / length, dy / length);
    let back = (to.0 - 7.0 * u, to.1 - 7.0 * v);
    scene.shapes.push(Shape::Area {
        points: vec![
            to,
            (back.0 - 3.0 * v, back.1 + 3.0 * u),
            (back.0 + 3.0 * v, back.1 - 3.0 * u),
        ],
        ink: Ink::Series(class),
        opacity: 1.0,
        tip: String::new(),
    });
}

/// Writes a word beside its point where it covers neither another nor a mark and stays in the field;
/// false where there is no such place.
fn name(
    scene: &mut Scene,
    (x, y): (f64, f64),
    word: &str,
    (top, bottom): (f64, f64),
    taken: &mut Vec<[f64; 4]>,
) -> bool {
    let wide = font::room(word, LABEL);
    let places = [
        (Anchor::Start, x + 9.0, y + 4.0, x + 9.0),
        (Anchor::End, x - 9.0, y + 4.0, x - 9.0 - wide),
        (Anchor::Middle, x, y - 9.0, x - wide / 2.0),
        (Anchor::Middle, x, y + 19.0, x - wide / 2.0),
        (Anchor::Start, x + 6.0, y - 9.0, x + 6.0),
        (Anchor::Start, x + 6.0, y + 19.0, x + 6.0),
        (Anchor::End, x - 6.0, y - 9.0, x - 6.0 - wide),
        (Anchor::End, x - 6.0, y + 19.0, x - 6.0 - wide),
    ];
    for (anchor, at, base, left) in places {
        let place = [left, base - LABEL, left + wide, base + 4.0];
        let inside = left > SIDE + 2.0
            && place[2] < WIDTH - SIDE - 2.0
            && place[1] > top
            && place[3] < bottom;
        let covers = |other: &[f64; 4]| {
            place[0] < other[2] && other[0] < place[2] && place[1] < other[3] && other[1] < place[3]
        };
        if inside && !taken.iter().any(covers) {
            scene.text((at, base), word, LABEL, anchor, Ink::Text);
            taken.push(place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(words: &[[f64; 2]], learned: &[[f64; 2]]) -> Map {
        let map = LabelMap {
            words: words.to_vec(),
            learned: vec![learned.to_vec()],
            explained: 1.0,
            cosine: vec![1.0; words.len()],
            nearest: vec![Vec::new(); words.len()],
        };
        Map {
            task: 0,
            method: 0,
            model: String::new(),
            k: Shots::default(),
            from_words: true,
            longer: longer(&map),
            map,
        }
    }

    #[test]
    fn short_moves_are_drawn_longer() {
        let far = [[0.0, 0.0], [1.0, 0.0]];
        assert_eq!(map(&far, &[[0.0, 0.2], [1.0, 0.0]]).longer, 1.0);
        assert_eq!(map(&far, &[[0.0, 0.003], [1.0, 0.0]]).longer, 50.0);
        assert_eq!(map(&far, &far).longer, 1.0, "nothing moved");
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let words: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i % 3) * 0.01, 0.0]).collect();
        let names: Vec<String> = (0..12).map(|i| format!("word {i}")).collect();
        let scene = draw(&map(&words, &words), "T", &names);
        let mut boxes: Vec<[f64; 4]> = Vec::new();
        for shape in &scene.shapes {
            let Shape::Text {
                x, y, text, anchor, ..
            } = shape
            else {
                continue;
            };
            let wide = font::room(text, LABEL);
            let left = match anchor {
                Anchor::Start => *x,
                Anchor::Middle => x - wide / 2.0,
                Anchor::End => x - wide,
            };
            let place = [left, y - 9.0, left + wide, *y];
            let over = |b: &[f64; 4]| {
                place[0] < b[2] && b[0] < place[2] && place[1] < b[3] && b[1] < place[3]
            };
            assert!(!boxes.iter().any(over), "{text}");
            boxes.push(place);
        }
        assert_eq!(
            boxes.len(),
            12 + 2,
            "each is written, beside its mark or below"
        );
    }
}
