//! What was run: data, settings, time, and what did not end well.

use anyhow::Result;
use maud::{Markup, html};

use crate::experiment::options::Options;
use crate::findings::summary::Findings;
use crate::plan::outline::Scored;
use crate::store::folder::run_files;
use crate::terminal::units::{duration, thousands};

/// The first lines of the page.
pub fn summary(findings: &Findings) -> Markup {
    let experiment = findings.outline.experiment;
    let models: Vec<&str> = experiment.models.iter().map(|m| m.name.as_str()).collect();
    let seeds: Vec<String> = experiment.seeds.iter().map(u64::to_string).collect();
    let ks: Vec<String> = experiment.ks.iter().map(|k| k.to_string()).collect();
    let (done, all) = (findings.rows.len(), findings.outline.trials().count());
    let seconds = findings.rows.iter().map(|row| row.seconds);
    let peak = findings.rows.iter().map(|row| row.peak_mib);
    let fact = |name: &str, value: String| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.facts {
            (fact("Model", models.join(", ")))
            (fact("Tasks", experiment.tasks.len().to_string()))
            (fact("Methods", experiment.methods.len().to_string()))
            (fact("K", ks.join(", ")))
            (fact("Seeds", seeds.join(", ")))
            (fact("Runs finished", format!("{} of {}", thousands(done), thousands(all))))
            (fact("Time of all runs", duration(seconds.sum())))
            (fact("Largest memory", format!("{:.0} MiB", peak.fold(0.0, f64::max))))
        }
        @if done < all {
            p.warning {
                "Not finished: " (thousands(all - done))
                @if all - done == 1 { " run has" } @else { " runs have" } " not ended."
            }
        }
    }
}

/// The tasks.
pub fn data(findings: &Findings) -> Markup {
    let outline = findings.outline;
    html! {
        h3 { "Data" }
        div.wide tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Task" } th.number { "Classes" } th { "Metric" }
                        th.number { "Rows scored" } th { "Template" } th { "Label words" }
                    }
                }
                tbody {
                    @for (t, task) in outline.experiment.tasks.iter().enumerate() {
                        tr {
                            th scope="row" { (task.title) }
                            td.number { (task.labels.len()) }
                            td { (task.metric.to_string()) }
                            td.number {
                                @match outline.entries.iter().find(|e| e.place.task == t).map(|e| e.scored) {
                                    Some(Scored::Test(Some(rows))) => { (thousands(rows)) " of test" },
                                    Some(Scored::Test(None)) => { "test" },
                                    Some(Scored::Dev) | None => { "dev" },
                                }
                            }
                            td { code { (task.template) } }
                            td { (task.words.join(", ")) }
                        }
                    }
                }
            }
        }
    }
}

/// Settings: once where all methods agree, by method where they differ.
pub fn methods(findings: &Findings) -> Markup {
    let experiment = findings.outline.experiment;
    let of_method = |m: usize, setting: usize| {
        let runs = findings
            .outline
            .trials()
            .filter(|(entry, _)| entry.place.method == m);
        let mut values: Vec<String> = Vec::new();
        for (_, trial) in runs {
            let value = trial.settings.cells().swap_remove(setting);
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        values.join(" or ")
    };
    let count = experiment.methods.len();
    let (mut common, mut own) = (Vec::new(), Vec::new());
    for (setting, name) in Options::NAMES.iter().enumerate() {
        let values: Vec<String> = (0..count).map(|m| of_method(m, setting)).collect();
        let mut given = values.iter().filter(|value| !value.is_empty());
        let name = name.replace('_', " ");
        match given.next() {
            None => {}
            Some(first) if given.all(|value| value == first) => common.push((name, first.clone())),
            Some(_) => own.push((name, values)),
        }
    }
    html! {
        h3 { "Settings" }
        @if !common.is_empty() {
            p { "Of every method that has them:" }
            dl.facts {
                @for (name, value) in common { div { dt { (name) } dd { (value) } } }
            }
        }
        @if !own.is_empty() {
            p { "By method; empty where a setting has no meaning:" }
            div.wide tabindex="0" {
                table {
                    thead {
                        tr { th { "Method" } @for (name, _) in &own { th { (name) } } }
                    }
                    tbody {
                        @for (m, choice) in experiment.methods.iter().enumerate() {
                            tr {
                                th scope="row" { (choice.named.title) }
                                @for (_, values) in &own { td { (values[m]) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Runs that have begun and not ended, with the last line of their logs.
pub fn unfinished(findings: &Findings) -> Result<Markup> {
    let outline = findings.outline;
    let mut begun = Vec::new();
    for entry in &outline.entries {
        for (index, trial) in entry.trials.iter().enumerate() {
            let Some(id) = &trial.id else { continue };
            let files = run_files(&outline.experiment.folder, id);
            if files.folder.is_dir() && files.fit()?.is_none() {
                let log = std::fs::read_to_string(files.log()).unwrap_or_default();
                let last = log.lines().rfind(|line| !line.trim().is_empty());
                begun.push((outline.name(entry, index), last.unwrap_or("").to_owned()));
            }
        }
    }
    Ok(html! {
        @if !begun.is_empty() {
            div.warning {
                p { "Runs that failed, were stopped or are under way:" }
                ul {
                    @for (name, last) in begun {
                        li { (name) @if !last.is_empty() { ": " code { (last) } } }
                    }
                }
            }
        }
    })
}
