//! The rows of the vocabulary that pseudo tokens stand in for.

use crate::error::{CoreError, Result};
use crate::method::Places;
use crate::tokenizer::Tokenizer;

/// What the authors' program of January 2022 has room for: template tokens from the first of its
/// places on, labels from the 51st.
const TEMPLATE_ROOM: usize = 50;
const ALL_ROOM: usize = 100;

/// Ids of the vocabulary for `template` pseudo tokens of the template, in order, and behind them
/// `labels` of the classes; none where pseudo tokens are appended. Special tokens keep their rows.
///
/// # Errors
/// More pseudo tokens than there are places.
pub(crate) fn places(
    kind: Places,
    tokenizer: &Tokenizer,
    template: usize,
    labels: usize,
) -> Result<Vec<i64>> {
    let size = tokenizer.vocabulary_len();
    let ordinary = |id: &i64| !tokenizer.is_special(*id);
    let (for_template, for_labels) = match kind {
        Places::Appended => return Ok(Vec::new()),
        Places::Tail => {
            let mut all: Vec<i64> = (0..size as i64).rev().filter(ordinary).collect();
            let rest = all.split_off(template.min(all.len()));
            (all, rest)
        }
        Places::Unused => {
            // The program's own limits.
            if template >= TEMPLATE_ROOM || labels + 1 >= TEMPLATE_ROOM {
                return Err(CoreError::Setting(format!(
                    "places: unused has room for {} different template tokens and {} classes, not \
                     for {template} and {labels}; set places: appended",
                    TEMPLATE_ROOM - 1,
                    TEMPLATE_ROOM - 2
                )));
            }
            unused(tokenizer, template)
        }
    };
    if for_template.len() < template || for_labels.len() < labels {
        return Err(CoreError::Setting(format!(
            "the vocabulary has no place for {} pseudo tokens; set places: appended",
            template + labels
        )));
    }
    let for_labels = &for_labels[..labels];
    Ok([&for_template[..template], for_labels].concat())
}

/// BERT's `[unused…]` tokens, elsewhere the last hundred tokens of the vocabulary. Where there are
/// fewer, the labels' places follow on the template's.
fn unused(tokenizer: &Tokenizer, template: usize) -> (Vec<i64>, Vec<i64>) {
    let names = (0..1000).map(|i| format!("[unused{i}]"));
    let mut all: Vec<i64> = names.filter_map(|name| tokenizer.id(&name)).collect();
    if all.is_empty() {
        let size = tokenizer.vocabulary_len() as i64;
        all = (size - ALL_ROOM as i64..size)
            .filter(|&id| id >= 0)
            .collect();
    }
    let at = match all.len() < ALL_ROOM {
        true => template.min(all.len()),
        false => TEMPLATE_ROOM,
    };
    let ordinary = |id: &i64| !tokenizer.is_special(*id);
    let rest = all.split_off(at).into_iter().filter(ordinary).collect();
    (all.into_iter().filter(ordinary).collect(), rest)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(folder: &str, kind: Places, template: usize, labels: usize) -> Result<Vec<i64>> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        places(kind, &Tokenizer::load(&dir)?, template, labels)
    }

    /// BERT's vocabulary has `[unused0]` as its second token and a thousand of them.
    #[test]
    fn labels_have_unused_places_of_their_own_where_there_are_enough() {
        let bert = |kind, template, labels| of("../../models/minilm-mlm", kind, template, labels);
        assert!(bert(Places::Appended, 3, 2).unwrap().is_empty());
        assert_eq!(bert(Places::Unused, 3, 2).unwrap(), [1, 2, 3, 51, 52]);
        assert_eq!(bert(Places::Unused, 0, 2).unwrap(), [51, 52]);
        let tail = bert(Places::Tail, 2, 1).unwrap();
        assert_eq!(tail, [30521, 30520, 30519]);
        assert!(bert(Places::Unused, 49, 48).is_ok());
        for (template, labels) in [(50, 2), (3, 49)] {
            let refusal = bert(Places::Unused, template, labels).unwrap_err();
            assert!(refusal.to_string().contains("49 different template tokens"));
        }
    }

    #[test]
    fn where_there_are_few_unused_places_the_labels_follow_on_the_template() {
        let few =
            |template, labels| of("tests/goldens/bert-tiny", Places::Unused, template, labels);
        assert_eq!(few(3, 3).unwrap(), [1, 2, 3, 4, 5, 6]);
        let refusal = few(4, 3).unwrap_err().to_string();
        assert!(
            refusal.contains("no place for 7 pseudo tokens"),
            "{refusal}"
        );
    }
}
