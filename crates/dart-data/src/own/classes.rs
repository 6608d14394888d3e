//! The classes of a task of one's own, and their words.

use std::collections::BTreeMap;

use super::values::Pairs;

/// Class names in order, and the values of each.
pub(super) type Classes = (Vec<String>, Vec<Vec<String>>);

/// The classes that `labels` tells, or without it those that have words.
pub(super) fn classes(
    labels: Option<&Pairs>,
    words: &Pairs,
) -> std::result::Result<Classes, String> {
    let (key, pairs): (_, Vec<(String, Option<String>)>) = match labels {
        Some(labels) => ("labels", labels.0.clone()),
        None => {
            let class = |(class, _): &(String, _)| (class.clone(), None);
            ("words", words.0.iter().map(class).collect())
        }
    };
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for (value, class) in pairs {
        if values.values().flatten().any(|known| *known == value) {
            return Err(format!("`{key}` lists {value:?} twice; leave one of them"));
        }
        let class = class.unwrap_or_else(|| value.clone());
        if !names.contains(&class) {
            names.push(class.clone());
        }
        values.entry(class).or_default().push(value);
    }
    let values = names
        .iter()
        .map(|name| values.remove(name).unwrap_or_default())
        .collect();
    Ok((names, values))
}

/// The label words in the order of the classes.
pub(super) fn words_of(
    words: &Pairs,
    labels: &[String],
) -> std::result::Result<Vec<String>, String> {
    let pairs = &words.0;
    if pairs.len() != labels.len() {
        return Err(format!(
            "has {} classes and {} words",
            labels.len(),
            pairs.len()
        ));
    }
    if !words.is_map() {
        return Ok(pairs.iter().map(|(word, _)| word.clone()).collect());
    }
    let word = |label: &String| {
        let pair = pairs.iter().find(|(class, _)| class == label);
        let word = pair.and_then(|(_, word)| word.clone());
        word.ok_or_else(|| format!("`words` has no word for class {label:?}"))
    };
    labels.iter().map(word).collect()
}
