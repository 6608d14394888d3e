//! What train and dev get of each class, and the refusal of one's own files that leave a class out.

use std::path::Path;

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::example::Example;
use crate::layout::Layout;
use crate::request::SplitRequest;
use crate::summary::per_label;
use crate::warning::{Warning, WarningKind};

/// Rows of each class of a single or training file, duplicates left out.
pub(crate) struct Available<'a> {
    /// Rows that may be drawn.
    pub(crate) pool: &'a [usize],
    /// Rows of the part that is the test set.
    pub(crate) test: &'a [usize],
}

/// Refuses a drawn split of one's own file in which a class has no row of train or of dev.
///
/// # Errors
/// What every class gets, and settings with which each gets some.
pub(crate) fn refuse_empty_draw(
    task: &Task,
    layout: &Layout,
    request: &SplitRequest,
    file: &Path,
    (train, dev): (&[Example], &[Example]),
    available: &Available,
) -> Result<()> {
    let classes = task.labels.len();
    let (train, dev) = (per_label(train, classes), per_label(dev, classes));
    if train.iter().chain(&dev).all(|rows| *rows > 0) {
        return Ok(());
    }
    let all = |class: usize| available.pool[class] + available.test[class];
    if let Some(class) = (0..classes).find(|class| all(*class) == 0) {
        return Err(no_row_of(task, class, file));
    }
    let shares: Vec<String> = (0..classes)
        .filter(|class| train[*class] == 0 || dev[*class] == 0)
        .map(|class| {
            let (label, test) = (&task.labels[class], available.test[class]);
            let of_test = match layout.part {
                Some(_) => format!(" and test {test}"),
                None => String::new(),
            };
            let (train, dev, all) = (train[class], dev[class], all(class));
            format!("of the {all} rows of {label:?} train gets {train}, dev {dev}{of_test}")
        })
        .collect();
    let message = format!(
        "K={} seed {} leaves a class out: {}",
        request.k,
        request.seed,
        few(&shares)
    );
    let share = request.dev_factor + 1;
    let fits = |rows: &dyn Fn(usize) -> usize| (0..classes).map(rows).min().unwrap_or(0) / share;
    let (now, without_test) = (fits(&|class| available.pool[class]), fits(&all));
    let mut remedies = Vec::new();
    if now > 0 {
        remedies.push(format!("say `k: {now}`"));
    }
    if layout.part.is_some() && without_test > now {
        let all = format!("`test_percent: 0` with `k: {without_test}` (no test set: dev scores)");
        remedies.push(format!("say {all}"));
    }
    remedies.push("give files of their own as `train`, `dev` and `test`".to_owned());
    if now == 0 && without_test == 0 {
        remedies.push("add rows".to_owned());
    }
    Err(DataError::file(file, message, remedies.join(", or ")))
}

/// Refuses given files of one's own of which train or dev has no row of a class.
///
/// # Errors
/// The file and the class.
pub(crate) fn refuse_empty_files(task: &Task, files: [(&Path, &[Example]); 2]) -> Result<()> {
    for (file, rows) in files {
        let counts = per_label(rows, task.labels.len());
        if let Some(class) = counts.iter().position(|rows| *rows == 0) {
            return Err(no_row_of(task, class, file));
        }
    }
    Ok(())
}

/// Classes of which the test set has no row.
pub(crate) fn missing_in_test(task: &Task, file: &Path, test: &[Example]) -> Vec<Warning> {
    let counts = per_label(test, task.labels.len());
    let labels = task.labels.iter().zip(counts);
    labels
        .filter(|(_, rows)| *rows == 0)
        .map(|(label, _)| {
            let message = format!("test has no row of class {label:?}");
            Warning::new(WarningKind::FewRows, file, 0, message)
        })
        .collect()
}

fn no_row_of(task: &Task, class: usize, file: &Path) -> DataError {
    let (label, values) = (&task.labels[class], few(&task.values[class]));
    let message = match values == *label {
        true => format!("has no row of class {label:?}"),
        false => format!("has no row of class {label:?} (in the file {values})"),
    };
    let remedy =
        "train and dev need rows of every class: add some, or correct `labels` and `words`";
    DataError::file(file, message, remedy)
}

/// A list, cut where it is long.
fn few(items: &[String]) -> String {
    let shown = items[..items.len().min(6)].join(", ");
    match items.len() > 6 {
        true => shown + ", …",
        false => shown,
    }
}
