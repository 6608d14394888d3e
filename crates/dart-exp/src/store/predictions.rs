//! `predictions/<run>.csv`: every scored test row.

use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;
use dart_core::train::Prediction;

/// Gold and predicted classes of the scored rows, by test row.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Row of the test file.
    pub row: usize,
    /// Index of the true class.
    pub gold: usize,
    /// Index of the predicted class.
    pub predicted: usize,
}

/// Writes the rows in the order of the test file.
pub fn write(path: &Path, labels: &[String], predictions: &[Prediction]) -> Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["row".to_owned(), "gold".to_owned(), "predicted".to_owned()];
    header.extend(labels.iter().map(|label| format!("p_{label}")));
    csv.write_record(&header)?;
    for p in predictions {
        let mut row = vec![
            p.row.to_string(),
            labels[p.gold].clone(),
            labels[p.predicted].clone(),
        ];
        row.extend(p.probabilities.iter().map(f64::to_string));
        csv.write_record(&row)?;
    }
    let bytes = csv.into_inner().context("encoding predictions")?;
    Ok(write_atomically(path, &bytes)?)
}

/// Reads what [`write`] wrote.
pub fn read(path: &Path, labels: &[String]) -> Result<Vec<Predicted>> {
    let shown = || path.display().to_string();
    let mut csv = csv::Reader::from_path(path).with_context(shown)?;
    let mut rows = Vec::new();
    for (i, record) in csv.records().enumerate() {
        let record = record.with_context(shown)?;
        let class =
            |cell: Option<&str>| labels.iter().position(|label| Some(label.as_str()) == cell);
        let parsed = (|| {
            Some(Predicted {
                row: record.get(0)?.parse().ok()?,
                gold: class(record.get(1))?,
                predicted: class(record.get(2))?,
            })
        })();
        rows.push(parsed.with_context(|| {
            format!(
                "{}:{}: not a row of predictions of this task",
                path.display(),
                i + 2
            )
        })?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_come_back_with_awkward_class_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let labels = ["a,b".to_owned(), "c \"d\"".to_owned()];
        let prediction = |row, gold, predicted| Prediction {
            row,
            gold,
            predicted,
            probabilities: vec![0.25, 0.75],
        };
        write(&path, &labels, &[prediction(7, 0, 1), prediction(9, 1, 0)]).unwrap();
        let expected = [
            Predicted {
                row: 7,
                gold: 0,
                predicted: 1,
            },
            Predicted {
                row: 9,
                gold: 1,
                predicted: 0,
            },
        ];
        assert_eq!(read(&path, &labels).unwrap(), expected);
        assert!(
            read(&path, &["x".to_owned()])
                .unwrap_err()
                .to_string()
                .contains(":2: ")
        );
    }
}
