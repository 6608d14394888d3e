//! The report's tables.

use dart_data::{Shots, Task};
use maud::{Markup, html};

use crate::findings::cells::Cell;
use crate::findings::compare::Comparison;
use crate::findings::points;
use crate::findings::summary::{Findings, Line, in_percent};
use crate::output::plot::labels::Map;
use crate::output::table::{self, explained};
use crate::plan::outline::Scored;
use crate::terminal::units::thousands;

/// Methods × tasks, published figures below ours and marked as such.
pub fn scores(findings: &Findings) -> Markup {
    let experiment = findings.outline.experiment;
    let published = findings.lines.iter().any(|line| line.method.is_none());
    html! {
        div.wide tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Method" }
                        @for task in &experiment.tasks { th.number { (task.title) } }
                        th.number { "Average" }
                    }
                }
                tbody { @for line in &findings.lines { (row(line)) } }
            }
        }
        p.note {
            "Mean (sample standard deviation) in percent over "
            (experiment.seeds.len()) " seeds; below it the 95 % interval of the mean over the seeds \
            (none for fewer than three)."
            @if published {
                " Rows marked " span.badge { "published" } " are the papers' own figures, of their \
                models; an empty cell was not confirmed."
            }
        }
    }
}

fn row(line: &Line) -> Markup {
    let published = line.method.is_none();
    html! {
        tr.published[published] {
            th scope="row" {
                @if published {
                    (line.name.replace(" as published", "")) " " span.badge { "published" }
                } @else {
                    (line.name)
                }
            }
            @for score in &line.scores {
                td.number {
                    @if let Some(score) = score {
                        (table::score(score))
                        @if let Some(interval) = score.interval { br; small { (range(interval)) } }
                    }
                }
            }
            td.number { @if let Some(average) = line.average { (format!("{average:.1}")) } }
        }
    }
}

fn range((low, high): (f64, f64)) -> String {
    format!("{low:.1}–{high:.1}")
}

/// Every cell with all that is known of it.
pub fn in_full(findings: &Findings) -> Markup {
    let experiment = findings.outline.experiment;
    let many_models = experiment.models.len() > 1;
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let cells = findings.cells.iter().zip(&findings.test_rows);
    html! {
        details {
            summary { "Every cell: median, seed spread and test-sample error apart" }
            div.wide tabindex="0" {
                table {
                    thead {
                        tr {
                            th { "Task" } th { "Method" }
                            @if many_models { th { "Model" } }
                            th.number { "K" } th.number { "Seeds" } th.number { "Mean" }
                            th.number { "Median" } th.number { "sd" }
                            th.number { "95 %, seeds" } th.number { "95 %, test rows" }
                            th.number { "Dev mean" } th.number { "Trials" } th.number { "Test rows" }
                        }
                    }
                    tbody {
                        @for (cell, test_rows) in cells {
                            tr {
                                td { (experiment.tasks[cell.place().task].title) }
                                td { (experiment.methods[cell.place().method].named.title) }
                                @if many_models { td { (cell.place().model) } }
                                td.number { (k_of(&experiment.tasks[cell.place().task], cell.place().k)) }
                                @if let Some(s) = &cell.scores {
                                    td.number { (s.count) }
                                    td.number { (percent(s.mean)) }
                                    td.number { (percent(s.median)) }
                                    td.number { (s.sd.map(percent).unwrap_or_default()) }
                                    td.number { (s.interval.map(in_percent).map(range).unwrap_or_default()) }
                                } @else {
                                    td.number { "0" } td {} td {} td {} td {}
                                }
                                td.number { (test_rows.map(in_percent).map(range).unwrap_or_default()) }
                                td.number { (dev_mean(cell).map(percent).unwrap_or_default()) }
                                td.number { (cell.entry.trials.len()) }
                                td.number {
                                    @match cell.entry.scored {
                                        Scored::Test(Some(rows)) => { (thousands(rows)) },
                                        Scored::Test(None) => { "test" },
                                        Scored::Dev => { "dev" },
                                    }
                                }
                            }
                        }
                    }
                }
            }
            p.note {
                "95 %, seeds: mean ± t · sd / √s, over what training examples, initial values and \
                 order do. 95 %, test rows: the same runs scored on test rows drawn anew with \
                 replacement (" (thousands(crate::findings::bootstrap::SAMPLES)) " times), over what the choice \
                 of test rows does."
            }
        }
    }
}

/// K of a task as people read it: where train and dev are given, K takes nothing from them.
fn k_of(task: &Task, k: Shots) -> String {
    match task.split_is_given() {
        true => "as given".to_owned(),
        false => k.to_string(),
    }
}

fn dev_mean(cell: &Cell) -> Option<f64> {
    crate::findings::stats::describe(&cell.devs()).map(|s| s.mean)
}

/// One method less each other, all tasks together.
pub fn comparison(findings: &Findings, first: usize, comparisons: &[Comparison]) -> Markup {
    let methods = &findings.outline.experiment.methods;
    html! {
        div.wide tabindex="0" {
            table {
                thead {
                    tr {
                        th { (methods[first].named.title) " less …" }
                        th.number { "Difference" } th.number { "95 %, test rows alone" }
                        th.number { "g" } th.number { "Tasks won–lost" }
                        th.number { "p" } th.number { "p (Holm)" }
                    }
                }
                tbody {
                    @for c in comparisons {
                        @let [name, numbers @ ..] = table::compared(findings.outline, c);
                        tr {
                            th scope="row" { (name) }
                            @for number in numbers { td.number { (number) } }
                        }
                    }
                }
            }
        }
        p.note { (explained(findings.outline, comparisons)) }
    }
}

/// Ours beside what was published.
pub fn published(findings: &Findings) -> Markup {
    let experiment = findings.outline.experiment;
    let sd = |sd: Option<f64>| sd.map(|sd| format!(" ({sd:.1})")).unwrap_or_default();
    html! {
        div.wide tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Method" } th { "Task" } th { "Published" } th { "Ours" }
                        th.number { "Difference" } th { "Seed noise" }
                    }
                }
                tbody {
                    @for a in &findings.against {
                        tr {
                            th scope="row" { (experiment.methods[a.method].named.title) }
                            td { (experiment.tasks[a.task].title) }
                            td {
                                (format!("{:.1}", a.figure.mean)) (sd(a.figure.sd)) ", "
                                (a.figure.model) br; small { (a.figure.source) }
                            }
                            td { (format!("{:.1}", a.ours)) ", " (a.model) }
                            td.number { (format!("{:+.1}", a.ours - a.figure.mean)) }
                            td { (table::noise(&a.noise)) }
                        }
                    }
                }
            }
        }
        p.note { (table::NOISE_EXPLAINED) }
    }
}

/// What a search tried.
pub fn tried(findings: &Findings) -> Markup {
    let points = points::points(findings.outline, findings.rows);
    let methods = &findings.outline.experiment.methods;
    html! {
        @if !points.is_empty() {
            h3 { "What the search tried" }
            div.wide tabindex="0" {
                table {
                    thead {
                        tr {
                            th { "Method" } th { "Settings" }
                            th.number { "Mean dev, %" } th.number { "Runs" }
                        }
                    }
                    tbody {
                        @for point in points {
                            tr {
                                th scope="row" { (methods[point.method].named.title) }
                                td { (point.settings) }
                                td.number { (format!("{:.2}", 100.0 * point.dev)) }
                                td.number { (point.runs) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where the label embeddings went, in numbers and words.
pub fn labels(findings: &Findings, maps: &[Map]) -> Markup {
    let experiment = findings.outline.experiment;
    html! {
        p.note {
            "Large marks: the label words' embeddings. Arrows: where training took them, one a seed; \
            small marks instead, where the rows did not begin as copies of their words. The plane is \
            that of the first two principal components of all these points. Moves too short \
            to see are drawn longer, as the table says. The nearest words are those of the mean over \
            the seeds, by cosine."
        }
        div.wide tabindex="0" {
            table {
                thead {
                    tr {
                        th { "Task" } th { "Method" } th { "Class" } th { "Label word" }
                        th.number { "Cosine with it" } th { "Nearest words" }
                        th.number { "Drawn longer" } th.number { "Variance shown" }
                    }
                }
                tbody {
                    @for map in maps {
                        @let task = &experiment.tasks[map.task];
                        @for (class, label) in task.labels.iter().enumerate() {
                            tr {
                                td { (task.title) @if experiment.ks.len() > 1 { ", K = " (map.k) } }
                                td { (experiment.methods[map.method].named.title) }
                                td { (label) }
                                td { (task.words[class]) }
                                td.number { (format!("{:.3}", map.map.cosine[class])) }
                                td { (map.map.nearest[class].join(", ")) }
                                td.number { "× " (map.longer) }
                                td.number { (format!("{:.0} %", 100.0 * map.map.explained)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
