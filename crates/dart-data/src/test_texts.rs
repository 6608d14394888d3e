//! The texts of test sets, which nothing may be trained on.

use std::path::Path;

use crate::catalog::Task;
use crate::distribution::present;
use crate::error::Result;
use crate::pool::Pool;
use crate::rows::read_all;

/// The texts of every test set of the task that is in the folder, each once for each file.
///
/// # Errors
/// A file that cannot be read.
pub fn test_texts(task: &Task, data_dir: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for found in present(task, data_dir) {
        let layout = found.layout;
        let examples = match &layout.test {
            Some(test) if found.file(test).exists() => read_all(task, layout, &found.file(test))?.0,
            None if layout.part.is_some() => {
                let file = found.file(&layout.train);
                let pool = Pool::scan(task, layout, &file)?;
                pool.examples(task, layout, &file, &pool.test)?
            }
            _ => continue,
        };
        for example in examples {
            texts.push(example.text_a);
            texts.extend(example.text_b);
        }
    }
    Ok(texts)
}
