//! Demonstrations (Gao et al., 2021): solved training examples, one a class, that stand behind the
//! input. Which they are is drawn anew for every context.

use super::encoded::Encoded;
use crate::error::{CoreError, Result};
use crate::rng::Rng;

/// The training examples as demonstrations.
pub struct Demonstrations {
    shown: Vec<Vec<i64>>,
    /// Contexts over which class scores are averaged.
    contexts: usize,
    /// Segment of all demonstrations: 1, or 0 where the model has one segment.
    segment: i64,
    seed: u64,
}

/// How many tokens an input with demonstrations may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// `[CLS]`, the input with its template and `[SEP]`.
    pub query: usize,
    /// A demonstration, the label's one token and `[CLS]` counted, which is left out later.
    pub shown: usize,
}

impl Lengths {
    /// For `classes` demonstrations, each with at most `tokens` of text and a template of
    /// `template` tokens, labels having at most `pieces` of them; the input gets what is left.
    ///
    /// # Errors
    /// Too little is left of `max_length`.
    pub fn new(
        max_length: usize,
        classes: usize,
        tokens: usize,
        template: usize,
        pieces: usize,
    ) -> Result<Self> {
        let shown = tokens + template + 3; // [CLS], the label, [SEP]
        let all = classes * (shown - 1 + pieces.saturating_sub(1));
        let query = max_length.saturating_sub(all);
        if query < tokens.min(8) + template + 3 {
            return Err(CoreError::Setting(format!(
                "{classes} demonstrations take {all} of max_length {max_length} tokens and leave \
                 too little for the text; raise max_length or lower demonstration_tokens ({tokens})"
            )));
        }
        Ok(Lengths { query, shown })
    }
}

impl Demonstrations {
    /// From training examples encoded as inputs, whose slots the label's ids (`labels`, by class)
    /// fill.
    pub fn new(
        train: &[Encoded],
        labels: &[Vec<i64>],
        contexts: usize,
        segment: i64,
        seed: u64,
    ) -> Self {
        let show = |example: &Encoded| {
            let (before, after) = example.ids.split_at(example.slot);
            let label = &labels[example.label];
            [&before[1..], label, &after[1..]].concat()
        };
        Demonstrations {
            shown: train.iter().map(show).collect(),
            contexts,
            segment,
            seed,
        }
    }

    /// Contexts over which class scores are averaged.
    pub fn contexts(&self) -> usize {
        self.contexts
    }

    /// The example in a context for training, drawn for its place in the run.
    pub fn for_training(&self, example: &Encoded, place: [u64; 3]) -> Encoded {
        self.context(example, Rng::new(self.seed, "demonstrations", &place))
    }

    /// The example in its `i`-th context for evaluation: always the same, whatever else is
    /// evaluated.
    pub fn for_evaluation(&self, example: &Encoded, i: usize) -> Encoded {
        let mut counters: Vec<u64> = example.ids.iter().map(|&id| id as u64).collect();
        counters.push(i as u64);
        self.context(
            example,
            Rng::new(self.seed, "evaluated contexts", &counters),
        )
    }

    /// One demonstration of each class that has candidates, in random order.
    fn context(&self, example: &Encoded, mut rng: Rng) -> Encoded {
        let mut full = Encoded {
            ids: example.ids.clone(),
            segments: example.segments.clone(),
            slot: example.slot,
            maskable: example.maskable.clone(),
            label: example.label,
            truncated: example.truncated,
            demonstrations: Vec::new(),
        };
        let mut classes: Vec<&Vec<usize>> = example
            .demonstrations
            .iter()
            .filter(|candidates| !candidates.is_empty())
            .collect();
        rng.shuffle(&mut classes);
        for candidates in classes {
            let chosen = candidates[rng.below(candidates.len())];
            full.ids.extend(&self.shown[chosen]);
        }
        full.segments.resize(full.ids.len(), self.segment);
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(ids: &[i64], slot: usize, label: usize) -> Encoded {
        Encoded {
            ids: ids.to_vec(),
            segments: vec![0; ids.len()],
            slot,
            maskable: vec![1],
            label,
            truncated: false,
            demonstrations: Vec::new(),
        }
    }

    fn pool() -> Demonstrations {
        let train = [
            encoded(&[101, 7, 99, 102], 2, 0),
            encoded(&[101, 8, 99, 102], 2, 1),
            encoded(&[101, 9, 99, 102], 2, 1),
        ];
        Demonstrations::new(&train, &[vec![50], vec![60, 61]], 16, 1, 13)
    }

    #[test]
    fn one_of_each_class_stands_behind_the_input_with_its_label() {
        let mut query = encoded(&[101, 5, 99, 102], 2, 0);
        query.demonstrations = vec![vec![0], vec![1, 2]];
        let shown: [&[i64]; 3] = [&[7, 50, 102], &[8, 60, 61, 102], &[9, 60, 61, 102]];
        let orders = [[0, 1], [0, 2], [1, 0], [2, 0]];
        let mut seen = [0; 4];
        for i in 0..200 {
            let context = pool().for_evaluation(&query, i);
            let is = |order: &[usize; 2]| {
                let behind = [shown[order[0]], shown[order[1]]].concat();
                context.ids == [query.ids.clone(), behind].concat()
            };
            seen[orders.iter().position(is).unwrap()] += 1;
            assert_eq!((context.slot, &context.maskable), (2, &vec![1]));
            assert_eq!(context.segments, [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
        }
        assert!(seen.iter().all(|&n| n > 25), "{seen:?}");
        let again = |i| pool().for_evaluation(&query, i);
        assert_eq!(again(3), again(3));
        let drawn: Vec<Encoded> = (0..9)
            .map(|s| pool().for_training(&query, [s, 0, 0]))
            .collect();
        assert!(drawn.iter().any(|d| *d != drawn[0]));
    }

    #[test]
    fn the_input_gets_what_the_demonstrations_leave() {
        let lengths = Lengths::new(256, 2, 50, 3, 1).unwrap();
        assert_eq!(
            lengths,
            Lengths {
                query: 256 - 2 * 55,
                shown: 56
            }
        );
        // A label of three pieces takes two more.
        let lengths = Lengths::new(256, 2, 50, 3, 3).unwrap();
        assert_eq!(lengths.query, 256 - 2 * 57);
        let refusal = Lengths::new(128, 2, 60, 3, 1).unwrap_err().to_string();
        assert!(refusal.contains("take 130 of max_length 128"), "{refusal}");
    }
}
