//! The cells of the table.

use dart_data::Shots;

use crate::findings::rows::{Row, score};
use crate::findings::stats::{self, Sample};
use crate::plan::runs::Plan;

/// A cell of the table: the chosen runs of a (task, method, model, k) over the seeds.
pub struct Cell<'a> {
    /// Index of the task.
    pub task: usize,
    /// Index of the method.
    pub method: usize,
    /// The model.
    pub model: &'a str,
    /// Training examples a class.
    pub k: Shots,
    /// Its rows, in the order of the seeds.
    pub rows: Vec<&'a Row<'a>>,
    /// The test scores, or the dev scores where test is not scored.
    pub scores: Option<Sample>,
}

/// The cells, in the order of the plan; those without a finished run too.
pub fn cells<'a>(plan: &'a Plan, rows: &'a [Row<'a>]) -> Vec<Cell<'a>> {
    let mut cells: Vec<Cell> = Vec::new();
    for group in &plan.groups {
        let (task, method, model, k) = (group.task, group.method, group.model.as_str(), group.k);
        let same = |c: &Cell| (c.task, c.method, c.model, c.k) == (task, method, model, k);
        if !cells.iter().any(same) {
            cells.push(Cell {
                task,
                method,
                model,
                k,
                rows: Vec::new(),
                scores: None,
            });
        }
    }
    for cell in &mut cells {
        let here = |row: &&Row| {
            let group = row.group;
            let place = (group.task, group.method, group.model.as_str(), group.k);
            row.chosen && place == (cell.task, cell.method, cell.model, cell.k)
        };
        cell.rows = rows.iter().filter(here).collect();
        let scores: Vec<f64> = cell
            .rows
            .iter()
            .filter_map(|row| score(row, row.group.test_rows > 0))
            .collect();
        cell.scores = stats::describe(&scores);
    }
    cells
}
