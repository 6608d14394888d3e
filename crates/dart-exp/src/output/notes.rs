//! How a table was made: what its reader must know to trust or repeat it.

use dart_data::Shots;

use crate::experiment::definition::Listed;
use crate::experiment::options::Options;
use crate::findings::cells::Cell;
use crate::findings::rows::{Records, Row};
use crate::findings::summary::Findings;
use crate::plan::outline::{Entry, Outline, Scored};
use crate::terminal::units::thousands;

/// The notes, one a line.
pub fn notes(findings: &Findings) -> Vec<String> {
    let outline = findings.outline;
    let mut notes = Vec::new();
    if let Some((done, all)) = unfinished(findings) {
        notes.push(format!(
            "**Not finished**: {done} of {all} runs have ended."
        ));
    }
    notes.push(scores(outline));
    notes.push(test(outline));
    notes.push(selection(outline));
    notes.extend(settings(outline));
    let models = outline.experiment.models.iter();
    let models: Vec<&str> = models.map(|m| m.name.as_str()).collect();
    notes.push(format!("Language model: {}.", models.join(", ")));
    notes.extend(encoders(outline));
    notes.extend(truncated(findings.rows));
    notes.extend(outline.experiment.keys.notes().0);
    notes.extend(published(outline));
    if findings.without_folders() {
        notes.push(WITHOUT_FOLDERS.to_owned());
    }
    let warnings = outline.warnings.iter();
    notes.extend(warnings.map(|warning| format!("Data: {warning}.")));
    notes
}

/// What is not known without the run folders.
const WITHOUT_FOLDERS: &str = "Made from `runs.csv` alone, without the run folders, the data and the \
    models. Left out: the error of the test sample (test rows drawn anew), numbers of test rows, other \
    metrics, calibration, inputs that were cut, what is odd about the data, learning curves, label \
    embeddings and an oracle.";

/// Runs that have ended, and all; none where every cell is whole.
pub fn unfinished(findings: &Findings) -> Option<(usize, usize)> {
    let (done, all) = (findings.rows.len(), findings.outline.trials().count());
    let count = |cell: &Cell| cell.scores.as_ref().map_or(0, |s| s.count);
    let seeds = findings.outline.experiment.seeds.len();
    let whole = done == all && findings.cells.iter().all(|cell| count(cell) >= seeds);
    (!whole).then_some((done, all))
}

/// Methods that use a sentence encoder.
fn encoders(outline: &Outline) -> Vec<String> {
    let methods = outline.experiment.methods.iter();
    methods
        .filter_map(|choice| {
            let model = choice.encoder.as_ref()?;
            Some(format!(
                "{}: sentence encoder {}.",
                choice.named.title, model.name
            ))
        })
        .collect()
}

fn scores(outline: &Outline) -> String {
    let seeds: Vec<String> = outline
        .experiment
        .seeds
        .iter()
        .map(u64::to_string)
        .collect();
    let mut metrics: Vec<(String, Vec<&str>)> = Vec::new();
    for task in &outline.experiment.tasks {
        let metric = task.metric.to_string();
        match metrics.iter_mut().find(|(known, _)| *known == metric) {
            Some((_, tasks)) => tasks.push(&task.title),
            None => metrics.push((metric, vec![&task.title])),
        }
    }
    let metrics = match metrics.as_slice() {
        [(metric, _)] => metric.clone(),
        many => {
            let parts = many
                .iter()
                .map(|(metric, tasks)| format!("{metric} ({})", tasks.join(", ")));
            parts.collect::<Vec<_>>().join("; ")
        }
    };
    let cells = match seeds.as_slice() {
        [seed] => format!("percent, of the seed {seed} alone"),
        many => format!(
            "mean (sample standard deviation) in percent over the seeds {}",
            many.join(", ")
        ),
    };
    format!(
        "Cells: {cells}; {metrics}; {}. `summary.csv` has medians and intervals.",
        examples(outline)
    )
}

/// How many examples a run trains on.
fn examples(outline: &Outline) -> String {
    let experiment = outline.experiment;
    let given = experiment.tasks.iter().filter(|task| task.split_is_given());
    let given: Vec<&str> = given.map(|task| task.title.as_str()).collect();
    if given.len() == experiment.tasks.len() {
        return "train and dev as given".to_owned();
    }
    let ks: Vec<String> = experiment.ks.iter().map(Shots::to_string).collect();
    let sampled = match experiment.ks.as_slice() {
        [Shots::Full] => "all training examples (K = full)".to_owned(),
        _ => format!("K = {} training examples a class", ks.join(", ")),
    };
    match given.as_slice() {
        [] => sampled,
        given => format!(
            "{sampled}, but train and dev of {} as given",
            given.join(", ")
        ),
    }
}

/// Why all cells are dev scores, where they are.
pub fn dev_alone(outline: &Outline) -> Option<&'static str> {
    if !outline.experiment.keys.score_test() {
        return Some("Test was not scored: the cells are dev scores.");
    }
    let none = outline.entries.iter().all(|entry| !entry.scored.on_test());
    none.then_some("There is no test set: the cells are dev scores.")
}

fn test(outline: &Outline) -> String {
    if let Some(why) = dev_alone(outline) {
        return why.to_owned();
    }
    let experiment = outline.experiment;
    let of_task = |(t, task): (usize, &Listed)| {
        let entry = outline.entries.iter().find(|entry| entry.place.task == t)?;
        match entry.scored {
            Scored::Dev => Some(format!("{} none (dev scores)", task.title)),
            Scored::Test(Some(rows)) => Some(format!("{} {}", task.title, thousands(rows))),
            Scored::Test(None) => None,
        }
    };
    let rows = experiment.tasks.iter().enumerate().filter_map(of_task);
    let rows = rows.collect::<Vec<_>>().join(", ");
    let cap = experiment.keys.test_rows().0.map(|limit| {
        let (limit, seed) = (thousands(limit), experiment.keys.test_seed());
        format!("at most {limit} rows a task, drawn with seed {seed}")
    });
    let rows = match (rows.as_str(), cap) {
        ("", cap) => cap.unwrap_or("all there are".to_owned()),
        (rows, Some(cap)) => format!("{rows} ({cap})"),
        (rows, None) => rows.to_owned(),
    };
    format!("Test rows: {rows}. Each choice was written down before its weights scored test, once.")
}

fn selection(outline: &Outline) -> String {
    let trials: Vec<usize> = outline
        .entries
        .iter()
        .map(|entry| entry.trials.len())
        .collect();
    let (least, most) = (trials.iter().min().copied(), trials.iter().max().copied());
    let trials = match (least.unwrap_or(1), most.unwrap_or(1)) {
        (1, 1) => "one trial a cell and seed".to_owned(),
        (least, most) if least == most => format!("the best of {most} trials a cell and seed"),
        _ => {
            let methods = outline.experiment.methods.iter().enumerate();
            let of_methods = methods.map(|(m, choice)| {
                let here = |entry: &&Entry| entry.place.method == m;
                let entry = outline.entries.iter().find(here);
                let count = entry.map_or(0, |entry| entry.trials.len());
                format!("{} {count}", choice.named.title)
            });
            format!(
                "trials a cell and seed: {}",
                of_methods.collect::<Vec<_>>().join(", ")
            )
        }
    };
    let random = outline.experiment.sampling.map_or(String::new(), |s| {
        let (samples, seed) = (s.samples, s.seed);
        format!("; random search, {samples} points a method, drawn with seed {seed}")
    });
    format!(
        "Selection: the weights of the best evaluation on dev{}; {trials}{random}.",
        dev(outline)
    )
}

/// How large dev is.
fn dev(outline: &Outline) -> String {
    let experiment = outline.experiment;
    let sampled = |k: &&Shots| **k != Shots::Full;
    if experiment.tasks.iter().all(|task| task.split_is_given()) {
        return String::new();
    }
    match experiment.ks.iter().filter(sampled).count() {
        0 => String::new(),
        n if n == experiment.ks.len() => " (as many examples a class as for training)".to_owned(),
        _ => " (as many examples a class as for training, unless K = full)".to_owned(),
    }
}

/// Settings that decide a comparison, each once where the methods agree.
fn settings(outline: &Outline) -> Vec<String> {
    type Shown = fn(&Options) -> Option<String>;
    let shown: [(&str, Shown); 5] = [
        ("Training", |o| {
            let batch = o.batch? * o.accumulation?;
            Some(format!(
                "{} steps of batch {batch}, dev scored every {}",
                o.steps?, o.eval_every?
            ))
        }),
        ("Learning rate", |o| {
            o.learning_rate.map(|rate| format!("{rate:e}"))
        }),
        ("Vocabulary rows", |o| {
            let text = serde_json::to_value(o.embeddings?).ok()?;
            text.as_str().map(str::to_owned)
        }),
        ("Longest input", |o| {
            o.max_length.map(|tokens| format!("{tokens} tokens"))
        }),
        ("Threads a run", |o| {
            o.threads.map(|threads| threads.to_string())
        }),
    ];
    let mut notes = Vec::new();
    for (name, text) in shown {
        let mut values: Vec<(String, Vec<&str>)> = Vec::new();
        for (m, choice) in outline.experiment.methods.iter().enumerate() {
            let of_method = outline
                .trials()
                .filter(|(entry, _)| entry.place.method == m);
            let mut tried: Vec<String> = Vec::new();
            for value in of_method.filter_map(|(_, trial)| text(&trial.settings)) {
                if !tried.contains(&value) {
                    tried.push(value);
                }
            }
            if tried.is_empty() {
                continue;
            }
            let (value, title) = (tried.join(" or "), choice.named.title.as_str());
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, titles)) => titles.push(title),
                None => values.push((value, vec![title])),
            }
        }
        match values.as_slice() {
            [] => {}
            [(value, _)] => notes.push(format!("{name}: {value}.")),
            many => {
                // Titles may have commas.
                let parts = many
                    .iter()
                    .map(|(value, titles)| format!("{value} ({})", titles.join("; ")));
                notes.push(format!("{name}: {}.", parts.collect::<Vec<_>>().join(", ")));
            }
        }
    }
    notes
}

/// What inputs lost, of the run that lost most.
fn truncated(rows: &[Row]) -> Option<String> {
    let records = || rows.iter().filter_map(|row| row.records.as_ref());
    let most = |share: fn(&Records) -> f64| records().map(share).fold(0.0, f64::max);
    let shares = [
        (
            most(|records| records.fit.outcome.truncated),
            "a run's train and dev texts",
        ),
        (
            most(|records| {
                let test = records.test.as_ref();
                test.map_or(0.0, |test| test.truncated)
            }),
            "its test texts",
        ),
        (
            most(|records| records.fit.outcome.truncated_demonstrations),
            "its demonstrations (to `demonstration_tokens`)",
        ),
    ];
    let cut: Vec<String> = shares
        .iter()
        .filter(|(share, _)| *share > 0.0)
        .map(|(share, of)| format!("{:.1} % of {of}", 100.0 * share))
        .collect();
    (!cut.is_empty()).then(|| format!("Cut to the longest input: up to {}.", cut.join(", ")))
}

fn published(outline: &Outline) -> Option<String> {
    let tasks = &outline.experiment.tasks;
    let mut sources: Vec<&str> = Vec::new();
    for figure in &outline.experiment.published {
        let here = tasks.iter().any(|task| task.name == figure.task);
        if here && !sources.contains(&figure.source.as_str()) {
            sources.push(&figure.source);
        }
    }
    (!sources.is_empty()).then(|| {
        format!(
            "Published figures (empty where not confirmed): {}.",
            sources.join("; ")
        )
    })
}
