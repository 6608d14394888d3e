//! How a table was made: what its reader must know to trust or repeat it.

use dart_data::Shots;

use crate::experiment::options::Options;
use crate::findings::cells::Cell;
use crate::findings::rows::Row;
use crate::plan::runs::{Group, Plan};
use crate::terminal::units::thousands;

/// The notes, one a line.
pub fn notes(plan: &Plan, rows: &[Row], cells: &[Cell]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((done, all)) = unfinished(plan, rows, cells) {
        notes.push(format!(
            "**Not finished**: {done} of {all} runs have ended."
        ));
    }
    notes.push(scores(plan));
    notes.push(test(plan));
    notes.push(selection(plan));
    notes.extend(settings(plan));
    let models: Vec<&str> = plan
        .experiment
        .models
        .iter()
        .map(|m| m.name.as_str())
        .collect();
    notes.push(format!("Language model: {}.", models.join(", ")));
    notes.extend(encoders(plan));
    notes.extend(truncated(rows));
    notes.extend(plan.experiment.keys.notes().0);
    notes.extend(published(plan));
    notes.extend(
        plan.warnings
            .iter()
            .map(|warning| format!("Data: {warning}.")),
    );
    notes
}

/// Runs that have ended, and all; none where every cell is whole.
pub fn unfinished(plan: &Plan, rows: &[Row], cells: &[Cell]) -> Option<(usize, usize)> {
    let all = plan.runs().count();
    let count = |cell: &Cell| cell.scores.as_ref().map_or(0, |s| s.count);
    let whole = rows.len() == all && cells.iter().all(|cell| count(cell) >= seeds(plan));
    (!whole).then_some((rows.len(), all))
}

/// Methods that use a sentence encoder.
fn encoders(plan: &Plan) -> Vec<String> {
    let methods = plan.experiment.methods.iter();
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

fn seeds(plan: &Plan) -> usize {
    plan.experiment.seeds.len()
}

fn scores(plan: &Plan) -> String {
    let seeds: Vec<String> = plan.experiment.seeds.iter().map(u64::to_string).collect();
    let mut metrics: Vec<(String, Vec<&str>)> = Vec::new();
    for task in &plan.experiment.tasks {
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
        examples(plan)
    )
}

/// How many examples a run trains on.
fn examples(plan: &Plan) -> String {
    let experiment = &plan.experiment;
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
pub fn dev_alone(plan: &Plan) -> Option<&'static str> {
    if !plan.experiment.keys.score_test() {
        return Some("Test was not scored: the cells are dev scores.");
    }
    let none = plan.groups.iter().all(|group| group.test_rows == 0);
    none.then_some("There is no test set: the cells are dev scores.")
}

fn test(plan: &Plan) -> String {
    if let Some(why) = dev_alone(plan) {
        return why.to_owned();
    }
    let experiment = &plan.experiment;
    let rows: Vec<String> = experiment
        .tasks
        .iter()
        .enumerate()
        .filter_map(|(t, task)| {
            let group = plan.groups.iter().find(|group| group.task == t)?;
            Some(match group.test_rows {
                0 => format!("{} none (dev scores)", task.title),
                rows => format!("{} {}", task.title, thousands(rows)),
            })
        })
        .collect();
    let cap = match experiment.keys.test_rows().0 {
        Some(limit) => format!(
            " (at most {} rows a task, drawn with seed {})",
            thousands(limit),
            experiment.keys.test_seed()
        ),
        None => String::new(),
    };
    format!(
        "Test rows: {}{cap}. Each choice was written down before its weights scored test, once.",
        rows.join(", ")
    )
}

fn selection(plan: &Plan) -> String {
    let trials: Vec<usize> = plan.groups.iter().map(|group| group.trials.len()).collect();
    let (least, most) = (trials.iter().min().copied(), trials.iter().max().copied());
    let trials = match (least.unwrap_or(1), most.unwrap_or(1)) {
        (1, 1) => "one trial a cell and seed".to_owned(),
        (least, most) if least == most => format!("the best of {most} trials a cell and seed"),
        _ => {
            let of_methods = plan
                .experiment
                .methods
                .iter()
                .enumerate()
                .map(|(m, choice)| {
                    let here = |group: &&Group| group.method == m;
                    let count = plan
                        .groups
                        .iter()
                        .find(here)
                        .map_or(0, |group| group.trials.len());
                    format!("{} {count}", choice.named.title)
                });
            format!(
                "trials a cell and seed: {}",
                of_methods.collect::<Vec<_>>().join(", ")
            )
        }
    };
    let random = plan.experiment.sampling.map_or(String::new(), |s| {
        let (samples, seed) = (s.samples, s.seed);
        format!("; random search, {samples} points a method, drawn with seed {seed}")
    });
    format!(
        "Selection: the weights of the best evaluation on dev{}; {trials}{random}.",
        dev(plan)
    )
}

/// How large dev is.
fn dev(plan: &Plan) -> String {
    let experiment = &plan.experiment;
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
fn settings(plan: &Plan) -> Vec<String> {
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
        for (m, choice) in plan.experiment.methods.iter().enumerate() {
            let of_method = plan.runs().filter(|(group, _)| group.method == m);
            let mut tried: Vec<String> = Vec::new();
            for value in of_method.filter_map(|(_, run)| text(&run.shown)) {
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
    let most = |share: fn(&Row) -> f64| rows.iter().map(share).fold(0.0, f64::max);
    let shares = [
        (
            most(|row| row.fit.outcome.truncated),
            "a run's train and dev texts",
        ),
        (
            most(|row| row.test.as_ref().and_then(|t| t.truncated).unwrap_or(0.0)),
            "its test texts",
        ),
        (
            most(|row| row.fit.outcome.truncated_demonstrations),
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

fn published(plan: &Plan) -> Option<String> {
    let tasks = &plan.experiment.tasks;
    let mut sources: Vec<&str> = Vec::new();
    for figure in &plan.experiment.published {
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
