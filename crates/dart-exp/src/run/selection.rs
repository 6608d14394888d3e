//! The choice among trials, by dev alone.

use std::cmp::Ordering;

use crate::store::record::{Selection, Trial};

/// What the choice goes by, as `selection.json` says it.
const RULE: &str = "highest dev metric, then lowest dev L_C, then the earlier in the plan";

/// The best of trials that are given with their places in the plan, in any order.
pub fn best(trials: &[(usize, Trial)]) -> Option<&Trial> {
    let better = |a: &&(usize, Trial), b: &&(usize, Trial)| -> Ordering {
        (b.1.dev.total_cmp(&a.1.dev))
            .then(a.1.dev_loss.total_cmp(&b.1.dev_loss))
            .then(a.0.cmp(&b.0))
    };
    trials.iter().min_by(better).map(|(_, trial)| trial)
}

/// The record of a choice.
pub fn selection(winner: &Trial, trials: &[(usize, Trial)]) -> Selection {
    Selection {
        winner: winner.run.clone(),
        rule: RULE.to_owned(),
        trials: trials.iter().map(|(_, trial)| trial.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(place: usize, dev: f64, dev_loss: f64) -> (usize, Trial) {
        (
            place,
            Trial {
                run: format!("r{place}"),
                dev,
                dev_loss,
            },
        )
    }

    #[test]
    fn ties_go_to_the_lower_loss_then_to_the_earlier_place() {
        let mut trials = vec![
            trial(2, 0.8, 0.5),
            trial(0, 0.7, 0.1),
            trial(3, 0.8, 0.4),
            trial(1, 0.8, 0.4),
        ];
        // Never by the order in which they ended.
        for _ in 0..4 {
            trials.rotate_left(1);
            assert_eq!(best(&trials).unwrap().run, "r1");
        }
        assert_eq!(best(&[]), None);
    }
}
