//! LM-BFF's k-shot sampling (`tools/generate_k_shot_data.py`): shuffle the training rows, group
//! them by label in order of first appearance, take the first K of each group for train and the
//! next for dev.

use std::path::Path;

use crate::error::{DataError, Result};
use crate::numpy_rng::NumpyRng;
use crate::shots::Shots;

/// How many rows of each class are drawn, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw<'a> {
    /// Rows of each class in train; all rows, whatever their class, make train alone.
    pub k: Shots,
    /// Rows of each class in dev, in multiples of `k`: 1, or 10 for LM-BFF's `k-shot-10x`.
    pub dev_factor: usize,
    /// The seed of numpy's legacy generator.
    pub seed: u32,
    /// Seeds in whose order one list was shuffled again and again, never reset (CoLA's case);
    /// a seed not listed starts from the file's order, as every seed does where this is empty.
    pub chain: &'a [u32],
}

/// Rows drawn, as indices into the labels given, in the order in which LM-BFF writes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Training rows, class after class; all rows as they were shuffled.
    pub train: Vec<usize>,
    /// Dev rows, class after class.
    pub dev: Vec<usize>,
    /// The rows that each class has, by class.
    pub available: Vec<usize>,
}

/// Draws a k-shot split. `labels[row]` is the row's class, below `classes`; rows without a class
/// take part in the shuffle and are never drawn.
pub fn draw(labels: &[Option<usize>], classes: usize, draw: &Draw) -> Drawn {
    let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
    let chained = draw.chain.iter().position(|seed| *seed == draw.seed);
    for seed in &draw.chain[..chained.unwrap_or(0)] {
        NumpyRng::new(*seed).shuffle(&mut rows);
    }
    NumpyRng::new(draw.seed).shuffle(&mut rows);

    let mut available = vec![0; classes];
    for class in labels.iter().flatten().filter(|class| **class < classes) {
        available[*class] += 1;
    }
    let Shots::Of(k) = draw.k else {
        let has_class = |row: &usize| labels[*row].is_some_and(|class| class < classes);
        let train = rows.into_iter().map(|row| row as usize).filter(has_class);
        return Drawn {
            train: train.collect(),
            dev: Vec::new(),
            available,
        };
    };
    let k = k.get();
    let mut order = Vec::new();
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); classes];
    let wanted = k.saturating_mul(draw.dev_factor.saturating_add(1));
    let mut missing: usize = available.iter().map(|has| wanted.min(*has)).sum();
    for row in rows {
        if missing == 0 {
            break;
        }
        let row = row as usize;
        let Some(class) = labels[row].filter(|class| *class < classes) else {
            continue;
        };
        if groups[class].len() < wanted {
            if groups[class].is_empty() {
                order.push(class);
            }
            groups[class].push(row);
            missing -= 1;
        }
    }
    let mut drawn = Drawn {
        available,
        ..Drawn::default()
    };
    for class in order {
        let (train, dev) = groups[class].split_at(k.min(groups[class].len()));
        drawn.train.extend(train);
        drawn.dev.extend(dev);
    }
    drawn
}

/// numpy's legacy seeds are 32 bits.
///
/// # Errors
/// A larger seed, named.
pub fn numpy_seed(seed: u64, path: &Path) -> Result<u32> {
    u32::try_from(seed).map_err(|_| {
        let message = format!("cannot be sampled with seed {seed}");
        DataError::file(path, message, format!("seeds go from 0 to {}", u32::MAX))
    })
}

/// At most `n` of the examples, drawn without replacement and kept in their order: the `n` with the
/// smallest value of SplitMix64 (Steele et al., 2014) over (seed, index). The same seed draws the
/// same rows on every machine, and a larger `n` only adds rows.
pub fn cap_test<T: Clone>(examples: &[T], n: usize, seed: u64) -> Vec<T> {
    let mut keyed: Vec<(u64, usize)> = (0..examples.len())
        .map(|index| (split_mix(seed, index as u64), index))
        .collect();
    keyed.sort_unstable();
    keyed.truncate(n);
    keyed.sort_unstable_by_key(|(_, index)| *index);
    keyed
        .into_iter()
        .map(|(_, index)| examples[index].clone())
        .collect()
}

fn split_mix(seed: u64, index: u64) -> u64 {
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    mix(mix(seed.wrapping_add(GAMMA)).wrapping_add(GAMMA.wrapping_mul(index.wrapping_add(1))))
}
