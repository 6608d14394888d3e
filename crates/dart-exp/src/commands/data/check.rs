//! `dart-exp data check`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use dart_data::layout::{Column, Read};
use dart_data::{FileReport, LayoutReport, Task, check_file, check_task, missing, shared_texts};

use super::source::{Data, Written, named};
use crate::terminal::failure::Usage;
use crate::terminal::print::print;
use crate::terminal::remedy::told;

/// How `data check` is called.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    data: Data,
    /// The tasks [default: all whose data are there]
    #[arg(value_name = "TASK", conflicts_with = "file")]
    tasks: Vec<String>,
    /// A CSV, TSV or JSON lines file of one's own
    #[arg(long, requires = "text", requires = "label")]
    file: Option<PathBuf>,
    /// Its column of texts: a name, or a position from 0 where there is no header
    #[arg(long, value_name = "COLUMN", requires = "file")]
    text: Option<Column>,
    /// Its column of second texts
    #[arg(long, value_name = "COLUMN", requires = "file")]
    text_b: Option<Column>,
    /// Its texts mark two entities as <e1>…</e1> and <e2>…</e2>
    #[arg(long, requires = "file", conflicts_with = "text_b")]
    marked: bool,
    /// Its column of labels
    #[arg(long, value_name = "COLUMN", requires = "file")]
    label: Option<Column>,
    #[command(flatten)]
    written: Written,
    /// Problems listed for a file
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Prints what every file holds and what is wrong in it.
pub fn run(args: &CheckArgs) -> Result<()> {
    let wrong = match &args.file {
        Some(_) => own_file(args)?,
        None => tasks(args)?,
    };
    match wrong {
        0 => Ok(()),
        1 => bail!("1 problem"),
        n => bail!("{n} problems"),
    }
}

fn own_file(args: &CheckArgs) -> Result<usize> {
    let (Some(file), Some(text), Some(label)) = (&args.file, &args.text, &args.label) else {
        return Err(Usage("give --file, --text and --label".to_owned()).into());
    };
    let mut read = Read::by_extension(text.clone(), args.text_b.clone(), label.clone());
    read.marked = args.marked;
    let report = check_file(file, &args.written.of(read), args.limit);
    print(&file_text(&report))?;
    if report.is_fine() {
        let [k, without_test] = report.largest_k();
        print(&format!(
            "  as the only `file` of a task, each label a class of its own: `k: {k}` at most; with \
             `test_percent: 0`, so that dev is scored alone, `k: {without_test}`\n"
        ))?;
    }
    Ok(problems(&report))
}

fn tasks(args: &CheckArgs) -> Result<usize> {
    let folder = args.data.folder()?;
    let catalog = args.data.catalog()?;
    let chosen: Vec<&Task> = match args.tasks.as_slice() {
        [] => catalog
            .tasks()
            .filter(|task| missing(task, &folder).is_none())
            .collect(),
        names => named(&catalog, names)?,
    };
    if chosen.is_empty() {
        bail!(
            "no data of any task in {}; name another folder with --data-dir",
            folder.display()
        );
    }
    let mut wrong = 0;
    for task in &chosen {
        if let Some(absent) = missing(task, &folder) {
            print(&format!("{}\n", told(&absent)))?;
            wrong += 1;
        }
        for report in check_task(task, &folder, args.limit) {
            print(&layout_text(task, &report))?;
            wrong += report.files.iter().map(problems).sum::<usize>();
        }
    }
    // Files that cannot be read were listed above; what they share is not known.
    if wrong == 0 {
        for shared in shared_texts(&catalog, &folder)? {
            let among = |name: &String| chosen.iter().any(|task| task.name == *name);
            if among(&shared.test_of) && among(&shared.other) {
                let known = if shared.known { ", as is known" } else { "" };
                let (texts, test_of, other) = (shared.texts, &shared.test_of, &shared.other);
                print(&format!(
                    "{texts} test texts of {test_of} stand in {other}{known}\n"
                ))?;
            }
        }
    }
    Ok(wrong)
}

fn problems(report: &FileReport) -> usize {
    report.problems.len() + report.more
}

fn layout_text(task: &Task, report: &LayoutReport) -> String {
    let (name, dir) = (&report.layout, report.dir.display());
    let mut text = format!("{} ({name} in {dir})\n", task.title);
    text.extend(report.files.iter().map(file_text));
    let file = |index: usize| report.files.get(index).and_then(|f| f.path.file_name());
    for (a, b, both) in &report.shared {
        if let (Some(a), Some(b)) = (file(*a), file(*b)) {
            let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
            text += &format!("  {both} texts of {a} stand in {b}\n");
        }
    }
    if let Some(note) = &report.note {
        text += &format!("  note: {}\n", note.trim());
    }
    text
}

fn file_text(report: &FileReport) -> String {
    let classes = |(name, rows): (&String, &usize)| format!("{name}: {rows}");
    let labels: Vec<String> = report.labels.iter().map(classes).collect();
    let mut text = format!(
        "  {}: {} rows ({})\n",
        report.path.display(),
        report.rows,
        labels.join(", ")
    );
    for (count, what) in [
        (report.dropped, "rows without a class are left out"),
        (report.empty, "texts are empty or read as missing"),
        (report.duplicates, "rows have a text that stood before"),
        (report.conflicts, "of these have another label"),
    ] {
        if count > 0 {
            text += &format!("    {count} {what}\n");
        }
    }
    for problem in &report.problems {
        text += &format!("    {}\n", told(problem));
    }
    if report.more > 0 {
        text += &format!("    and {} more problems; see --limit\n", report.more);
    }
    text
}
