//! The tables of `table.md`, `table.tex` and `report.html` as rows of cells, and the numbers in them.

/// Rows of cells; the header first.
pub type Table = Vec<Vec<String>>;

/// The tables of a text in Markdown, in order.
pub fn of_markdown(text: &str) -> Vec<Table> {
    let rule = |row: &[String]| row.iter().all(|cell| cell.trim_end_matches(':') == "---");
    let mut tables = Vec::new();
    for block in text.split("\n\n") {
        let rows = block.lines().filter(|line| line.starts_with('|'));
        let cells = |line: &str| -> Vec<String> {
            let inner = line.trim_start_matches("| ").trim_end_matches(" |");
            let plain = |cell: &str| cell.trim().trim_matches('*').to_owned();
            inner.split(" | ").map(plain).collect()
        };
        let table: Table = rows.map(cells).filter(|row| !rule(row)).collect();
        if !table.is_empty() {
            tables.push(table);
        }
    }
    tables
}

/// The tables of a text in LaTeX, in order; signs and dashes as in Markdown.
pub fn of_latex(text: &str) -> Vec<Table> {
    let plain = |cell: &str| {
        let cell = cell.trim();
        let cell = cell
            .strip_prefix("\\textit{")
            .map_or(cell, |rest| rest.strip_suffix('}').unwrap_or(rest));
        let signs = [
            ("$-$", "-"),
            ("$+$", "+"),
            ("$\\pm$", "±"),
            ("--", "–"),
            ("\\%", "%"),
            ("\\ldots{}", "…"),
            ("\\textless{}", "<"),
        ];
        let replaced = |text: String, (from, to): (&str, &str)| text.replace(from, to);
        signs.into_iter().fold(cell.to_owned(), replaced)
    };
    let table = |part: &str| {
        let rows = part.split("\\bottomrule").next().unwrap_or_default();
        let rows = rows.lines().filter_map(|line| line.strip_suffix(" \\\\"));
        rows.map(|row| row.split(" & ").map(plain).collect())
            .collect()
    };
    text.split("\\toprule").skip(1).map(table).collect()
}

/// The tables of a part of a page, in order.
pub fn of_html(text: &str) -> Vec<Table> {
    let parts = |text: &str, tag: &str| -> Vec<String> {
        let (start, end) = (format!("<{tag}"), format!("</{tag}>"));
        let mut inner = Vec::new();
        for part in text.split(&start).skip(1) {
            // Not another tag that begins so.
            if part.starts_with(['>', ' ']) {
                let rest = part.split_once('>').map_or("", |(_, rest)| rest);
                inner.push(rest.split(&end).next().unwrap_or_default().to_owned());
            }
        }
        inner
    };
    let rows = |table: String| -> Table {
        let cells = |row: String| {
            // Header cells and others in their order.
            let row = row.replace("<th", "<td").replace("</th>", "</td>");
            parts(&row, "td").iter().map(|cell| words(cell)).collect()
        };
        parts(&table, "tr").into_iter().map(cells).collect()
    };
    parts(text, "table").into_iter().map(rows).collect()
}

/// Text without tags.
pub fn words(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let after = part.split_once('>').map_or(part, |(_, rest)| rest);
        text += after;
        text.push(' ');
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    let replaced = |text: String, (from, to): (&str, &str)| text.replace(from, to);
    let text = entities.into_iter().fold(text, replaced);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The part of a page between a section's tag and its end.
#[track_caller]
pub fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.split_once(&format!("<section id=\"{id}\">"));
    let (_, rest) = start.unwrap_or_else(|| panic!("the page has a section {id}"));
    rest.split_once("</section>").unwrap().0
}

/// A number as it is printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Printed {
    pub value: f64,
    /// Half a unit of its last digit.
    pub half: f64,
}

/// The numbers of a text in order. A hyphen or a plus before a digit is its sign, unless it stands
/// in a word; a dash parts two numbers.
pub fn numbers(text: &str) -> Vec<Printed> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let before = |n: usize| at.checked_sub(n).map(|i| chars[i]);
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let sign = before(1).filter(|c| ['-', '+'].contains(c));
        let end = (at..chars.len()).find(|&i| !(chars[i].is_ascii_digit() || chars[i] == '.'));
        let end = end.unwrap_or(chars.len());
        let digits: String = chars[at..end].iter().collect();
        let digits = digits.trim_end_matches('.');
        if !in_word(before(1)) && (sign.is_none() || !in_word(before(2))) {
            let value: f64 = digits.parse().unwrap();
            let decimals = digits.split_once('.').map_or(0, |(_, part)| part.len());
            found.push(Printed {
                value: if sign == Some('-') { -value } else { value },
                half: 0.5 * 0.1_f64.powi(decimals as i32),
            });
        }
        at = end;
    }
    found
}

#[test]
fn numbers_are_read_as_people_read_them() {
    let values = |text| -> Vec<f64> { numbers(text).iter().map(|n| n.value).collect() };
    assert_eq!(values("60.9 (8.1) 50.8–70.9"), [60.9, 8.1, 50.8, 70.9]);
    assert_eq!(values("-3.0–1; +0.4 to -2.1"), [-3.0, 1.0, 0.4, -2.1]);
    assert_eq!(values("2–1 (1 even), lm-2, k16"), [2.0, 1.0, 1.0]);
    assert!((numbers("0.062")[0].half - 0.0005).abs() < 1e-15);
}

#[test]
fn one_table_is_the_same_in_three_formats() {
    let rows = [["A less …", "p"], ["B", "-1.4"], ["C", "+0.2"]];
    let markdown = "# T\n\n| A less … | p |\n| --- | ---: |\n| B | -1.4 |\n| *C* | +0.2 |\n\nSo.";
    let latex = "\\toprule\nA less \\ldots{} & p \\\\\n\\midrule\nB & $-$1.4 \\\\\n\
                 \\textit{C} & $+$0.2 \\\\\n\\bottomrule";
    let html = "<table><thead><tr><th>A less …</th><th class=\"number\">p</th></tr></thead><tbody>\
                <tr><th scope=\"row\">B</th><td>-1.4</td></tr><tr><th>C</th><td>+0.2</td></tr>\
                </tbody></table>";
    assert_eq!(of_markdown(markdown), [rows]);
    assert_eq!(of_latex(latex), [rows]);
    assert_eq!(of_html(html), [rows]);
}
