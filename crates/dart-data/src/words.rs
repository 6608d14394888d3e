//! Label words that are told by class.

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::python::dictionary;

/// Label words from LM-BFF's mapping, a Python dictionary from label values to words
/// (`{'0':'terrible','1':'great'}`), in the order of the task's labels.
///
/// # Errors
/// A text that is no such dictionary, a key that is no label value, a class without a word.
pub fn words_from_mapping(task: &Task, mapping: &str) -> Result<Vec<String>> {
    let words = match dictionary(mapping) {
        Some(pairs) => words_by_label(task, &pairs),
        None => Err("expected a mapping such as {'0':'terrible','1':'great'}".to_owned()),
    };
    words.map_err(|message| DataError::Template {
        template: mapping.to_owned(),
        message,
    })
}

/// Label words in the order of the task's labels, from pairs of a label value, or a class's name,
/// and its word.
pub(crate) fn words_by_label(
    task: &Task,
    pairs: &[(String, String)],
) -> std::result::Result<Vec<String>, String> {
    let mut words = vec![None; task.labels.len()];
    for (value, word) in pairs {
        let of_value = task.values.iter().position(|values| values.contains(value));
        let class = of_value.or_else(|| task.labels.iter().position(|label| label == value));
        let Some(class) = class else {
            let known: Vec<&str> = task.values.iter().flatten().map(String::as_str).collect();
            return Err(format!(
                "{value:?} is no label of {}; it has {}",
                task.name,
                known.join(", ")
            ));
        };
        if words[class].replace(word.clone()).is_some() {
            return Err(format!("label {value:?} has two words"));
        }
    }
    match words.iter().position(Option::is_none) {
        Some(class) => Err(format!("label {:?} has no word", task.labels[class])),
        None => Ok(words.into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::template::normalise;

    #[test]
    fn lm_bffs_prompts_are_the_catalogs() {
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
    }

    #[test]
    fn mappings_that_do_not_fit_are_named() {
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
