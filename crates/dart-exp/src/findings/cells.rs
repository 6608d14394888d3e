//! The cells of the table.

use crate::experiment::place::Place;
use crate::findings::rows::Row;
use crate::findings::stats::{self, Sample};
use crate::plan::outline::{Entry, Outline};

/// A cell of the table: the chosen runs of a place over the seeds.
pub struct Cell<'a> {
    /// The first seed's trials; those of the others are as many.
    pub entry: &'a Entry,
    /// Its rows, in the order of the seeds.
    pub rows: Vec<&'a Row<'a>>,
    /// The test scores, or the dev scores where test is not scored.
    pub scores: Option<Sample>,
}

impl Cell<'_> {
    /// Task, method, model and k.
    pub fn place(&self) -> &Place {
        &self.entry.place
    }

    /// The dev scores of its rows.
    pub fn devs(&self) -> Vec<f64> {
        self.rows.iter().map(|row| row.dev).collect()
    }
}

/// The cells, in the order of the plan; those without a finished run too.
pub fn cells<'a>(outline: &'a Outline, rows: &'a [Row<'a>]) -> Vec<Cell<'a>> {
    let mut cells: Vec<Cell> = Vec::new();
    for entry in &outline.entries {
        if !cells.iter().any(|cell| *cell.place() == entry.place) {
            cells.push(Cell {
                entry,
                rows: Vec::new(),
                scores: None,
            });
        }
    }
    for cell in &mut cells {
        let here = |row: &&Row| row.chosen && row.entry.place == cell.entry.place;
        cell.rows = rows.iter().filter(here).collect();
        let scores: Vec<f64> = cell.rows.iter().filter_map(|row| row.score()).collect();
        cell.scores = stats::describe(&scores);
    }
    cells
}
