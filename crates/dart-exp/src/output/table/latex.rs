//! `table.tex`: the same tables for a paper, with the booktabs package.

use std::fmt::Write;

use crate::findings::compare::Comparison;
use crate::findings::summary::Findings;
use crate::output::notes;

/// The whole of `table.tex`.
pub fn latex(findings: &Findings) -> String {
    let experiment = findings.outline.experiment;
    let mut text = "% Needs \\usepackage{booktabs}.\n".to_owned();
    let label = experiment
        .folder
        .file_name()
        .map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let seeds = experiment.seeds.len();
    let mut caption = format!(
        "{}: mean (sample standard deviation) in percent over {seeds} seed{}.",
        experiment.title,
        if seeds == 1 { "" } else { "s" }
    );
    if let Some(why) = notes::dev_alone(findings.outline) {
        caption += &format!(" {why}");
    }
    if let Some((done, all)) = notes::unfinished(findings) {
        caption += &format!(" Not finished: {done} of {all} runs have ended.");
    }
    let titles = experiment.tasks.iter().map(|task| task.title.clone());
    let mut header = vec!["Method".to_owned()];
    header.extend(titles);
    header.push("Average".to_owned());
    let mut rows: Vec<Row> = Vec::new();
    for line in &findings.lines {
        let mut cells = vec![line.name.clone()];
        let shown = |score: &Option<_>| score.as_ref().map_or(String::new(), super::score);
        cells.extend(line.scores.iter().map(shown));
        cells.push(line.average.map_or(String::new(), |a| format!("{a:.1}")));
        rows.push(Row {
            cells,
            published: line.method.is_none(),
        });
    }
    table(&mut text, &caption, &label, &header, &rows);
    if let Some((first, comparisons)) = &findings.comparisons {
        text.push('\n');
        comparison(findings, *first, comparisons, &label, &mut text);
    }
    text
}

fn comparison(
    findings: &Findings,
    first: usize,
    comparisons: &[Comparison],
    label: &str,
    text: &mut String,
) {
    let methods = &findings.outline.experiment.methods;
    let name = &methods[first].named.title;
    let header = [
        &format!("{name} less …"),
        "Difference",
        "Test rows, 95 %",
        "g",
        "Won–lost",
        "p",
        "p (Holm)",
    ]
    .map(str::to_owned);
    let row = |c: &Comparison| Row {
        cells: super::compared(findings.outline, c).to_vec(),
        published: false,
    };
    let rows: Vec<Row> = comparisons.iter().map(row).collect();
    let caption = format!(
        "{name} against the others. {}",
        super::explained(findings.outline, comparisons)
    );
    table(
        text,
        &caption,
        &format!("{label}-comparison"),
        &header,
        &rows,
    );
}

/// A row; published figures are set apart.
struct Row {
    cells: Vec<String>,
    published: bool,
}

fn table(text: &mut String, caption: &str, label: &str, header: &[String], rows: &[Row]) {
    let columns = "r".repeat(header.len().saturating_sub(1));
    let _ = writeln!(
        text,
        "\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\\label{{tab:{label}}}\n\
         \\begin{{tabular}}{{l{columns}}}\n\\toprule",
        escaped(caption)
    );
    line(text, header, false);
    text.push_str("\\midrule\n");
    let mut before = false;
    for row in rows {
        if row.published && !before {
            text.push_str("\\midrule\n");
        }
        before = row.published;
        line(text, &row.cells, row.published);
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

fn line(text: &mut String, cells: &[String], italic: bool) {
    let shown = |cell: &String| match italic && !cell.is_empty() {
        true => format!("\\textit{{{}}}", escaped(cell)),
        false => escaped(cell),
    };
    let cells: Vec<String> = cells.iter().map(shown).collect();
    let _ = writeln!(text, "{} \\\\", cells.join(" & "));
}

/// Text with what LaTeX takes for commands written out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '–' => out.push_str("--"),
            '…' => out.push_str("\\ldots{}"),
            '−' => out.push_str("$-$"),
            '√' => out.push_str("$\\surd$"),
            'ν' => out.push_str("$\\nu$"),
            'λ' => out.push_str("$\\lambda$"),
            '×' => out.push_str("$\\times$"),
            '±' => out.push_str("$\\pm$"),
            other => out.push(other),
        }
    }
    // A minus sign before a number, not a hyphen.
    signed(&out)
}

/// `-` and `+` before a number, at the start of a word, as mathematics.
fn signed(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let mut rest = word.chars();
        match (rest.next(), rest.next()) {
            (Some(sign @ ('-' | '+')), Some(digit)) if digit.is_ascii_digit() => {
                format!("${sign}${}", &word[1..])
            }
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_latex_would_take_for_commands_is_text() {
        assert_eq!(
            escaped("50 % of A_1 & <b> {\\x}, 2–1"),
            "50 \\% of A\\_1 \\& \\textless{}b\\textgreater{} \\{\\textbackslash{}x\\}, 2--1"
        );
        assert_eq!(escaped("-1.2 to +0.4"), "$-$1.2 to $+$0.4");
        assert_eq!(escaped("few-shot, K=16"), "few-shot, K=16");
    }
}
