//! Pictures of an experiment's findings, each as SVG and as PNG of the same drawing.
//!
//! The drawing is our own: of the libraries, plotters has whole pixels only and no release since 2024,
//! kuva is 95,000 lines, and the PNG of either enables features beneath tch, which is then built anew.

mod chart;
mod curves;
mod font;
pub mod labels;
mod learning;
mod lines;
mod png;
mod rows;
mod scene;
mod svg;

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;
use dart_data::Task;

use crate::experiment::values::shots;
use crate::findings::summary::{Findings, in_percent};
use crate::plan::outline::{Entry, Outline};
use crate::terminal::paths::slug;
use labels::Map;
use rows::Row;
use scene::Scene;

pub use scene::dark;

/// What a picture is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Scores with their intervals.
    Scores,
    /// Differences between methods with their intervals.
    Differences,
    /// Scores over K, or over a setting.
    Curves,
    /// Dev scores over the steps.
    Learning,
    /// Where the label embeddings went.
    Labels,
}

/// A picture.
pub struct Picture {
    /// What it is about.
    pub about: About,
    /// Its file's name, without ending.
    pub name: String,
    /// It as SVG.
    pub svg: String,
    scene: Scene,
}

impl Picture {
    fn new(about: About, name: &[&str], title: &str, scene: Scene) -> Self {
        let name: Vec<String> = name.iter().map(|part| slug(part)).collect();
        Picture {
            about,
            name: name.join("-"),
            svg: svg::svg(&scene, title),
            scene,
        }
    }
}

/// All pictures that the findings are enough for.
///
/// # Errors
/// Files of runs that cannot be read.
pub fn pictures(findings: &Findings, maps: &[Map]) -> Result<Vec<Picture>> {
    let mut pictures = bars(findings);
    pictures.extend(differences(findings));
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
    for picture in pictures {
        let file = |ending| folder.join(format!("{}.{ending}", picture.name));
        write_atomically(&file("svg"), picture.svg.as_bytes())?;
        write_atomically(&file("png"), &png::png(&picture.scene)?)?;
    }
    Ok(())
}

/// What a task's scores are, as an axis says it.
fn axis(outline: &Outline, task: usize) -> String {
    let tested = |e: &&Entry| e.place.task == task && e.scored.on_test();
    let split = match outline.entries.iter().find(tested) {
        Some(_) => "test",
        None => "dev",
    };
    format!(
        "{} on {split}, %",
        capital(&outline.experiment.tasks[task].metric.to_string())
    )
}

/// Starts with a capital letter.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// The tasks with their indices.
fn tasks<'a>(outline: &Outline<'a>) -> impl Iterator<Item = (usize, &'a Task)> + use<'a> {
    outline.experiment.tasks.iter().enumerate()
}

/// For each task, every line of the table as a bar; with several K the curves show it better.
fn bars(findings: &Findings) -> Vec<Picture> {
    let outline = findings.outline;
    if outline.experiment.ks.len() > 1 {
        return Vec::new();
    }
    let picture = |(t, task): (usize, &Task)| {
        let row = |(place, line): (usize, &crate::findings::summary::Line)| {
            line.method?;
            let score = line.scores[t]?;
            Some(Row {
                name: line.name.clone(),
                place,
                value: score.mean,
                seeds: score.interval,
                test_rows: None,
            })
        };
        let rows: Vec<Row> = findings.lines.iter().enumerate().filter_map(row).collect();
        let scene =
            (!rows.is_empty()).then(|| rows::bars(&task.title, &axis(outline, t), &rows))?;
        let title = format!("{}: scores of the methods", task.title);
        Some(Picture::new(
            About::Scores,
            &["scores", &task.name],
            &title,
            scene,
        ))
    };
    tasks(outline).filter_map(picture).collect()
}

fn of_labels(findings: &Findings, map: &Map) -> Picture {
    let experiment = findings.outline.experiment;
    let (task, method) = (
        &experiment.tasks[map.task],
        &experiment.methods[map.method].named,
    );
    let of_k = format!("k{}", shots(map.k));
    let (mut shown, mut name) = (
        format!("{}, {}", task.title, method.title),
        vec!["labels", &task.name, &method.name],
    );
    if experiment.models.len() > 1 {
        shown += &format!(", {}", map.model);
        name.push(&map.model);
    }
    if experiment.ks.len() > 1 {
        shown += &format!(", K = {}", shots(map.k));
        name.push(&of_k);
    }
    let scene = labels::draw(map, &shown, &task.words);
    let title = format!("{shown}: where the label embeddings went");
    Picture::new(About::Labels, &name, &title, scene)
}

/// One method less each other: over all tasks, then task by task.
fn differences(findings: &Findings) -> Vec<Picture> {
    let Some((first, comparisons)) = &findings.comparisons else {
        return Vec::new();
    };
    let methods = &findings.outline.experiment.methods;
    let name = &methods[*first].named.title;
    let axis = format!("{name} less the other, points");
    let mut pictures = Vec::new();
    let mut add = |task: &str, shown: &str, rows: Vec<Row>| {
        let title = format!("{shown}: {name} less the others");
        if !rows.is_empty() {
            let scene = rows::points(shown, &axis, &rows);
            let name = ["differences", task];
            pictures.push(Picture::new(About::Differences, &name, &title, scene));
        }
    };
    let all = comparisons.iter().map(|c| Row {
        name: methods[c.other].named.title.clone(),
        place: c.other,
        value: 100.0 * c.difference,
        seeds: None,
        test_rows: c.test_rows.map(in_percent),
    });
    add("all", "All tasks", all.collect());
    for (t, task) in tasks(findings.outline) {
        let row = |c: &crate::findings::compare::Comparison| {
            let on_task = c.tasks.iter().find(|on| on.task == t)?;
            Some(Row {
                name: methods[c.other].named.title.clone(),
                place: c.other,
                value: 100.0 * on_task.difference,
                seeds: on_task.seeds.map(in_percent),
                test_rows: on_task.test_rows.map(in_percent),
            })
        };
        add(
            &task.name,
            &task.title,
            comparisons.iter().filter_map(row).collect(),
        );
    }
    pictures
}
