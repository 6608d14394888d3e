//! Scores of the methods at one K, and their differences.

use dart_data::Task;

use super::picture::{About, Picture, axis, tasks};
use super::rows::{self, Row};
use crate::findings::compare::Comparison;
use crate::findings::summary::{Findings, Line, in_percent};

/// For each task, every line of the table as a bar; with several K the curves show it better.
pub fn bars(findings: &Findings) -> Vec<Picture> {
    let outline = findings.outline;
    if outline.experiment.ks.len() > 1 {
        return Vec::new();
    }
    let picture = |(t, task): (usize, &Task)| {
        let row = |(place, line): (usize, &Line)| {
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
            &scene,
        ))
    };
    tasks(outline).filter_map(picture).collect()
}

/// One method less each other: over all tasks, then task by task.
pub fn differences(findings: &Findings) -> Vec<Picture> {
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
            pictures.push(Picture::new(About::Differences, &name, &title, &scene));
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
        let row = |c: &Comparison| {
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
