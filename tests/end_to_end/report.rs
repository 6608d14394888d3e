//! `dart-exp report`: the page, its pictures and the LaTeX table; looked at by a real browser where
//! there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{Lab, read};

const FIGURES: &str = "\
method,task,model,k,metric,mean,sd,seeds,source
DART,movies,Big & Co,4,accuracy,93.5,0.5,5,A paper
DART,products,Big & Co,4,accuracy,88.2,,,A paper
LM-BFF,movies,Elsewhere,64,accuracy,99.9,,,Of another K
";

/// One sweep with a report, made once for all tests here.
static REPORTED: LazyLock<Lab> = LazyLock::new(|| {
    let lab = Lab::new();
    lab.write("figures.csv", FIGURES);
    let methods = "{majority: , fine-tuning: , dart: , plain: {from: dart, fluency: null, title: \
                   \"DART <without> the fluency constraint & with a long name\"}}";
    let sets = [
        "seeds=[13, 21, 42]",
        "published=figures.csv",
        "steps=20",
        "title=\"Sweep <1> & more\"",
        &format!("methods={methods}"),
    ];
    let mut args = vec!["experiments/sweep.yaml"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    lab.run(&args).succeeded();
    // A run that did not end.
    let run = lab.runs("results/sweep", "products-fine-tuning").remove(0);
    for name in ["fit.json", "test.json", "selection.json"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    fs::write(run.join("log.txt"), "first\nout of <memory>\n\n").unwrap();
    args.insert(0, "report");
    // By its name alone.
    args[1] = "sweep";
    let ended = lab.run(&args).succeeded();
    assert!(
        ended.stdout.starts_with("results/sweep/report.html\n"),
        "{}",
        ended.stdout
    );
    lab
});

fn page() -> String {
    read(&REPORTED.path("results/sweep/report.html"))
}

#[test]
fn the_page_has_everything_and_needs_nothing() {
    let page = page();
    let outside = [
        "http:", "https:", "src=", "href=", "<link", "<script", "@import", "url(\"",
    ];
    let bare = page.replace("http://www.w3.org/2000/svg", "");
    for sign in outside {
        assert!(!bare.contains(sign), "{sign}");
    }
    for part in [
        "<title>Sweep &lt;1&gt; &amp; more</title>",
        "prefers-color-scheme: dark",
        "width=device-width",
        "DART &lt;without&gt; the fluency constraint &amp; with a long name",
        "Big &amp; Co",
        "93.5 (0.5)",
        "no published sd",
        "g</th>",
        "p (Holm)",
        "95 %, test rows",
        "Every cell: median",
        "13, 21, 42",
        "Label embeddings",
        "out of &lt;memory&gt;",
        "Not finished: 1 run has",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("Elsewhere"),
        "a figure of another K is not shown"
    );
    assert!(!page.contains("<without>"), "text is escaped");
}

#[test]
fn pictures_are_svg_with_text_and_png_of_the_same_size() {
    let folder = REPORTED.path("results/sweep/plots");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected: Vec<String> = [
        "differences-all",
        "differences-movies",
        "differences-products",
        "labels-movies-dart",
        "labels-movies-plain",
        "labels-products-dart",
        "labels-products-plain",
        "learning-movies",
        "learning-products",
        "scores-movies",
        "scores-products",
    ]
    .iter()
    .flat_map(|name| ["png", "svg"].map(|ending| format!("{name}.{ending}")))
    .collect();
    assert_eq!(names, expected);
    let page = page();
    for name in names.iter().filter(|name| name.ends_with(".svg")) {
        let svg = read(&folder.join(name));
        assert!(page.contains(&svg), "{name} stands in the page");
        let size: Vec<u32> = ["width=\"", "height=\""]
            .map(|key| svg.split(key).nth(1).unwrap().split('"').next().unwrap())
            .iter()
            .map(|number| number.parse().unwrap())
            .collect();
        let png = fs::read(folder.join(name.replace(".svg", ".png"))).unwrap();
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert_eq!([side(16), side(20)], [2 * size[0], 2 * size[1]], "{name}");
    }
    let bars = read(&folder.join("scores-movies.svg"));
    for text in ["Majority", "Fine-tuning", "Accuracy on test, %"] {
        assert!(bars.contains(&format!(">{text}</text>")), "{text}");
    }
}

#[test]
fn the_latex_table_is_whole() {
    let text = read(&REPORTED.path("results/sweep/table.tex"));
    assert!(text.contains("\\caption{Sweep \\textless{}1\\textgreater{} \\& more: mean"));
    assert_eq!(text.matches("\\begin{tabular}").count(), 2);
    assert_eq!(text.matches("\\end{table}").count(), 2);
    for table in text.split("\\begin{tabular}{").skip(1) {
        let columns = table.split('}').next().unwrap().len();
        let rows = table.split("\\bottomrule").next().unwrap();
        let mut count = 0;
        for row in rows.lines().filter(|line| line.ends_with(" \\\\")) {
            let cells = row.replace("\\&", "").matches(" & ").count() + 1;
            assert_eq!(cells, columns, "{row}");
            count += 1;
        }
        assert!(count >= 4, "{table}");
    }
    assert!(text.contains(" Not finished: 29 of 30 runs have ended.}"));
    assert!(text.contains("\\textit{DART as published, Big \\& Co} & \\textit{93.5 (0.5)} & "));
}

#[test]
fn a_report_of_nothing_says_so() {
    let lab = Lab::new();
    let ended = lab.run(&["report", "experiments/sweep.yaml"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("results/sweep has no finished run"),
        "{}",
        ended.stderr
    );
    assert!(!lab.path("results/sweep").exists());
}

/// Chromium, under one of its names.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "chrome-headless-shell",
    ];
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |f| f.join(name)));
    places.into_iter().find(|place| place.is_file())
}

/// Runs headless Chromium on a page.
fn browse(browser: &Path, page: &Path, args: &[&str]) -> String {
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .arg(format!(
            "--user-data-dir={}",
            page.with_extension("profile").display()
        ))
        .args(args)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What `look.js` measures of the report in frames of these widths.
fn look(browser: &Path, widths: &str, args: &[&str]) -> Vec<Value> {
    let script = include_str!("look.js").replace("WIDTHS", widths);
    let report = serde_json::to_string(&page())
        .unwrap()
        .replace("</", "<\\/");
    let wrapper = REPORTED.path(&format!("look-{}.html", args.len()));
    let text = format!("<!doctype html><script>const REPORT = {report};\n{script}</script>");
    fs::write(&wrapper, text).unwrap();
    let all = [&["--virtual-time-budget=20000", "--dump-dom"], args].concat();
    let dom = browse(browser, &wrapper, &all);
    let json = dom
        .split("<pre>")
        .nth(1)
        .and_then(|rest| rest.split("</pre>").next());
    let json = json.unwrap_or_else(|| panic!("no measurement in {dom:.2000}"));
    serde_json::from_str(
        &json
            .replace("&gt;", ">")
            .replace("&lt;", "<")
            .replace("&amp;", "&"),
    )
    .unwrap()
}

#[test]
fn a_browser_shows_the_page_well_at_every_width_light_and_dark() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium in PATH to look at the report with");
        return;
    };
    for (scheme, args) in [
        (
            "light",
            ["--blink-settings=preferredColorScheme=1"].as_slice(),
        ),
        (
            "dark",
            ["--blink-settings=preferredColorScheme=0", "--mute-audio"].as_slice(),
        ),
    ] {
        let seen = look(&browser, "[320, 390, 768, 1280]", args);
        assert_eq!(seen.len(), 4);
        for at in seen {
            let number = |name: &str| at[name].as_f64().unwrap();
            assert_eq!(at["scheme"], scheme);
            assert!(number("scroll") <= number("width"), "overflows: {at}");
            assert_eq!(number("pictures"), 11.0);
            assert!(number("smallest") >= 8.0, "illegible text: {at}");
            assert!(number("contrast") >= 4.5, "pale text: {at}");
            assert_eq!(
                at["outside"],
                Value::Array(Vec::new()),
                "text cut off: {at}"
            );
            assert_eq!(at["overlaps"], Value::Array(Vec::new()), "{at}");
        }
    }
    let picture = REPORTED.path("report.png");
    let shot = format!("--screenshot={}", picture.display());
    browse(
        &browser,
        &REPORTED.path("results/sweep/report.html"),
        &[&shot, "--window-size=1280,3000"],
    );
    let png = fs::read(&picture).unwrap();
    assert!(
        png.starts_with(b"\x89PNG") && png.len() > 20_000,
        "{}",
        png.len()
    );
}
