//! TensorBoard's projector: learned label and template rows, with the words that lie near them, as
//! tables and the file that names them.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use dart_core::files::write_atomically;
use dart_core::learned_rows::{LearnedRow, RowKind};

/// What the projector looks for in a run's folder.
const CONFIG: &str = "projector_config.pbtxt";
const TENSORS: &str = "learned.tsv";
const NAMES: &str = "learned-names.tsv";

/// Writes a run's rows; nothing where there are none.
pub fn write(folder: &Path, rows: &[LearnedRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let (mut tensors, mut names) = (String::new(), "name\tkind\tnear\n".to_owned());
    for row in rows {
        let values: Vec<String> = row.values.iter().map(f32::to_string).collect();
        let _ = writeln!(tensors, "{}", values.join("\t"));
        let kind = match row.kind {
            RowKind::Template => "template",
            RowKind::Label => "label",
            RowKind::Word => "word",
        };
        let near: Vec<String> = row.near.iter().map(|word| cell(word)).collect();
        let _ = writeln!(names, "{}\t{kind}\t{}", cell(&row.name), near.join(" "));
    }
    // The first file that tells of the others comes last.
    write_atomically(&folder.join(TENSORS), tensors.as_bytes())?;
    write_atomically(&folder.join(NAMES), names.as_bytes())?;
    let size = rows[0].values.len();
    let config = format!(
        "embeddings {{\n  tensor_name: \"learned\"\n  tensor_shape: {}\n  tensor_shape: {size}\n  \
         tensor_path: \"{TENSORS}\"\n  metadata_path: \"{NAMES}\"\n}}\n",
        rows.len()
    );
    Ok(write_atomically(&folder.join(CONFIG), config.as_bytes())?)
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_line_a_row_whatever_the_names_are() {
        let folder = tempfile::tempdir().unwrap();
        let row = |kind, name: &str, values: [f32; 2], near: &[&str]| LearnedRow {
            kind,
            name: name.into(),
            values: values.into(),
            near: near.iter().map(|word| (*word).to_owned()).collect(),
        };
        let rows = [
            row(RowKind::Label, "a\tb\nc", [1.5, -2e-8], &["x", "y"]),
            row(RowKind::Word, "x", [0.0, 3.0], &[]),
        ];
        write(folder.path(), &rows).unwrap();
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read(TENSORS), "1.5\t-0.00000002\n0\t3\n");
        assert_eq!(
            read(NAMES),
            "name\tkind\tnear\na b c\tlabel\tx y\nx\tword\t\n"
        );
        assert!(read(CONFIG).contains("tensor_shape: 2\n  tensor_shape: 2"));
        let empty = tempfile::tempdir().unwrap();
        write(empty.path(), &[]).unwrap();
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    }
}
