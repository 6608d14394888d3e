//! What a search tries: every point of a grid, or a number of random ones.

use dart_core::rng::Rng;

use crate::experiment::options::{Grid, Options};

/// A random search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Points of each method.
    pub samples: usize,
    /// Seed of the drawing; the points are the same for all tasks and seeds of runs.
    pub seed: u64,
}

/// Draws after which a search stops looking for a point that it does not have yet.
const TRIES: u64 = 100;

/// The points that a method tries, in order; some may come to the same run. At most `limit`
/// different ones are wanted.
#[derive(Clone, Debug)]
pub struct Points {
    /// The points.
    pub points: Vec<Options>,
    /// How many different runs to make of them.
    pub limit: usize,
}

/// The whole grid, or, with `sampling`, enough random points of it.
///
/// # Errors
/// A setting without a value, a range without sampling or one that cannot work, named.
pub fn points(method: &str, grid: &Grid, sampling: Option<Sampling>) -> Result<Points, String> {
    if let Some(setting) = grid.empty_setting() {
        return Err(format!("`{setting}` has no value to try"));
    }
    match (sampling, grid.ranged_setting()) {
        (None, Some(setting)) => Err(format!(
            "`{setting}` is a range, which only a random search draws from; give `samples: N`, or \
             a list of values"
        )),
        (None, None) => Ok(Points {
            points: grid.points(),
            limit: usize::MAX,
        }),
        // No more points than samples: drawing would only lose some of them.
        (Some(s), None) if grid.size() <= s.samples => Ok(Points {
            points: grid.points(),
            limit: s.samples,
        }),
        (Some(s), _) => {
            let tries = TRIES * s.samples as u64;
            let mut points: Vec<Options> = Vec::new();
            for i in 0..tries {
                let point = grid.draw(&mut |setting| {
                    Rng::new(s.seed, &format!("search {method} {setting}"), &[i])
                })?;
                if !points.contains(&point) {
                    points.push(point);
                }
                // Different points may come to one run, so some more than asked for.
                if points.len() >= 4 * s.samples {
                    break;
                }
            }
            Ok(Points {
                points,
                limit: s.samples,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(text: &str) -> Grid {
        serde_yaml::from_str(text).unwrap()
    }

    fn options(text: &str) -> Options {
        serde_yaml::from_str(text).unwrap()
    }

    fn sampled(text: &str, samples: usize, seed: u64) -> Vec<Options> {
        let sampling = Sampling { samples, seed };
        let points = points("dart", &grid(text), Some(sampling)).unwrap();
        assert_eq!(points.limit, samples);
        points.points.into_iter().take(samples).collect()
    }

    #[test]
    fn a_grid_s_first_setting_varies_slowest() {
        let rates = grid("{learning_rate: [1e-4, 3e-4], fluency: [0, 1]}");
        let expected: Vec<Options> = [(0, "1e-4"), (0, "3e-4"), (1, "1e-4"), (1, "3e-4")]
            .map(|(f, lr)| options(&format!("{{fluency: {f}, learning_rate: {lr}}}")))
            .into();
        assert_eq!(points("dart", &rates, None).unwrap().points, expected);
        let fixed = rates.without(&options("learning_rate: 1"));
        let left = points("dart", &fixed, None).unwrap().points;
        assert_eq!(left, [options("fluency: 0"), options("fluency: 1")]);
        // Steps and epochs say the same: what fixes the one fixes the other.
        let fixed = grid("{epochs: [10, 20]}").without(&options("steps: 5"));
        assert_eq!(fixed, Grid::default());
        let none = points("dart", &Grid::default(), None).unwrap().points;
        assert_eq!(none, [Options::default()]);
    }

    #[test]
    fn random_points_are_different_ones_of_the_grid_and_the_seed_s() {
        let text = "{learning_rate: [1, 2, 3, 4, 5], batch: [1, 2, 3, 4]}";
        let points = sampled(text, 6, 7);
        assert_eq!(points.len(), 6);
        let all = grid(text).points();
        for (i, point) in points.iter().enumerate() {
            assert!(
                all.contains(point) && !points[..i].contains(point),
                "{point:?}"
            );
        }
        assert_eq!(points, sampled(text, 6, 7));
        assert_ne!(points, sampled(text, 6, 8));
        assert_eq!(points[..3], sampled(text, 3, 7), "more samples only add");
        assert_eq!(
            sampled(text, 20, 7),
            all,
            "as many as there are: all, in order"
        );
    }

    #[test]
    fn ranges_are_drawn_from_within_evenly_on_their_scale() {
        let text = "{learning_rate: {low: 1e-5, high: 1e-1}, batch: {low: 1, high: 9, scale: \
                    linear}, pseudo_learning_rate: {low: 1, high: 2}}";
        let points = sampled(text, 400, 0);
        let rates: Vec<f64> = points.iter().map(|p| p.learning_rate.unwrap()).collect();
        assert!(rates.iter().all(|rate| (1e-5..=1e-1).contains(rate)));
        let low = rates.iter().filter(|rate| **rate < 1e-3).count();
        assert!(
            (160..240).contains(&low),
            "half lie in the lower two decades: {low}"
        );
        let batches: Vec<usize> = points.iter().map(|p| p.batch.unwrap()).collect();
        assert!((1..=9).all(|size| batches.contains(&size)));
        let small = batches.iter().filter(|size| **size < 5).count();
        assert!((135..215).contains(&small), "7 of 16: {small}");
        assert!(
            points
                .iter()
                .all(|p| p.pseudo_learning_rate.flatten().is_some())
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let refusal = |text, sampling| points("dart", &grid(text), sampling).err().unwrap();
        let some = Some(Sampling {
            samples: 2,
            seed: 0,
        });
        let range = "learning_rate: {low: 1e-5, high: 1e-3}";
        assert!(refusal(range, None).contains("`learning_rate` is a range"));
        assert!(refusal("batch: []", None).contains("`batch` has no value"));
        let backwards = refusal("learning_rate: {low: 2, high: 1}", some);
        assert!(
            backwards.contains("`learning_rate`: the range from 2 to 1"),
            "{backwards}"
        );
        let word = refusal("template: {low: 1, high: 2}", some);
        assert!(word.contains("`template`: takes no range"), "{word}");
        let typo = serde_yaml::from_str::<Grid>("batch: {low: 1, hihg: 2}").unwrap_err();
        assert!(typo.to_string().contains("hihg"), "{typo}");
    }
}
