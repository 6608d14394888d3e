//! What choosing trials by their test scores would have given (`oracle: true`): the reference
//! implementation's way, shown apart and marked, so that the difference is visible.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;

use crate::findings::rows::Row;
use crate::findings::stats::{self, Sample};
use crate::plan::runs::{Group, Plan};

/// A search's choice in one (task, method, model, k, seed), by dev and by test.
struct Choice<'a> {
    group: &'a Group,
    /// The trial with the highest test score; the earlier in the plan where several have it.
    run: &'a str,
    by_dev: f64,
    by_test: f64,
}

/// The choices of all groups with several trials, every one of which has scored test.
fn choices<'a>(plan: &'a Plan, rows: &[Row<'a>]) -> Result<Vec<Choice<'a>>> {
    let mut choices = Vec::new();
    for group in plan.groups.iter().filter(|group| group.trials.len() > 1) {
        let mut scores = Vec::new();
        for run in &group.trials {
            let Some(row) = rows.iter().find(|row| row.run.id == run.id) else {
                continue;
            };
            let score = match &row.test {
                Some(test) => Some((true, test.metric)),
                None => row.files.oracle()?.map(|test| (false, test.metric)),
            };
            scores.extend(score.map(|(chosen, test)| (run, chosen, test)));
        }
        let by_dev = scores.iter().find(|(_, chosen, _)| *chosen);
        let Some((_, _, by_dev)) = by_dev.filter(|_| scores.len() == group.trials.len()) else {
            continue;
        };
        let mut best = &scores[0];
        for score in &scores {
            if score.2 > best.2 {
                best = score;
            }
        }
        choices.push(Choice {
            group,
            run: &best.0.id,
            by_dev: *by_dev,
            by_test: best.2,
        });
    }
    Ok(choices)
}

/// Writes `oracle.csv`, where the experiment asks for an oracle.
pub fn write(plan: &Plan, rows: &[Row], path: &Path) -> Result<()> {
    if !plan.experiment.keys.oracle() {
        return Ok(());
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "oracle",
        "task",
        "method",
        "model",
        "k",
        "seed",
        "trials",
        "test_chosen_on_dev",
        "test_chosen_on_test",
        "run_chosen_on_test",
    ])?;
    for choice in choices(plan, rows)? {
        let group = choice.group;
        csv.write_record([
            "true".to_owned(),
            plan.task(group).name.clone(),
            plan.method(group).named.name.clone(),
            group.model.clone(),
            group.k.to_string(),
            group.seed.to_string(),
            group.trials.len().to_string(),
            choice.by_dev.to_string(),
            choice.by_test.to_string(),
            choice.run.to_owned(),
        ])?;
    }
    let bytes = csv.into_inner().context("encoding a CSV file")?;
    Ok(write_atomically(path, &bytes)?)
}

/// The oracle's part of `table.md`; empty where the experiment asks for none.
pub fn section(plan: &Plan, rows: &[Row]) -> Result<String> {
    if !plan.experiment.keys.oracle() {
        return Ok(String::new());
    }
    let mut cells: Vec<(&Group, Vec<f64>, Vec<f64>)> = Vec::new();
    for choice in choices(plan, rows)? {
        let place = |g: &Group| (g.method, g.model.clone(), g.k, g.task);
        let at = cells
            .iter()
            .position(|(group, ..)| place(group) == place(choice.group))
            .unwrap_or_else(|| {
                cells.push((choice.group, Vec::new(), Vec::new()));
                cells.len() - 1
            });
        cells[at].1.push(choice.by_dev);
        cells[at].2.push(choice.by_test);
    }
    cells.sort_by_key(|(group, ..)| (group.method, group.k.number(), group.task));
    let mut text = "\n## Oracle: trials chosen on test\n\nNot a result. Choosing the trial by its \
                    test score, as the reference implementation does, would have given:\n\n\
                    | Method | Task | Chosen on dev | *Oracle: chosen on test* | Seeds |\n\
                    | --- | --- | ---: | ---: | ---: |\n"
        .to_owned();
    for (group, by_dev, by_test) in cells {
        let mut name = plan.method(group).named.title.clone();
        if plan.experiment.models.len() > 1 {
            let _ = write!(name, ", {}", group.model);
        }
        if plan.experiment.ks.len() > 1 {
            let _ = write!(name, ", K={}", group.k);
        }
        let _ = writeln!(
            text,
            "| {name} | {} | {} | *{}* | {} |",
            plan.task(group).title,
            percent(&by_dev),
            percent(&by_test),
            by_dev.len()
        );
    }
    Ok(text)
}

fn percent(scores: &[f64]) -> String {
    match stats::describe(scores) {
        Some(Sample {
            mean, sd: Some(sd), ..
        }) => {
            format!("{:.1} ({:.1})", 100.0 * mean, 100.0 * sd)
        }
        Some(Sample { mean, .. }) => format!("{:.1}", 100.0 * mean),
        None => String::new(),
    }
}
