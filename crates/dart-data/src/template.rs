//! LM-BFF's own notation for templates and label words, turned into ours.
//!
//! Ours is what is read: `{a} It was [MASK] .` with `{a}` the text or the first of a pair,
//! `{a:chop}` the same without its last character, `{a:marked}` with markers round its entities,
//! `{b}` the second text, `{b:lower}` with its first letter lower-cased, `{head}` and `{tail}` the
//! entities. A part that is not the first has a
//! leading space for byte-pair tokenizers, unless it is one character long (a comma, a full stop).

use crate::catalog::Task;
use crate::error::{DataError, Result};

/// A template in either notation, in ours: what starts with `*` is LM-BFF's
/// (`*cls**sent_0*_It_was*mask*.*sep+*`), anything else is returned as it is.
///
/// # Errors
/// A piece of LM-BFF's notation that has no counterpart, named.
pub fn normalise(template: &str) -> Result<String> {
    let template = template.trim();
    if !template.starts_with('*') {
        return Ok(template.to_owned());
    }
    let fail = |message: String| {
        Err(DataError::Template {
            template: template.to_owned(),
            message,
        })
    };
    let mut parts: Vec<String> = Vec::new();
    let mut ended = false;
    for piece in template.split('*').filter(|piece| !piece.is_empty()) {
        if ended && !matches!(piece, "sep" | "sep+") {
            return fail(format!(
                "{piece:?} stands after the separator; end the template with it"
            ));
        }
        let part = match piece {
            "cls" => continue,
            "sep" | "sep+" => {
                ended = true;
                continue;
            }
            "mask" => "[MASK]",
            "sent_0" | "+sent_0" => "{a}",
            "sent-_0" | "+sent-_0" => "{a:chop}",
            "sent_1" | "+sent_1" => "{b}",
            "sentl_1" | "+sentl_1" => "{b:lower}",
            _ if looks_like_command(piece) => {
                return fail(format!(
                    "{piece:?} is not supported; known are cls, sep, sep+, mask, sent_0, sent-_0, \
                     sent_1 and sentl_1, with or without +"
                ));
            }
            words => {
                parts.push(words.replace('_', " ").trim().to_owned());
                continue;
            }
        };
        parts.push(part.to_owned());
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts.join(" "))
}

fn looks_like_command(piece: &str) -> bool {
    let bare = piece.strip_prefix('+').unwrap_or(piece);
    [
        "sent_", "sent-_", "sentl_", "sentl-_", "sentu_", "sentu-_", "label_", "labelx_",
    ]
    .iter()
    .any(|command| bare.starts_with(command))
        || piece.starts_with("<extra_id")
}

/// Label words from LM-BFF's mapping, a Python dictionary from label values to words
/// (`{'0':'terrible','1':'great'}`), in the order of the task's labels.
///
/// # Errors
/// A text that is no such dictionary, a key that is no label value, a class without a word.
pub fn words_from_mapping(task: &Task, mapping: &str) -> Result<Vec<String>> {
    let fail = |message: String| {
        Err(DataError::Template {
            template: mapping.to_owned(),
            message,
        })
    };
    let Some(pairs) = pairs(mapping) else {
        return fail("expected a mapping such as {'0':'terrible','1':'great'}".to_owned());
    };
    let mut words = vec![None; task.labels.len()];
    for (value, word) in pairs {
        let class = task
            .values
            .iter()
            .position(|values| values.contains(&value));
        let class = class.or_else(|| task.labels.iter().position(|label| *label == value));
        let Some(class) = class else {
            let known: Vec<&str> = task.values.iter().flatten().map(String::as_str).collect();
            let known = known.join(", ");
            return fail(format!(
                "{value:?} is no label of {}; it has {known}",
                task.name
            ));
        };
        if words[class].replace(word).is_some() {
            return fail(format!("label {value:?} has two words"));
        }
    }
    match words.iter().position(Option::is_none) {
        Some(class) => fail(format!("label {:?} has no word", task.labels[class])),
        None => Ok(words.into_iter().flatten().collect()),
    }
}

/// The pairs of a flat Python dictionary with quoted or bare keys and quoted values.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (key, after) = item(rest, ':')?;
        let (word, after) = item(after.trim_start().strip_prefix(':')?, ',')?;
        pairs.push((key, word));
        rest = match after.trim_start().strip_prefix(',') {
            Some(after) => after.trim(),
            None if after.trim().is_empty() => "",
            None => return None,
        };
    }
    Some(pairs)
}

/// A quoted or bare item and what follows it; a bare one ends before `end`.
fn item(text: &str, end: char) -> Option<(String, &str)> {
    let text = text.trim_start();
    for quote in ['\'', '"'] {
        if let Some(inside) = text.strip_prefix(quote) {
            let (item, after) = inside.split_once(quote)?;
            return Some((item.to_owned(), after));
        }
    }
    let at = text.find(end).unwrap_or(text.len());
    let bare = text[..at].trim();
    (!bare.is_empty()).then(|| (bare.to_owned(), &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn lm_bffs_templates_are_the_catalogs() {
        let catalog = Catalog::embedded().unwrap();
        for (task, template, mapping) in [
            (
                "sst-2",
                "*cls**sent_0*_It_was*mask*.*sep+*",
                "{'0':'terrible','1':'great'}",
            ),
            (
                "subj",
                "*cls**sent_0*_This_is*mask*.*sep+*",
                "{0:'subjective',1:'objective'}",
            ),
            (
                "trec",
                "*cls**mask*:*+sent_0**sep+*",
                "{0:'Description',1:'Entity',2:'Expression',3:'Human',4:'Location',5:'Number'}",
            ),
            (
                "mrpc",
                "*cls**sent_0**mask*,*+sentl_1**sep+*",
                "{'0':'No','1':'Yes'}",
            ),
            (
                "mnli",
                "*cls**sent-_0*?*mask*,*+sentl_1**sep+*",
                "{'contradiction':'No','entailment':'Yes','neutral':'Maybe'}",
            ),
            (
                "qnli",
                "*cls**sent-_0*?*mask*,*+sentl_1**sep+*",
                "{'entailment': 'Yes', \"not_entailment\": \"No\"}",
            ),
        ] {
            let task = catalog.task(task).unwrap();
            assert_eq!(normalise(template).unwrap(), task.template, "{}", task.name);
            assert_eq!(
                words_from_mapping(task, mapping).unwrap(),
                task.words,
                "{}",
                task.name
            );
        }
        assert_eq!(
            normalise("{a} It was [MASK] .").unwrap(),
            "{a} It was [MASK] ."
        );
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        let error = normalise("*cls**sentu_0**mask*.*sep+*")
            .unwrap_err()
            .to_string();
        assert!(error.contains("sentu_0"), "{error}");
        let error = normalise("*cls**sent_0**sep+**sent_1**mask*")
            .unwrap_err()
            .to_string();
        assert!(error.contains("after the separator"), "{error}");
        let catalog = Catalog::embedded().unwrap();
        let task = catalog.task("sst-2").unwrap();
        for (mapping, message) in [
            ("{'0':'terrible'}", "has no word"),
            ("{'0':'a','0':'b','1':'c'}", "two words"),
            ("{'2':'a','1':'c'}", "no label"),
            ("{'0':'a' '1':'c'}", "expected a mapping"),
            ("terrible", "expected a mapping"),
            ("{'0':'a", "expected a mapping"),
        ] {
            let error = words_from_mapping(task, mapping).unwrap_err().to_string();
            assert!(error.contains(message), "{mapping}: {error}");
        }
    }
}
