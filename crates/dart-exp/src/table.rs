//! `table.md`: methods × tasks, what was published beside it, comparisons, and how it was made.

use std::fmt::Write;

use anyhow::Result;

use crate::compare::{self, Comparison};
use crate::notes;
use crate::plan::Plan;
use crate::published::Figure;
use crate::results::{Cell, Row};
use crate::stats::{self, Sample};
use crate::tried;

/// The whole of `table.md`.
pub fn markdown(plan: &Plan, rows: &[Row], cells: &[Cell]) -> Result<String> {
    let mut text = format!("# {}\n\n", plan.experiment.title);
    scores(plan, cells, &mut text);
    let first = plan.experiment.compare.as_ref().and_then(|name| {
        plan.experiment
            .methods
            .iter()
            .position(|choice| choice.named.name == *name)
    });
    if let Some(first) = first {
        let comparisons = compare::compare(plan, cells, first)?;
        if !comparisons.is_empty() {
            comparison(plan, first, &comparisons, &mut text);
        }
    }
    tried(plan, rows, &mut text);
    text.push_str("\n## How this was made\n\n");
    for note in notes::notes(plan, rows, cells) {
        let _ = writeln!(text, "- {note}");
    }
    Ok(text)
}

/// `70.1 (2.3)`: mean and sample standard deviation in percent.
fn percent(sample: &Sample) -> String {
    match sample.sd {
        Some(sd) => format!("{:.1} ({:.1})", 100.0 * sample.mean, 100.0 * sd),
        None => format!("{:.1}", 100.0 * sample.mean),
    }
}

fn scores(plan: &Plan, cells: &[Cell], text: &mut String) {
    let experiment = &plan.experiment;
    let titles: Vec<&str> = experiment
        .tasks
        .iter()
        .map(|task| task.title.as_str())
        .collect();
    line(
        text,
        [&["Method"], titles.as_slice(), &["Average"]].concat(),
    );
    line(text, [vec!["---"], vec!["---:"; titles.len() + 1]].concat());
    let mut lines: Vec<(usize, &str, usize)> = Vec::new();
    for cell in cells {
        if !lines.contains(&(cell.method, cell.model, cell.k)) {
            lines.push((cell.method, cell.model, cell.k));
        }
    }
    lines.sort_by_key(|(method, _, _)| *method);
    for (method, model, k) in lines {
        let mut name = experiment.methods[method].named.title.clone();
        if experiment.models.len() > 1 && model != "none" {
            let _ = write!(name, ", {model}");
        }
        if experiment.ks.len() > 1 {
            let _ = write!(name, ", K={k}");
        }
        let of_task = |task: usize| {
            let same = |c: &&Cell| (c.task, c.method, c.model, c.k) == (task, method, model, k);
            cells
                .iter()
                .find(same)
                .and_then(|cell| cell.scores.as_ref())
        };
        let samples: Vec<Option<&Sample>> = (0..titles.len()).map(of_task).collect();
        // An average over some of the tasks is no average of this table.
        let whole: Option<Vec<f64>> = samples.iter().map(|s| s.map(|s| s.mean)).collect();
        let average = whole.map_or(String::new(), |means| {
            format!("{:.1}", 100.0 * stats::mean(&means))
        });
        let mut row = vec![name];
        row.extend(samples.iter().map(|s| s.map_or(String::new(), percent)));
        row.push(average);
        line(text, row);
    }
    for row in published(plan) {
        line(text, row);
    }
}

/// Rows of published figures of these tasks, one a method and model.
fn published(plan: &Plan) -> Vec<Vec<String>> {
    let experiment = &plan.experiment;
    let ours = |figure: &&Figure| {
        experiment.ks.contains(&figure.k)
            && experiment.tasks.iter().any(|task| task.name == figure.task)
    };
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for figure in experiment.published.iter().filter(ours) {
        let many = if experiment.ks.len() > 1 {
            format!(", K={}", figure.k)
        } else {
            String::new()
        };
        let name = format!("*{} as published, {}{many}*", figure.method, figure.model);
        let at = rows
            .iter()
            .position(|(known, _)| *known == name)
            .unwrap_or_else(|| {
                rows.push((name, vec![String::new(); experiment.tasks.len() + 1]));
                rows.len() - 1
            });
        let shown = match figure.sd {
            Some(sd) => format!("*{:.1} ({sd:.1})*", figure.mean),
            None => format!("*{:.1}*", figure.mean),
        };
        if let Some(task) = experiment
            .tasks
            .iter()
            .position(|task| task.name == figure.task)
        {
            rows[at].1[task] = shown;
        }
    }
    rows.into_iter()
        .map(|(name, cells)| [vec![name], cells].concat())
        .collect()
}

fn comparison(plan: &Plan, first: usize, comparisons: &[Comparison], text: &mut String) {
    let methods = &plan.experiment.methods;
    let name = &methods[first].named.title;
    let _ = writeln!(text, "\n## {name} against the others\n");
    line(
        text,
        vec![
            format!("{name} less …"),
            "Difference".to_owned(),
            "Test rows alone, 95 %".to_owned(),
            "Tasks won–lost".to_owned(),
            "p".to_owned(),
            "p (Holm)".to_owned(),
        ],
    );
    line(text, vec!["---", "---:", "---:", "---:", "---:", "---:"]);
    for c in comparisons {
        let interval =
            |(low, high): (f64, f64)| format!("{:+.1} to {:+.1}", 100.0 * low, 100.0 * high);
        let ties = if c.ties > 0 {
            format!(" ({} even)", c.ties)
        } else {
            String::new()
        };
        line(
            text,
            vec![
                methods[c.other].named.title.clone(),
                format!("{:+.1}", 100.0 * c.difference),
                c.test_rows.map_or(String::new(), interval),
                format!("{}–{}{ties}", c.wins, c.losses),
                p_value(c.p),
                p_value(c.p_holm),
            ],
        );
    }
    let pairs = comparisons.iter().map(|c| c.pairs).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "\nDifference: mean over the tasks of the mean paired difference over the seeds, in points. \
         p: two-sided, by {} random sign flips of all (task, seed) differences (at most {pairs}), \
         then Holm's correction over the lines of this table. It speaks about these tasks and this \
         model, not about others.{}",
        thousands(compare::FLIPS),
        once(plan)
    );
}

fn tried(plan: &Plan, rows: &[Row], text: &mut String) {
    let points = tried::points(plan, rows);
    if points.is_empty() {
        return;
    }
    text.push_str("\n## What the search tried\n\n");
    line(text, vec!["Method", "Settings", "Mean dev", "Runs"]);
    line(text, vec!["---", "---", "---:", "---:"]);
    for point in points {
        let title = plan.experiment.methods[point.method].named.title.clone();
        let (dev, runs) = (format!("{:.2}", 100.0 * point.dev), point.runs.to_string());
        line(text, vec![title, point.settings, dev, runs]);
    }
}

/// Says which tasks count once.
fn once(plan: &Plan) -> String {
    let groups = compare::independent_tasks(plan);
    let shared: Vec<String> = groups
        .iter()
        .filter(|group| group.len() > 1)
        .map(|group| {
            let titles = group
                .iter()
                .map(|t| plan.experiment.tasks[*t].title.as_str());
            titles.collect::<Vec<_>>().join(" and ")
        })
        .collect();
    match shared.is_empty() {
        true => String::new(),
        false => format!(" {} share their texts and count once.", shared.join("; ")),
    }
}

fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

/// `100,000`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn line<T: AsRef<str>>(text: &mut String, cells: Vec<T>) {
    text.push('|');
    for cell in cells {
        let _ = write!(text, " {} |", cell.as_ref().replace('|', "\\|"));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(
            [7, 999, 1000, 100_000].map(thousands),
            ["7", "999", "1,000", "100,000"]
        );
        assert_eq!([0.0000099, 0.0625].map(p_value), ["< 0.001", "0.062"]);
    }
}
