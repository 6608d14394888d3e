//! Tables in the formats that people read: `table.md` and `table.tex`; `summary.csv` is in
//! [`crate::findings::rows`].

use crate::terminal::units::thousands;

pub mod latex;
pub mod markdown;

use crate::findings::against::Noise;
use crate::findings::compare::{Comparison, independent_tasks};
use crate::findings::summary::Score;
use crate::plan::outline::Outline;

/// `70.1 (2.3)`: mean and standard deviation in percent.
pub fn score(score: &Score) -> String {
    match score.sd {
        Some(sd) => format!("{:.1} ({sd:.1})", score.mean),
        None => format!("{:.1}", score.mean),
    }
}

/// The cells of a comparison: the other method, difference, interval over the test rows, effect
/// size, tasks won and lost, p, and p after Holm.
pub fn compared(outline: &Outline, c: &Comparison) -> [String; 7] {
    [
        outline.experiment.methods[c.other].named.title.clone(),
        format!("{:+.1}", 100.0 * c.difference),
        c.test_rows.map(points).unwrap_or_default(),
        c.effect.map_or(String::new(), |g| format!("{g:+.2}")),
        won(c),
        p_value(c.p),
        p_value(c.p_holm),
    ]
}

/// `3–1 (1 even)`: tasks won and lost.
fn won(c: &Comparison) -> String {
    match c.ties {
        0 => format!("{}–{}", c.wins, c.losses),
        ties => format!("{}–{} ({ties} even)", c.wins, c.losses),
    }
}

/// `+0.4 to +2.1`: an interval of shares, in points.
fn points((low, high): (f64, f64)) -> String {
    format!("{:+.1} to {:+.1}", 100.0 * low, 100.0 * high)
}

/// A p value.
fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

/// Whether a published figure lies within what the seeds make of ours.
pub fn noise(noise: &Noise) -> String {
    match noise {
        Noise::Inside(half) => format!("inside (± {half:.1})"),
        Noise::Outside(half) => format!("outside (± {half:.1})"),
        Noise::NotPublished => "no published sd".to_owned(),
        Noise::TooFewSeeds => "too few seeds".to_owned(),
    }
}

/// What a comparison's columns are; `comparisons` stand in one table.
pub fn explained(outline: &Outline, comparisons: &[Comparison]) -> String {
    let units = comparisons.iter().map(|c| c.units).max().unwrap_or(0);
    format!(
        "Difference: mean over the tasks of the mean paired difference over the seeds, in points. \
         Test rows alone: the central 95 % when test rows are drawn anew with replacement, seeds \
         held fixed. g: the difference in standard deviations of the differences within a task \
         (Hedges' correction). p: two-sided, by {} random sign flips of all (task, seed) \
         differences (at most {units}), then Holm's correction over the lines of this table. It \
         speaks about these tasks and this model, not about others.{}{}",
        thousands(crate::findings::compare::FLIPS),
        match outline.experiment.ks.len() {
            1 => "",
            _ => " A seed's differences at several K count once, as their mean.",
        },
        once(outline)
    )
}

/// How published figures are compared.
pub const NOISE_EXPLAINED: &str = "Inside seed noise: the means differ by at most \
    t(0.975, ν) · √(sd₁²/s₁ + sd₂²/s₂) over s₁ and s₂ seeds, with Welch's degrees of freedom ν. The \
    models differ, so that this says how far the two stand apart, not which code is right.";

/// Says which tasks count once.
fn once(outline: &Outline) -> String {
    let groups = independent_tasks(&outline.experiment.tasks);
    let shared: Vec<String> = groups
        .iter()
        .filter(|group| group.len() > 1)
        .map(|group| {
            let titles = group
                .iter()
                .map(|t| outline.experiment.tasks[*t].title.as_str());
            titles.collect::<Vec<_>>().join(" and ")
        })
        .collect();
    match shared.is_empty() {
        true => String::new(),
        false => format!(" {} share their texts and count once.", shared.join("; ")),
    }
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
