//! Figures that papers publish, from `results/published/*.csv`; a cell that is not there is not
//! known.

use std::path::Path;

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
    pub k: usize,
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
}
