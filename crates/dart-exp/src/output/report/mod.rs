//! `report.html`: one page that shows all of an experiment and needs no other file and no network.

mod run;
mod tables;

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::findings::summary::Findings;
use crate::output::notes;
use crate::output::plot::labels::Map;
use crate::output::plot::{About, Picture, dark};

const STYLE: &str = include_str!("style.css");

/// The whole page.
///
/// # Errors
/// Files of runs that cannot be read.
pub fn page(findings: &Findings, pictures: &[Picture], maps: &[Map]) -> Result<String> {
    let experiment = findings.outline.experiment;
    let curves = pictures.iter().find(|p| p.about == About::Curves);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (experiment.title) }
                style { (PreEscaped(STYLE)) (PreEscaped(dark())) }
            }
            body {
                header {
                    h1 { (experiment.title) }
                    (run::summary(findings))
                }
                main {
                    section id="scores" {
                        h2 { "Scores" }
                        (tables::scores(findings))
                        (gallery(pictures, About::Scores))
                        (tables::in_full(findings))
                    }
                    @if let Some((first, comparisons)) = &findings.comparisons {
                        section id="comparison" {
                            h2 { (experiment.methods[*first].named.title) " against the others" }
                            (tables::comparison(findings, *first, comparisons))
                            (gallery(pictures, About::Differences))
                            @if pictures.iter().any(|p| p.about == About::Differences) {
                                p.note {
                                    "Points: mean paired difference over the seeds. Dark line: 95 % \
                                     interval over the seeds (none below three seeds, and none over \
                                     several tasks). Pale broad line: central 95 % when the test rows \
                                     are drawn anew, seeds held fixed."
                                }
                            }
                        }
                    }
                    @if !findings.against.is_empty() {
                        section id="published" {
                            h2 { "Beside published figures" }
                            (tables::published(findings))
                        }
                    }
                    @if curves.is_some() {
                        section id="curves" {
                            h2 { "Curves" }
                            (gallery(pictures, About::Curves))
                            p.note { "Whiskers: 95 % interval over the seeds." }
                        }
                    }
                    @if pictures.iter().any(|p| p.about == About::Learning) {
                        section id="learning" {
                            h2 { "Learning curves" }
                            (gallery(pictures, About::Learning))
                            p.note {
                                "Mean over the seeds of the score on dev at each evaluation; the band \
                                 goes from the least to the most. The chosen runs alone."
                            }
                        }
                    }
                    @if !maps.is_empty() {
                        section id="labels" {
                            h2 { "Label embeddings" }
                            (gallery(pictures, About::Labels))
                            (tables::labels(findings, maps))
                        }
                    }
                    section id="run" {
                        h2 { "What was run" }
                        (run::data(findings))
                        (run::methods(findings))
                        (tables::tried(findings))
                    }
                    section id="notes" {
                        h2 { "Notes and warnings" }
                        (run::unfinished(findings)?)
                        ul {
                            @for note in notes::notes(findings) {
                                li { (marked(&note)) }
                            }
                        }
                    }
                }
                footer {
                    p {
                        "Written by dart-exp " (env!("CARGO_PKG_VERSION")) ". The same numbers stand in "
                        code { "runs.csv" } ", " code { "summary.csv" } ", " code { "table.md" } " and "
                        code { "table.tex" } "; the pictures in " code { "plots/" } "."
                    }
                }
            }
        }
    };
    Ok(page.into_string())
}

/// The pictures of one kind, as many beside each other as there is room for.
fn gallery(pictures: &[Picture], about: About) -> Markup {
    html! {
        @if pictures.iter().any(|p| p.about == about) {
            div.gallery {
                @for picture in pictures.iter().filter(|p| p.about == about) {
                    figure id=(picture.name) { (PreEscaped(&picture.svg)) }
                }
            }
        }
    }
}

/// A note with its `code` and **emphasis**.
fn marked(note: &str) -> Markup {
    html! {
        @for (i, part) in note.split('`').enumerate() {
            @if i % 2 == 1 {
                code { (part) }
            } @else {
                @for (i, part) in part.split("**").enumerate() {
                    @if i % 2 == 1 { strong { (part) } } @else { (part) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_escaped_and_marked() {
        assert_eq!(
            marked("**Not <b>**: see `a<b`.").into_string(),
            "<strong>Not &lt;b&gt;</strong>: see <code>a&lt;b</code>."
        );
    }
}
