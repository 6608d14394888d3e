//! `--shard i/n`: one of n machines' share of an experiment.
//!
//! A share is whole groups (task, method, model, k, seed), because a group's trials are chosen
//! among in one place. It depends on the plan alone, so that n machines need not talk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Shares at most.
const MOST: usize = 100_000;

/// The i-th of n shares, i from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        match parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?))) {
            Some((index, count)) if count <= MOST && (1..=count).contains(&index) => {
                Ok(Shard { index, count })
            }
            _ => Err(format!(
                "give i/n with i from 1 to n, such as 2/8, and n at most {MOST}"
            )),
        }
    }
}

impl Shard {
    /// Where the share's results stand, below the experiment's folder.
    pub fn folder(self, experiment: &Path) -> PathBuf {
        let name = format!("{}-of-{}", self.index, self.count);
        experiment.join("shards").join(name)
    }

    /// Which of the groups with these costs belong to the share: the dearest first, each to the
    /// share that has least so far.
    pub fn picks(self, costs: &[f64]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..costs.len()).collect();
        order.sort_by(|&a, &b| costs[b].total_cmp(&costs[a]).then(a.cmp(&b)));
        let mut loads = vec![0.0; self.count];
        let mut mine = vec![false; costs.len()];
        for group in order {
            let lighter = |a: usize, b: usize| if loads[b] < loads[a] { b } else { a };
            let least = (1..self.count).fold(0, lighter);
            loads[least] += costs[group];
            mine[group] = least + 1 == self.index;
        }
        mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_named_i_of_n() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "", "1/100001"] {
            assert!(
                wrong.parse::<Shard>().unwrap_err().contains("i/n"),
                "{wrong}"
            );
        }
        let folder = Shard { index: 2, count: 3 }.folder(Path::new("r/x"));
        assert_eq!(folder, Path::new("r/x/shards/2-of-3"));
    }

    #[test]
    fn every_group_is_in_one_share_and_shares_are_alike() {
        let costs: Vec<f64> = (0..97).map(|i| f64::from((i * 37) % 11 + 1)).collect();
        for count in [1, 2, 5, 97, 200] {
            let mut owners = vec![0; costs.len()];
            let mut loads = Vec::new();
            for index in 1..=count {
                let shard = Shard { index, count };
                let mine = shard.picks(&costs);
                assert_eq!(mine, shard.picks(&costs));
                let load = costs.iter().zip(&mine).filter(|(_, m)| **m).map(|(c, _)| c);
                loads.push(load.sum::<f64>());
                mine.iter()
                    .zip(&mut owners)
                    .for_each(|(m, n)| *n += usize::from(*m));
            }
            assert!(owners.iter().all(|n| *n == 1), "{count} shares");
            let (low, high) = loads
                .iter()
                .fold((f64::MAX, 0f64), |(l, h), x| (l.min(*x), h.max(*x)));
            assert!(high - low <= 11.0, "{count} shares: {low} to {high}");
        }
    }
}
