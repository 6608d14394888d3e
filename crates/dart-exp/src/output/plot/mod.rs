//! Pictures of an experiment's findings, each as SVG and, made from it, as PNG.
//!
//! The drawing is our own: of the libraries, plotters has whole pixels only and no release since 2024,
//! and kuva is 95,000 lines.

mod chart;
mod curves;
mod font;
pub mod labels;
mod learning;
mod lines;
mod picture;
mod png;
mod rows;
mod scene;
mod scores;
mod svg;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;

use crate::findings::summary::Findings;
use labels::Map;

pub use picture::{About, Picture};
pub use scene::dark;

/// All pictures that the findings are enough for.
///
/// # Errors
/// Files of runs that cannot be read.
pub fn pictures(findings: &Findings, maps: &[Map]) -> Result<Vec<Picture>> {
    let mut pictures = scores::bars(findings);
    pictures.extend(scores::differences(findings));
    pictures.extend(curves::pictures(findings));
    pictures.extend(learning::pictures(findings)?);
    pictures.extend(maps.iter().map(|map| of_labels(findings, map)));
    Ok(pictures)
}

/// Writes `FOLDER/<name>.svg` and `.png`, and removes pictures of earlier findings.
pub fn save(pictures: &[Picture], folder: &Path) -> Result<()> {
    let shown = || folder.display().to_string();
    std::fs::create_dir_all(folder).with_context(shown)?;
    let known = |path: &Path| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy());
        pictures.iter().any(|p| stem.as_deref() == Some(&p.name))
    };
    for entry in std::fs::read_dir(folder).with_context(shown)? {
        let path = entry.with_context(shown)?.path();
        let drawn = path.extension().is_some_and(|e| e == "svg" || e == "png");
        if drawn && !known(&path) {
            std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    let mut lacking = BTreeSet::new();
    for picture in pictures {
        lacking.extend(font::lacking(&picture.svg));
        let file = |ending| folder.join(format!("{}.{ending}", picture.name));
        write_atomically(&file("svg"), picture.svg.as_bytes())?;
        write_atomically(&file("png"), &png::png(&picture.svg)?)?;
    }
    if !lacking.is_empty() {
        let signs: String = lacking.into_iter().collect();
        log::warn!(
            "PNG pictures have gaps for {signs}, which their font lacks; SVG pictures do not"
        );
    }
    Ok(())
}

fn of_labels(findings: &Findings, map: &Map) -> Picture {
    let experiment = findings.outline.experiment;
    let (task, method) = (
        &experiment.tasks[map.task],
        &experiment.methods[map.method].named,
    );
    let of_k = format!("k{}", map.k);
    let (mut shown, mut name) = (
        format!("{}, {}", task.title, method.title),
        vec!["labels", &task.name, &method.name],
    );
    if experiment.models.len() > 1 {
        shown += &format!(", {}", map.model);
        name.push(&map.model);
    }
    if experiment.ks.len() > 1 {
        shown += &format!(", K = {}", map.k);
        name.push(&of_k);
    }
    let scene = labels::draw(map, &shown, &task.words);
    let title = format!("{shown}: where the label embeddings went");
    Picture::new(About::Labels, &name, &title, &scene)
}
