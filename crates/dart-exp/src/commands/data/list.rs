//! `dart-exp data list`.

use anyhow::Result;
use dart_data::check::official_rows;
use dart_data::{Task, present};

use super::source::Data;
use crate::terminal::print::print;

const HEADING: [&str; 5] = ["task", "classes", "train/dev/test", "metric", "present"];

/// Prints a line a task.
pub fn run(data: &Data) -> Result<()> {
    let folder = data.folder()?;
    let catalog = data.catalog()?;
    let mut rows = vec![HEADING.map(str::to_owned)];
    rows.extend(catalog.tasks().map(|task| {
        let mut there: Vec<&str> = Vec::new();
        for found in present(task, &folder) {
            if !there.contains(&found.layout.name.as_str()) {
                there.push(&found.layout.name);
            }
        }
        [
            task.name.clone(),
            task.labels.len().to_string(),
            sizes(task),
            task.metric_title(),
            if there.is_empty() {
                "-".to_owned()
            } else {
                there.join(", ")
            },
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADING.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:<width$}  "))
            .collect();
        text += line.trim_end();
        text.push('\n');
    }
    print(&text)
}

/// Rows of the official files, `-` where a file has none or is not known.
fn sizes(task: &Task) -> String {
    let counted = |rows: &[Option<usize>; 3]| rows.iter().any(Option::is_some);
    let rows = task.layouts.iter().map(official_rows).find(counted);
    let cell = |rows: Option<usize>| rows.map_or("-".to_owned(), |rows| rows.to_string());
    rows.unwrap_or_default().map(cell).join("/")
}
