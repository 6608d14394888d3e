//! `table.md`: methods × tasks, what was published beside it, comparisons, and how it was made.

use std::fmt::Write;

use crate::findings::compare::Comparison;
use crate::findings::points;
use crate::findings::summary::{Findings, Line};
use crate::output::notes;

/// The whole of `table.md`.
pub fn markdown(findings: &Findings) -> String {
    let outline = findings.outline;
    let mut text = format!("# {}\n\n", outline.experiment.title);
    scores(findings, &mut text);
    if let Some((first, comparisons)) = &findings.comparisons {
        comparison(findings, *first, comparisons, &mut text);
    }
    published(findings, &mut text);
    tried(findings, &mut text);
    text.push_str("\n## How this was made\n\n");
    for note in notes::notes(findings) {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn scores(findings: &Findings, text: &mut String) {
    let tasks = &findings.outline.experiment.tasks;
    let titles: Vec<&str> = tasks.iter().map(|task| task.title.as_str()).collect();
    line(
        text,
        [&["Method"], titles.as_slice(), &["Average"]].concat(),
    );
    line(text, [vec!["---"], vec!["---:"; titles.len() + 1]].concat());
    for row in &findings.lines {
        line(text, cells(row));
    }
}

fn cells(row: &Line) -> Vec<String> {
    // Published figures are set apart.
    let style = |cell: String| match row.method {
        None if !cell.is_empty() => format!("*{cell}*"),
        _ => cell,
    };
    let mut cells = vec![style(row.name.clone())];
    let of = |score: &Option<_>| style(score.as_ref().map_or(String::new(), super::score));
    cells.extend(row.scores.iter().map(of));
    cells.push(row.average.map_or(String::new(), |a| format!("{a:.1}")));
    cells
}

fn comparison(findings: &Findings, first: usize, comparisons: &[Comparison], text: &mut String) {
    let methods = &findings.outline.experiment.methods;
    let name = &methods[first].named.title;
    let _ = writeln!(text, "\n## {name} against the others\n");
    let less = format!("{name} less …");
    line(
        text,
        vec![
            less.as_str(),
            "Difference",
            "Test rows alone, 95 %",
            "g",
            "Tasks won–lost",
            "p",
            "p (Holm)",
        ],
    );
    line(
        text,
        vec!["---", "---:", "---:", "---:", "---:", "---:", "---:"],
    );
    for c in comparisons {
        line(text, super::compared(findings.outline, c).to_vec());
    }
    let _ = writeln!(
        text,
        "\n{}",
        super::explained(findings.outline, comparisons)
    );
}

fn published(findings: &Findings, text: &mut String) {
    if findings.against.is_empty() {
        return;
    }
    let experiment = findings.outline.experiment;
    text.push_str("\n## Beside published figures\n\n");
    let header = [
        "Method",
        "Task",
        "Published, model",
        "Ours, model",
        "Difference",
        "Seed noise",
    ];
    line(text, header.to_vec());
    line(text, vec!["---", "---", "---:", "---:", "---:", "---"]);
    for a in &findings.against {
        line(
            text,
            vec![
                experiment.methods[a.method].named.title.clone(),
                experiment.tasks[a.task].title.clone(),
                format!("{:.1}, {}", a.figure.mean, a.figure.model),
                format!("{:.1}, {}", a.ours, a.model),
                format!("{:+.1}", a.ours - a.figure.mean),
                super::noise(&a.noise),
            ],
        );
    }
    let _ = writeln!(text, "\n{}", super::NOISE_EXPLAINED);
}

fn tried(findings: &Findings, text: &mut String) {
    let points = points::points(findings.outline, findings.rows);
    if points.is_empty() {
        return;
    }
    text.push_str("\n## What the search tried\n\n");
    line(text, vec!["Method", "Settings", "Mean dev", "Runs"]);
    line(text, vec!["---", "---", "---:", "---:"]);
    for point in points {
        let methods = &findings.outline.experiment.methods;
        let title = methods[point.method].named.title.clone();
        let (dev, runs) = (format!("{:.2}", 100.0 * point.dev), point.runs.to_string());
        line(text, vec![title, point.settings, dev, runs]);
    }
}

fn line<T: AsRef<str>>(text: &mut String, cells: Vec<T>) {
    text.push('|');
    for cell in cells {
        let _ = write!(text, " {} |", cell.as_ref().replace('|', "\\|"));
    }
    text.push('\n');
}
