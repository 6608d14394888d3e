//! Scores over K, and over a setting that methods differ in.

use super::lines::{self, Axis, Curve, Point, Spread};
use super::picture::{About, Picture, axis, capital, tasks};
use crate::experiment::options::Options;
use crate::findings::summary::{Findings, Line, Score};

/// The curves that the experiment has.
pub fn pictures(findings: &Findings) -> Vec<Picture> {
    let mut pictures = over_k(findings);
    for setting in 0..Options::NAMES.len() {
        pictures.extend(over_setting(findings, setting));
    }
    pictures
}

fn point(x: f64, score: &Score) -> Point {
    Point {
        x,
        y: score.mean,
        spread: score.interval,
    }
}

/// One picture a task; a curve a method and model.
fn over_k(findings: &Findings) -> Vec<Picture> {
    let outline = findings.outline;
    // All there are is no number to stand on the axis.
    let numbers = outline.experiment.ks.iter().filter_map(|k| k.number());
    if numbers.count() < 2 {
        return Vec::new();
    }
    let mut pictures = Vec::new();
    for (t, task) in tasks(outline) {
        let curves = curves_over_k(&findings.lines, t);
        if curves.is_empty() {
            continue;
        }
        let x = Axis {
            name: "K, training examples a class".to_owned(),
            doubling: true,
        };
        let scene = lines::curves(
            &task.title,
            &x,
            &axis(outline, t),
            Spread::Whiskers,
            &curves,
        );
        let title = format!("{}: scores over K", task.title);
        let name = ["k-shot", &task.name];
        pictures.push(Picture::new(About::Curves, &name, &title, &scene));
    }
    pictures
}

/// A task's curves: what each method and model has scored at each K that is a number.
fn curves_over_k(lines: &[Line], task: usize) -> Vec<Curve> {
    let mut keys: Vec<(Option<usize>, &Option<String>)> = Vec::new();
    for line in lines.iter().filter(|line| line.method.is_some()) {
        if !keys.contains(&(line.method, &line.model)) {
            keys.push((line.method, &line.model));
        }
    }
    let of_key = |(place, key): (usize, &(Option<usize>, &Option<String>))| {
        let same = |line: &&Line| (line.method, &line.model) == *key;
        let lines: Vec<&Line> = lines.iter().filter(same).collect();
        let point =
            |line: &&Line| Some(point(line.k.number()? as f64, line.scores[task].as_ref()?));
        let points = lines.iter().filter_map(point).collect();
        curve(lines.first()?.series.clone(), place, points)
    };
    keys.iter().enumerate().filter_map(of_key).collect()
}

/// A curve with its points in order; none without a point.
fn curve(name: String, place: usize, mut points: Vec<Point>) -> Option<Curve> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    (!points.is_empty()).then_some(Curve {
        name,
        place,
        points,
    })
}

/// Methods that differ in nothing but one number, three of them at least.
struct Family {
    /// The other settings.
    key: Vec<String>,
    /// Value and method.
    members: Vec<(f64, usize)>,
}

fn families(findings: &Findings, setting: usize) -> Vec<Family> {
    let outline = findings.outline;
    let mut families: Vec<Family> = Vec::new();
    for (m, choice) in outline.experiment.methods.iter().enumerate() {
        let Some(entry) = outline.entries.iter().find(|entry| entry.place.method == m) else {
            continue;
        };
        // What a search chose is not a setting of the method.
        let [trial] = entry.trials.as_slice() else {
            continue;
        };
        let mut key = trial.settings.cells();
        let Ok(value) = std::mem::take(&mut key[setting]).parse::<f64>() else {
            continue;
        };
        key.push(format!("{:?}", choice.named.kind));
        match families.iter_mut().find(|family| family.key == key) {
            Some(family) => family.members.push((value, m)),
            None => families.push(Family {
                key,
                members: vec![(value, m)],
            }),
        }
    }
    for family in &mut families {
        family.members.sort_by(|a, b| a.0.total_cmp(&b.0));
        family.members.dedup_by(|a, b| a.0 == b.0);
    }
    families.retain(|family| family.members.len() >= 3);
    families
}

fn over_setting(findings: &Findings, setting: usize) -> Vec<Picture> {
    let outline = findings.outline;
    let families = families(findings, setting);
    if families.is_empty() || outline.experiment.ks.len() > 1 {
        return Vec::new();
    }
    let values = || families.iter().flat_map(|f| &f.members).map(|(v, _)| *v);
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let name = Options::NAMES[setting];
    let shown = name.replace('_', " ");
    let x = Axis {
        name: capital(&shown),
        doubling: least > 0.0 && most / least >= 16.0,
    };
    let mut pictures = Vec::new();
    for (t, task) in tasks(outline) {
        let mut curves = Vec::new();
        for family in &families {
            for model in &outline.experiment.models {
                let point = |(value, method): &(f64, usize)| {
                    let same = |line: &&Line| {
                        let own = !outline.experiment.methods[*method].shares_models();
                        line.method == Some(*method)
                            && (own || line.model.as_ref().is_none_or(|m| *m == model.name))
                    };
                    let line = findings.lines.iter().find(same)?;
                    Some(point(*value, line.scores[t].as_ref()?))
                };
                let title =
                    |(_, m): &(f64, usize)| outline.experiment.methods[*m].named.title.as_str();
                let titles: Vec<&str> = family.members.iter().map(title).collect();
                let mut name = shared_title(&titles);
                if outline.experiment.models.len() > 1 {
                    name = format!("{name}, {}", model.name);
                }
                let points = family.members.iter().filter_map(point).collect();
                curves.extend(curve(name, curves.len(), points));
            }
        }
        if curves.is_empty() {
            continue;
        }
        let y = axis(outline, t);
        let scene = lines::curves(&task.title, &x, &y, Spread::Whiskers, &curves);
        let title = format!("{}: scores over {shown}", task.title);
        let file = [name, &task.name];
        pictures.push(Picture::new(About::Curves, &file, &title, &scene));
    }
    pictures
}

/// The words that the titles of a family begin with; its first and last title where they share none.
fn shared_title(titles: &[&str]) -> String {
    let (Some(first), Some(last)) = (titles.first(), titles.last()) else {
        return String::new();
    };
    let words: Vec<&str> = first.split(' ').collect();
    let shared = |i: &usize| {
        let mut others = titles.iter().map(|title| title.split(' ').nth(*i));
        others.all(|word| word == Some(words[*i]))
    };
    let count = (0..words.len()).take_while(shared).count();
    let start = words[..count].join(" ");
    match start.trim_end_matches([',', ':', '=', '(', ' ']) {
        "" => format!("{first} … {last}"),
        start => start.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_over_k_have_the_names_of_their_methods_whatever_these_hold() {
        let line = |method: usize, series: &str, k: &str, mean: Option<f64>| Line {
            name: format!("{series}, whatever"),
            series: series.to_owned(),
            method: Some(method),
            model: Some("m".to_owned()),
            k: k.parse().unwrap(),
            scores: vec![mean.map(|mean| Score {
                mean,
                sd: None,
                interval: None,
            })],
            average: None,
        };
        let lines = [
            line(0, "DART, K=all", "16", Some(70.0)),
            line(0, "DART, K=all", "2", Some(60.0)),
            line(0, "DART, K=all", "full", Some(90.0)),
            line(1, "Nothing yet", "2", None),
            line(2, "Plain", "2", Some(50.0)),
        ];
        let curves = curves_over_k(&lines, 0);
        let seen = |curve: &Curve| {
            let points: Vec<_> = curve.points.iter().map(|p| (p.x, p.y)).collect();
            (curve.name.clone(), curve.place, points)
        };
        let seen: Vec<_> = curves.iter().map(seen).collect();
        let name = str::to_owned;
        let dart = vec![(2.0, 60.0), (16.0, 70.0)];
        let wanted = [
            (name("DART, K=all"), 0, dart),
            (name("Plain"), 2, vec![(2.0, 50.0)]),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn a_family_is_named_by_the_words_that_its_titles_share() {
        for (titles, name) in [
            (["DART, 1 token", "DART, 10 tokens", "DART, 2"], "DART"),
            (["DART 1", "DART 10", "DART 100"], "DART"),
            (["1 token", "10 tokens", "20 tokens"], "1 token … 20 tokens"),
            (["DART", "DART", "DART"], "DART"),
        ] {
            assert_eq!(shared_title(&titles), name);
        }
    }
}
