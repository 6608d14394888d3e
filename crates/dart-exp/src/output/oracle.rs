//! What choosing trials by their test scores would have given (`oracle: true`): the reference
//! implementation's way, shown apart and marked, so that the difference is visible.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use dart_core::files::write_atomically;

use crate::experiment::place::Place;
use crate::findings::rows::Row;
use crate::findings::stats::{self, Sample};
use crate::plan::outline::{Entry, Outline};

/// A search's choice in one (task, method, model, k, seed), by dev and by test.
struct Choice<'a> {
    entry: &'a Entry,
    /// The trial with the highest test score; the earlier in the plan where several have it.
    run: &'a str,
    by_dev: f64,
    by_test: f64,
}

/// The choices of all groups with several trials, every one of which has scored test.
fn choices<'a>(outline: &'a Outline, rows: &[Row<'a>]) -> Result<Vec<Choice<'a>>> {
    let mut choices = Vec::new();
    for entry in outline
        .entries
        .iter()
        .filter(|entry| entry.trials.len() > 1)
    {
        let mut scores = Vec::new();
        for row in rows.iter().filter(|row| std::ptr::eq(row.entry, entry)) {
            let score = match (row.test, &row.records) {
                (Some(test), _) => Some((true, test)),
                (None, Some(records)) => records.files.oracle()?.map(|test| (false, test.metric)),
                (None, None) => None,
            };
            scores.extend(score.map(|(chosen, test)| (row.id, chosen, test)));
        }
        let by_dev = scores.iter().find(|(_, chosen, _)| *chosen);
        let Some((_, _, by_dev)) = by_dev.filter(|_| scores.len() == entry.trials.len()) else {
            continue;
        };
        let mut best = &scores[0];
        for score in &scores {
            if score.2 > best.2 {
                best = score;
            }
        }
        choices.push(Choice {
            entry,
            run: best.0,
            by_dev: *by_dev,
            by_test: best.2,
        });
    }
    Ok(choices)
}

/// Writes `oracle.csv`, where the experiment asks for an oracle.
pub fn write(outline: &Outline, rows: &[Row], path: &Path) -> Result<()> {
    if !outline.experiment.keys.oracle() {
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
    for choice in choices(outline, rows)? {
        let place = &choice.entry.place;
        csv.write_record([
            "true".to_owned(),
            outline.task(place).name.clone(),
            outline.method(place).named.name.clone(),
            place.model.clone(),
            place.k.to_string(),
            choice.entry.seed.to_string(),
            choice.entry.trials.len().to_string(),
            choice.by_dev.to_string(),
            choice.by_test.to_string(),
            choice.run.to_owned(),
        ])?;
    }
    let bytes = csv.into_inner().context("encoding a CSV file")?;
    Ok(write_atomically(path, &bytes)?)
}

/// The oracle's part of `table.md`; empty where the experiment asks for none, or no run folder tells
/// what it would have chosen.
pub fn section(outline: &Outline, rows: &[Row]) -> Result<String> {
    if !outline.experiment.keys.oracle() || rows.iter().all(|row| row.records.is_none()) {
        return Ok(String::new());
    }
    let mut cells: Vec<(&Place, Vec<f64>, Vec<f64>)> = Vec::new();
    for choice in choices(outline, rows)? {
        let here = &choice.entry.place;
        let at = cells
            .iter()
            .position(|(place, ..)| *place == here)
            .unwrap_or_else(|| {
                cells.push((here, Vec::new(), Vec::new()));
                cells.len() - 1
            });
        cells[at].1.push(choice.by_dev);
        cells[at].2.push(choice.by_test);
    }
    cells.sort_by_key(|(place, ..)| (place.method, place.k.number(), place.task));
    let mut text = "\n## Oracle: trials chosen on test\n\nNot a result. Choosing the trial by its \
                    test score, as the reference implementation does, would have given:\n\n\
                    | Method | Task | Chosen on dev | *Oracle: chosen on test* | Seeds |\n\
                    | --- | --- | ---: | ---: | ---: |\n"
        .to_owned();
    for (place, by_dev, by_test) in cells {
        let mut name = outline.method(place).named.title.clone();
        if outline.experiment.models.len() > 1 {
            let _ = write!(name, ", {}", place.model);
        }
        if outline.experiment.ks.len() > 1 {
            let _ = write!(name, ", K={}", place.k);
        }
        let _ = writeln!(
            text,
            "| {name} | {} | {} | *{}* | {} |",
            outline.task(place).title,
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
