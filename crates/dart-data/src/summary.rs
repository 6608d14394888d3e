//! What a split looks like: rows a class and lengths.

use crate::example::Example;

/// Rows of each class, in the order of the task's labels.
pub fn per_label(examples: &[Example], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for example in examples {
        if let Some(count) = counts.get_mut(example.label) {
            *count += 1;
        }
    }
    counts
}

/// Lengths in words (runs of anything but white space), both texts of a pair together.
pub fn words(examples: &[Example]) -> Vec<usize> {
    let count = |text: &str| text.split_whitespace().count();
    let length = |e: &Example| count(&e.text_a) + e.text_b.as_deref().map_or(0, count);
    examples.iter().map(length).collect()
}

/// The values at percentages from 0 to 100, by nearest rank: the least value that at least so many
/// per cent do not exceed. Empty where there is no value.
pub fn percentiles(mut values: Vec<usize>, percentages: &[f64]) -> Vec<usize> {
    values.sort_unstable();
    let Some(last) = values.len().checked_sub(1) else {
        return Vec::new();
    };
    let at = |percentage: &f64| {
        let rank = (percentage.clamp(0.0, 100.0) / 100.0 * values.len() as f64).ceil() as usize;
        values[rank.saturating_sub(1).min(last)]
    };
    percentages.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let values: Vec<usize> = (1..=10).rev().collect();
        assert_eq!(
            percentiles(values, &[0.0, 50.0, 51.0, 95.0, 100.0, 200.0]),
            [1, 5, 6, 10, 10, 10]
        );
        assert_eq!(percentiles(vec![7], &[0.0, 100.0]), [7, 7]);
        assert!(percentiles(Vec::new(), &[50.0]).is_empty());
    }

    #[test]
    fn counts_and_lengths() {
        let example = |label, a: &str, b: Option<&str>| Example {
            row: 0,
            text_a: a.to_owned(),
            text_b: b.map(str::to_owned),
            entities: None,
            label,
        };
        let examples = [
            example(1, " two words", Some("and three more")),
            example(1, "", None),
        ];
        assert_eq!(per_label(&examples, 3), [0, 2, 0]);
        assert_eq!(words(&examples), [5, 0]);
    }
}
