//! A picture with what it is about, and what the pictures of an experiment have in common.

use dart_data::Task;

use super::scene::Scene;
use super::svg;
use crate::plan::outline::{Entry, Outline};
use crate::terminal::paths::slug;

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
}

impl Picture {
    /// Draws it as SVG; its file is named by the parts of `name`, `title` is what a screen reader
    /// says of it.
    pub fn new(about: About, name: &[&str], title: &str, scene: &Scene) -> Self {
        let name: Vec<String> = name.iter().map(|part| slug(part)).collect();
        Picture {
            about,
            name: name.join("-"),
            svg: svg::svg(scene, title),
        }
    }
}

/// What a task's scores are, as an axis says it.
pub fn axis(outline: &Outline, task: usize) -> String {
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
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// The tasks with their indices.
pub fn tasks<'a>(outline: &Outline<'a>) -> impl Iterator<Item = (usize, &'a Task)> + use<'a> {
    outline
        .experiment
        .tasks
        .iter()
        .map(|listed| &listed.task)
        .enumerate()
}
