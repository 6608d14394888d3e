//! The numbers that the program publishes, against an independent computation: `expected.json` of
//! each folder of `fixtures/statistics` is numpy's and scipy's of the `runs.csv` beside it (see
//! scripts/goldens/make_tables.py). Neither data nor models nor run folders are there.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::cells::{numbers, of_html, of_latex, of_markdown, section, words};
use crate::support::{Lab, read};
use crate::wanted::{Want, check, same};

/// One folder of fixtures with the program's report of it.
struct Case {
    name: &'static str,
    expected: Value,
    lab: Lab,
}

impl Case {
    fn report(name: &'static str) -> Self {
        let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/end_to_end/fixtures/statistics")
            .join(name);
        let lab = Lab::new();
        // Nothing but the rows: no data, no model.
        for folder in ["data", "models/tiny"] {
            fs::remove_dir_all(lab.path(folder)).unwrap();
        }
        let results = lab.path("results").join(name);
        fs::create_dir_all(&results).unwrap();
        fs::copy(fixture.join("runs.csv"), results.join("runs.csv")).unwrap();
        let file = format!("experiments/{name}.yaml");
        lab.write(&file, &read(&fixture.join("experiment.yaml")));
        if let Ok(figures) = fs::read_to_string(fixture.join("published.csv")) {
            lab.write("published.csv", &figures);
        }
        lab.run(&["report", name]).succeeded();
        let printed = lab.run(&["table", name]).succeeded().stdout;
        let case = Case {
            name,
            expected: serde_json::from_str(&read(&fixture.join("expected.json"))).unwrap(),
            lab,
        };
        assert_eq!(printed, case.file("table.md"));
        assert_eq!(case.file("runs.csv"), read(&fixture.join("runs.csv")));
        case
    }

    fn file(&self, name: &str) -> String {
        read(&self.lab.path("results").join(self.name).join(name))
    }

    fn list(&self, name: &str) -> &[Value] {
        self.expected[name].as_array().unwrap()
    }

    /// The table of scores, with or without intervals.
    fn scores(&self, intervals: bool) -> Vec<Vec<Want>> {
        let row = |line: &Value| {
            let score = |score: &Value| {
                let mut values = vec![score["mean"].as_f64(), score["sd"].as_f64()];
                if intervals {
                    values.extend([score["low"].as_f64(), score["high"].as_f64()]);
                }
                Want::some(&values)
            };
            let mut row = vec![match intervals {
                // The page marks published figures instead.
                true => Want::Text(match line["name"].as_str().unwrap() {
                    name if name.contains(" as published") => {
                        name.replace(" as published", "") + " published"
                    }
                    name => name.to_owned(),
                }),
                false => Want::text(&line["name"]),
            }];
            row.extend(line["scores"].as_array().unwrap().iter().map(score));
            row.push(Want::some(&[line["average"].as_f64()]));
            row
        };
        self.list("lines").iter().map(row).collect()
    }

    fn comparisons(&self) -> Vec<Vec<Want>> {
        let all = self.list("comparisons");
        let row = |c: &Value| {
            let number = |name: &str| c[name].as_f64();
            let ties = number("ties").filter(|ties| *ties > 0.0);
            let p = |name: &str, factor| Want::Drawn(number(name).unwrap(), factor);
            vec![
                Want::text(&c["name"]),
                Want::some(&[number("difference").map(|d| 100.0 * d)]),
                Want::Numbers(Vec::new()),
                Want::some(&[number("g")]),
                Want::some(&[number("wins"), number("losses"), ties]),
                p("p", 1.0),
                p("p_holm", all.len() as f64),
            ]
        };
        all.iter().map(row).collect()
    }

    fn published(&self, with_sd: bool) -> Vec<Vec<Want>> {
        let row = |a: &Value| {
            let number = |name: &str| a[name].as_f64();
            let noise = match a["inside"].as_bool() {
                Some(true) => Want::Begins("inside", vec![number("half_width").unwrap()]),
                Some(false) => Want::Begins("outside", vec![number("half_width").unwrap()]),
                None => Want::Text("no published sd".to_owned()),
            };
            let sd = number("sd").filter(|_| with_sd);
            vec![
                Want::text(&a["method"]),
                Want::text(&a["task"]),
                Want::some(&[number("theirs"), sd]),
                Want::some(&[number("ours")]),
                Want::some(&[number("difference")]),
                noise,
            ]
        };
        self.list("published").iter().map(row).collect()
    }

    fn tried(&self) -> Vec<Vec<Want>> {
        let row = |point: &Value| {
            vec![
                Want::text(&point["method"]),
                Want::text(&point["settings"]),
                Want::some(&[point["dev"].as_f64()]),
                Want::some(&[point["runs"].as_f64()]),
            ]
        };
        self.list("tried").iter().map(row).collect()
    }

    /// The page's table of every cell.
    fn in_full(&self) -> Vec<Vec<Want>> {
        let many = self.lines_have_models();
        let row = |cell: &Value| {
            let share = |name: &str| cell[name].as_f64().map(|share| 100.0 * share);
            let mut row = vec![Want::text(&cell["task_title"]), Want::text(&cell["title"])];
            row.extend(many.then(|| Want::text(&cell["model"])));
            row.extend([
                Want::some(&[cell["k"].as_f64()]),
                Want::some(&[cell["seeds"].as_f64()]),
                Want::some(&[share("mean")]),
                Want::some(&[share("median")]),
                Want::some(&[share("sd")]),
                Want::some(&[share("low"), share("high")]),
                Want::Numbers(Vec::new()),
                Want::some(&[share("dev_mean")]),
                Want::some(&[cell["trials"].as_f64()]),
                Want::text(&cell["split"]),
            ]);
            row
        };
        self.list("summary").iter().map(row).collect()
    }

    fn lines_have_models(&self) -> bool {
        let name = |cell: &Value| cell["model"].as_str().map(str::to_owned);
        let models = self.list("summary").iter().filter_map(name);
        let models: std::collections::BTreeSet<String> = models.collect();
        models.iter().filter(|model| *model != "none").count() > 1
    }

    /// `summary.csv`, to the last digits that two computations agree in.
    fn check_summary(&self) {
        let text = self.file("summary.csv");
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        let header = csv.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
        let wanted = self.list("summary");
        assert_eq!(rows.len(), wanted.len(), "{text}");
        for (row, wanted) in rows.iter().zip(wanted) {
            for (column, cell) in header.iter().zip(row) {
                let place = format!("{}: {column} of {row:?}", self.name);
                let want = match (column, &wanted[column]) {
                    ("metric", _) => &Value::from("accuracy"),
                    // What runs.csv does not tell.
                    (_, Value::Null) => &Value::from(""),
                    (_, want) => want,
                };
                match want.as_f64() {
                    Some(want) => {
                        let number: f64 = cell.parse().expect(&place);
                        assert!((number - want).abs() <= 1e-12, "{place}: {want}");
                    }
                    None => assert_eq!(cell, want.as_str().unwrap(), "{place}"),
                }
            }
        }
    }

    /// What a pointer that rests on the marks of a picture is told: names and numbers.
    fn check_tips(&self, picture: &str, wanted: &[(String, Vec<f64>)]) {
        let svg = self.file(&format!("plots/{picture}.svg"));
        let page = self.file("report.html");
        assert!(page.contains(&svg), "{picture} stands in the page");
        let tips: Vec<String> = svg
            .split("<title>")
            .skip(1)
            .map(|part| words(part.split("</title>").next().unwrap()))
            .collect();
        assert_eq!(tips.len(), wanted.len(), "{picture}: {tips:?}");
        for (tip, (name, values)) in tips.iter().zip(wanted) {
            let place = format!("{}, {picture}: {tip}", self.name);
            let told = tip
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(": "));
            let told = told.unwrap_or_else(|| panic!("{place}, not {name}"));
            let told = told.replace("95 %, ", "");
            same(&numbers(&told), values, &place);
        }
    }

    /// Tables in all formats, and the summary.
    fn check_tables(&self) {
        self.check_summary();
        let (markdown, latex) = (self.file("table.md"), self.file("table.tex"));
        let (markdown, latex) = (of_markdown(&markdown), of_latex(&latex));
        let mut wanted = vec![("scores", self.scores(false))];
        wanted.push(("comparisons", self.comparisons()));
        if !self.list("published").is_empty() {
            wanted.push(("published", self.published(false)));
        }
        if !self.list("tried").is_empty() {
            wanted.push(("tried", self.tried()));
        }
        assert_eq!(markdown.len(), wanted.len(), "{markdown:?}");
        for (table, (name, wanted)) in markdown.iter().zip(&wanted) {
            check(table, wanted, &format!("{}, table.md, {name}", self.name));
        }
        assert_eq!(latex.len(), 2, "{latex:?}");
        for (table, (name, wanted)) in latex.iter().zip(&wanted) {
            check(table, wanted, &format!("{}, table.tex, {name}", self.name));
        }
        self.check_page();
    }

    fn check_page(&self) {
        let page = self.file("report.html");
        let place = |name: &str| format!("{}, report.html, {name}", self.name);
        let scores = of_html(section(&page, "scores"));
        assert_eq!(scores.len(), 2, "{scores:?}");
        check(&scores[0], &self.scores(true), &place("scores"));
        check(&scores[1], &self.in_full(), &place("every cell"));
        let comparisons = of_html(section(&page, "comparison"));
        assert_eq!(comparisons.len(), 1, "{comparisons:?}");
        check(&comparisons[0], &self.comparisons(), &place("comparisons"));
        if !self.list("published").is_empty() {
            let published = of_html(section(&page, "published"));
            check(&published[0], &self.published(true), &place("published"));
        }
        if !self.list("tried").is_empty() {
            let run = of_html(section(&page, "run"));
            check(run.last().unwrap(), &self.tried(), &place("tried"));
        }
    }

    /// The pictures of differences, over all tasks and by task.
    fn check_differences(&self) {
        let name = |c: &Value| c["name"].as_str().unwrap().to_owned();
        let points = |share: Option<f64>| share.map(|share| 100.0 * share);
        let all = self.list("comparisons");
        let over_all = |c: &Value| {
            (
                name(c),
                points(c["difference"].as_f64()).into_iter().collect(),
            )
        };
        let wanted: Vec<_> = all.iter().map(over_all).collect();
        self.check_tips("differences-all", &wanted);
        let tasks: Vec<&Value> = all[0]["tasks"].as_array().unwrap().iter().collect();
        for task in tasks.iter().map(|on| on["task"].as_str().unwrap()) {
            let on_task = |c: &Value| {
                let on = c["tasks"].as_array().unwrap().iter();
                let on = on.into_iter().find(|on| on["task"] == task).unwrap();
                let values = ["difference", "low", "high"].map(|key| points(on[key].as_f64()));
                (name(c), values.into_iter().flatten().collect())
            };
            let wanted: Vec<_> = all.iter().map(on_task).collect();
            self.check_tips(&format!("differences-{}", task.to_lowercase()), &wanted);
        }
    }

    /// The pictures of scores, a bar a line that is ours.
    fn check_bars(&self, tasks: &[&str]) {
        for (t, task) in tasks.iter().enumerate() {
            let bar = |line: &Value| {
                let score = &line["scores"][t];
                let name = line["name"].as_str().unwrap().to_owned();
                let values = ["mean", "low", "high"].map(|key| score[key].as_f64());
                (name, values.into_iter().flatten().collect())
            };
            let ours = |line: &&Value| {
                !line["name"].as_str().unwrap().contains("published")
                    && !line["scores"][t].is_null()
            };
            let lines = self.list("lines").iter().filter(ours);
            self.check_tips(
                &format!("scores-{task}"),
                &lines.map(bar).collect::<Vec<_>>(),
            );
        }
    }
}

#[test]
fn two_tasks_three_methods_three_seeds() {
    let case = Case::report("two-tasks");
    case.check_tables();
    case.check_differences();
    case.check_bars(&["movies", "news"]);
    let page = case.file("report.html");
    for left_out in ["id=\"learning\"", "id=\"labels\""] {
        assert!(!page.contains(left_out), "{left_out} needs run folders");
    }
    for text in [page, case.file("table.md")] {
        let text = text.replace("<code>", "`").replace("</code>", "`");
        assert!(text.contains("Made from `runs.csv` alone"), "{text}");
    }
}

#[test]
fn tasks_of_the_same_texts_and_missing_runs() {
    let case = Case::report("shared-texts");
    case.check_tables();
    case.check_differences();
    case.check_bars(&["movies", "products", "mr", "news"]);
    let table = case.file("table.md");
    assert!(table.contains("Movies and MR share their texts and count once."));
    assert!(table.contains("all (task, seed) differences (at most 8)"));
    assert!(table.contains("**Not finished**: 44 of 48 runs have ended."));
}

#[test]
fn several_k_and_models() {
    let case = Case::report("shots-and-models");
    case.check_tables();
    case.check_differences();
    let lines = case.list("lines");
    for (t, task) in ["movies", "news"].iter().enumerate() {
        let point = |line: &Value| {
            let (curve, k) = line["name"].as_str().unwrap().rsplit_once(", K=").unwrap();
            let mean = line["scores"][t]["mean"].as_f64().unwrap();
            (format!("{curve}, {k}"), vec![mean])
        };
        let wanted: Vec<_> = lines.iter().map(point).collect();
        case.check_tips(&format!("k-shot-{task}"), &wanted);
    }
}

#[test]
fn a_search_on_dev_alone() {
    let case = Case::report("search");
    case.check_tables();
    case.check_differences();
    case.check_bars(&["movies", "news"]);
    let table = case.file("table.md");
    assert!(table.contains("Test was not scored: the cells are dev scores."));
    assert!(table.contains("trials a cell and seed: LM-BFF (manual prompt) 1, DART 2"));
}
