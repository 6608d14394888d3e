//! What the cells of a printed table must say, and whether they do.

use serde_json::Value;

use crate::cells::{Printed, Table, numbers};

/// What a cell must say.
pub enum Want {
    /// This text.
    Text(String),
    /// These numbers and no other, whatever stands about them.
    Numbers(Vec<f64>),
    /// A text that begins so, and these numbers.
    Begins(&'static str, Vec<f64>),
    /// A p value that the program draws signs for: within four standard errors of so many draws of
    /// the exact one, times what Holm's correction multiplies it by at most.
    Drawn(f64, f64),
}

/// Draws of a sign-flip test.
const FLIPS: f64 = 100_000.0;

impl Want {
    pub fn text(value: &Value) -> Self {
        Want::Text(value.as_str().unwrap().to_owned())
    }

    /// The numbers that are there.
    pub fn some(values: &[Option<f64>]) -> Self {
        Want::Numbers(values.iter().flatten().copied().collect())
    }

    #[track_caller]
    fn check(&self, cell: &str, place: &str) {
        match self {
            Want::Text(text) => assert_eq!(cell, text, "{place}"),
            Want::Numbers(values) => same(&numbers(cell), values, &format!("{place}: {cell:?}")),
            Want::Begins(start, values) => {
                assert!(cell.starts_with(start), "{place}: {cell:?}, not {start}");
                same(&numbers(cell), values, &format!("{place}: {cell:?}"));
            }
            Want::Drawn(p, factor) => {
                let error = 4.0 * (p * (1.0 - p) / FLIPS).sqrt() + 1.0 / FLIPS;
                let (bound, printed) = (cell.starts_with('<'), numbers(cell));
                assert_eq!(printed.len(), 1, "{place}: {cell:?}");
                let Printed { value, half } = printed[0];
                let near = if bound {
                    p - factor * error < value
                } else {
                    (value - p).abs() <= factor * error + half
                };
                assert!(near, "{place}: {cell:?} is not near {p}");
            }
        }
    }
}

/// Each printed number is the expected one, rounded.
#[track_caller]
pub fn same(printed: &[Printed], values: &[f64], place: &str) {
    assert_eq!(printed.len(), values.len(), "{place} has {values:?}");
    for (printed, value) in printed.iter().zip(values) {
        let apart = (printed.value - value).abs();
        assert!(apart <= printed.half + 1e-9, "{place}: {value}");
    }
}

#[track_caller]
pub fn check(table: &Table, wanted: &[Vec<Want>], place: &str) {
    // The header apart.
    assert_eq!(table.len(), wanted.len() + 1, "{place}: rows of {table:?}");
    for (row, wanted) in table[1..].iter().zip(wanted) {
        assert_eq!(row.len(), wanted.len(), "{place}: cells of {row:?}");
        for (column, (cell, want)) in row.iter().zip(wanted).enumerate() {
            let header = &table[0][column];
            want.check(cell, &format!("{place}, {}, {header}", row[0]));
        }
    }
}
