//! Figures that papers publish, from `results/published/*.csv`; a cell that is not there is not
//! known.

use std::path::Path;

use dart_data::Shots;
use serde::Deserialize;

use crate::terminal::failure::Usage;

/// One published figure, in percent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The method's name in tables.
    pub method: String,
    /// The task's name in the catalog.
    pub task: String,
    /// The language model.
    pub model: String,
    /// Training examples a class.
    pub k: Shots,
    /// The metric.
    pub metric: String,
    /// The mean over seeds.
    pub mean: f64,
    /// The standard deviation over seeds, where published.
    pub sd: Option<f64>,
    /// How many seeds, where published.
    #[serde(default)]
    pub seeds: Option<usize>,
    /// Where it was read.
    pub source: String,
}

/// Reads a file of figures.
pub fn read(path: &Path) -> Result<Vec<Figure>, Usage> {
    let fault = |error: csv::Error| Usage(format!("published: {}: {error}", path.display()));
    let mut csv = csv::Reader::from_path(path).map_err(fault)?;
    csv.deserialize().collect::<Result<_, _>>().map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_column_of_seeds_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "method,task,model,k,metric,mean,sd,source\nA,b,c,16,accuracy,1,,d\n",
        )
        .unwrap();
        assert_eq!(read(file.path()).unwrap()[0].seeds, None);
    }

    #[test]
    fn figures_of_all_examples_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let row = |k: &str| format!("A,b,c,{k},accuracy,1,,d\n");
        let header = "method,task,model,k,metric,mean,sd,source\n";
        std::fs::write(file.path(), [header, &row("8"), &row("full")].concat()).unwrap();
        let ks: Vec<Shots> = read(file.path()).unwrap().iter().map(|f| f.k).collect();
        assert_eq!(ks, [Shots::new(8).unwrap(), Shots::Full]);
        std::fs::write(file.path(), [header, &row("0")].concat()).unwrap();
        assert!(
            read(file.path())
                .unwrap_err()
                .0
                .contains("at least 1, or full")
        );
    }
}
