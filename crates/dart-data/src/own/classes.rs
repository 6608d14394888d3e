//! The classes of a task of one's own, and their words.

use std::collections::BTreeMap;

use super::values::Entries;

/// Class names in order, and the values of each.
pub(super) type Classes = (Vec<String>, Vec<Vec<String>>);

/// The classes that `labels` tells, or without it those that have words.
pub(super) fn classes(labels: Option<&Entries>, words: &Entries) -> Result<Classes, String> {
    let (key, pairs): (_, Vec<(&String, &String)>) = match (labels, words) {
        (Some(Entries::Map(labels)), _) => ("labels", labels.iter().map(|(v, c)| (v, c)).collect()),
        (Some(Entries::List(values)), _) => ("labels", values.iter().map(|v| (v, v)).collect()),
        (None, Entries::Map(words)) => ("words", words.iter().map(|(c, _)| (c, c)).collect()),
        (None, Entries::List(words)) => ("words", words.iter().map(|w| (w, w)).collect()),
    };
    let mut values: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for (value, class) in pairs {
        if values.values().flatten().any(|known| known == value) {
            return Err(format!("`{key}` lists {value:?} twice; leave one of them"));
        }
        if !names.contains(class) {
            names.push(class.clone());
        }
        values.entry(class).or_default().push(value.clone());
    }
    let values = names
        .iter()
        .map(|name| values.remove(name).unwrap_or_default())
        .collect();
    Ok((names, values))
}

/// The label words in the order of the classes.
pub(super) fn words_of(words: &Entries, labels: &[String]) -> Result<Vec<String>, String> {
    let given = match words {
        Entries::List(words) => words.len(),
        Entries::Map(words) => words.len(),
    };
    if given != labels.len() {
        return Err(format!("has {} classes and {given} words", labels.len()));
    }
    let words = match words {
        Entries::List(words) => return Ok(words.clone()),
        Entries::Map(words) => words,
    };
    let word = |label: &String| {
        let pair = words.iter().find(|(class, _)| class == label);
        let word = pair.map(|(_, word)| word.clone());
        word.ok_or_else(|| format!("`words` has no word for class {label:?}"))
    };
    labels.iter().map(word).collect()
}
