//! Which evaluation of a run is kept.

use crate::settings::Ties;

/// What an evaluation is beside the one kept before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// It is kept in that one's place.
    pub kept: bool,
    /// It is an improvement, as patience counts them.
    pub better: bool,
}

/// Judges metric and loss on dev by those of the evaluation kept before, where there is one.
pub(super) fn judge(ties: Ties, before: Option<(f64, f64)>, metric: f64, loss: f64) -> Judged {
    let Some((best, best_loss)) = before else {
        return Judged {
            kept: true,
            better: true,
        };
    };
    let equal = metric == best;
    let better = metric > best || ties == Ties::Loss && equal && loss < best_loss;
    Judged {
        kept: better || ties == Ties::Later && equal,
        better,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        dev: Vec<f64>,
        best: usize,
        evaluations: usize,
    }

    /// Which evaluation is kept, from 1, and how many there are with a patience of 5.
    fn course(ties: Ties, dev: &[f64]) -> (usize, usize) {
        let (mut best, mut kept, mut since) = (None, 0, 0);
        for (i, metric) in dev.iter().enumerate() {
            let judged = judge(ties, best, *metric, 0.0);
            since = if judged.better { 0 } else { since + 1 };
            if judged.kept {
                (best, kept) = (Some((*metric, 0.0)), i + 1);
            }
            if since == 5 {
                return (kept, i + 1);
            }
        }
        (kept, dev.len())
    }

    #[test]
    fn ties_and_patience_are_those_of_the_authors_programs() {
        for (file, ties) in [
            ("reference-2022", Ties::Later),
            ("reference", Ties::Earlier),
        ] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/programs");
            let text = std::fs::read_to_string(format!("{folder}/{file}.json")).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            let cases: Vec<Case> = serde_json::from_value(json["selection"].clone()).unwrap();
            assert!(cases.len() > 3);
            for case in cases {
                let wanted = (case.best, case.evaluations);
                assert_eq!(course(ties, &case.dev), wanted, "{file}: {:?}", case.dev);
            }
        }
    }

    #[test]
    fn the_loss_decides_between_equal_metrics() {
        let of = |ties, loss| judge(ties, Some((0.5, 1.0)), 0.5, loss);
        let judged = |kept, better| Judged { kept, better };
        for (loss, better) in [(0.9, true), (1.0, false), (1.1, false)] {
            assert_eq!(of(Ties::Loss, loss), judged(better, better));
            assert_eq!(of(Ties::Earlier, loss), judged(false, false));
            assert_eq!(of(Ties::Later, loss), judged(true, false));
        }
    }
}
