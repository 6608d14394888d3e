//! Statistics over seeds and tasks.

use dart_core::rng::Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// What a table says of the scores of some seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// How many.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1); none for one value.
    pub sd: Option<f64>,
    /// Their median.
    pub median: f64,
    /// mean ± t(0.975, n−1) · sd / √n; none below three values.
    pub interval: Option<(f64, f64)>,
}

/// Describes values; `None` for none.
pub fn describe(values: &[f64]) -> Option<Sample> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = mean(values);
    let sd = (n > 1).then(|| {
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (n - 1) as f64).sqrt()
    });
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
    let interval = sd.filter(|_| n >= 3).map(|sd| {
        let half = t_975((n - 1) as f64) * sd / (n as f64).sqrt();
        (mean - half, mean + half)
    });
    Some(Sample {
        count: n,
        mean,
        sd,
        median,
        interval,
    })
}

/// The mean; 0 for no value.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The 0.975 quantile of Student's t; infinite where there are no degrees of freedom.
pub fn t_975(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

/// Two-sided p of "the mean over tasks of the mean differences is 0", by `draws` random sign flips
/// of all differences (`[task][seed]`) from a fixed seed, the observed signs counted among them.
pub fn sign_flip_p(differences: &[Vec<f64>], draws: usize) -> f64 {
    let tasks: Vec<&Vec<f64>> = differences.iter().filter(|task| !task.is_empty()).collect();
    if tasks.is_empty() {
        return 1.0;
    }
    // A mean of means is a sum of weighted differences.
    let weighted: Vec<f64> = tasks
        .iter()
        .flat_map(|task| task.iter().map(|d| d / (task.len() * tasks.len()) as f64))
        .collect();
    let observed = weighted.iter().sum::<f64>().abs();
    let tolerance = 1e-12 * weighted.iter().map(|w| w.abs()).sum::<f64>();
    let mut rng = Rng::new(0, "sign flips", &[]);
    let mut extreme = 0;
    for _ in 0..draws {
        let mut sum = 0.0;
        for chunk in weighted.chunks(64) {
            let mut signs = rng.next_u64();
            for w in chunk {
                sum += if signs & 1 == 0 { *w } else { -*w };
                signs >>= 1;
            }
        }
        extreme += usize::from(sum.abs() >= observed - tolerance);
    }
    (extreme + 1) as f64 / (draws + 1) as f64
}

/// Holm's adjustment of p values that are looked at together (Holm, 1979), in their order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[i]).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// Hedges' g of paired differences (`[task][seed]`): the mean over tasks of the mean differences,
/// in units of the standard deviation of the differences within a task, pooled over the tasks, with
/// the correction 1 − 3 / (4 ν − 1) for ν degrees of freedom (Hedges, 1981). `None` below two
/// degrees of freedom or where the differences do not vary.
pub fn hedges_g(differences: &[Vec<f64>]) -> Option<f64> {
    let tasks: Vec<&Vec<f64>> = differences.iter().filter(|task| !task.is_empty()).collect();
    let freedom: usize = tasks.iter().map(|task| task.len() - 1).sum();
    let means: Vec<f64> = tasks.iter().map(|task| mean(task)).collect();
    let squares: f64 = tasks
        .iter()
        .zip(&means)
        .flat_map(|(task, mean)| task.iter().map(move |d| (d - mean).powi(2)))
        .sum();
    let freedom = freedom as f64;
    let sd = (squares / freedom).sqrt();
    // Differences that are equal but for rounding do not vary.
    let size = tasks.iter().flat_map(|task| task.iter()).map(|d| d.abs());
    let rounding = 1e-12 * size.fold(0.0, f64::max);
    (freedom >= 2.0 && sd > rounding)
        .then(|| mean(&means) / sd * (1.0 - 3.0 / (4.0 * freedom - 1.0)))
}

/// How far the means of two samples may lie apart by chance: t(0.975, ν) · √(sd₁²/n₁ + sd₂²/n₂) with
/// Welch's degrees of freedom ν (Welch, 1947). Each sample is (standard deviation, count); `None`
/// where one has fewer than two values.
pub fn welch_half_width(first: (f64, usize), second: (f64, usize)) -> Option<f64> {
    if first.1 < 2 || second.1 < 2 {
        return None;
    }
    let of_mean = |(sd, n): (f64, usize)| sd * sd / n as f64;
    let (a, b) = (of_mean(first), of_mean(second));
    if a + b == 0.0 {
        return Some(0.0);
    }
    let part = |v: f64, n: usize| v * v / (n - 1) as f64;
    let freedom = (a + b).powi(2) / (part(a, first.1) + part(b, second.1));
    Some(t_975(freedom) * (a + b).sqrt())
}

/// The central 95 % of values.
pub fn percentiles(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len().checked_sub(1)?) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let high = values.get(low + 1).unwrap_or(&values[low]);
        Some(values[low] * (1.0 - part) + high * part)
    };
    Some((at(0.025)?, at(0.975)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Values by scipy; see scripts/goldens/make_stats.py.
    fn goldens(name: &str) -> Vec<Value> {
        let text = include_str!("../../tests/goldens/stats.json");
        let all: Value = serde_json::from_str(text).unwrap();
        all[name].as_array().unwrap().clone()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap())
            .collect()
    }

    fn close(ours: f64, theirs: f64) {
        assert!(
            (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
            "{ours} {theirs}"
        );
    }

    #[test]
    fn quantiles_of_t_are_scipy_s() {
        for golden in goldens("t_975") {
            let golden = numbers(&golden);
            close(t_975(golden[0]), golden[1]);
        }
    }

    #[test]
    fn descriptions_are_scipy_s() {
        for golden in goldens("samples") {
            let ours = describe(&numbers(&golden["values"])).unwrap();
            close(ours.mean, golden["mean"].as_f64().unwrap());
            close(ours.median, golden["median"].as_f64().unwrap());
            assert_eq!(ours.sd.is_some(), golden["sd"].is_number());
            assert_eq!(ours.interval.is_some(), golden["low"].is_number());
            if let Some(sd) = ours.sd {
                close(sd, golden["sd"].as_f64().unwrap());
            }
            if let Some((low, high)) = ours.interval {
                close(low, golden["low"].as_f64().unwrap());
                close(high, golden["high"].as_f64().unwrap());
            }
        }
        assert_eq!(describe(&[]), None);
    }

    #[test]
    fn welch_is_scipy_s() {
        for golden in goldens("welch") {
            let number = |name: &str| golden[name].as_f64().unwrap();
            let sample = |i: usize| {
                let count = number(&format!("count_{i}")) as usize;
                (number(&format!("sd_{i}")), count)
            };
            let half = welch_half_width(sample(1), sample(2)).unwrap();
            close(half, number("half_width"));
        }
        assert_eq!(welch_half_width((1.0, 1), (1.0, 5)), None);
        assert_eq!(welch_half_width((0.0, 5), (0.0, 5)), Some(0.0));
    }

    #[test]
    fn effect_sizes_are_numpy_s() {
        for golden in goldens("effects") {
            let tasks = golden["differences"].as_array().unwrap();
            let tasks: Vec<Vec<f64>> = tasks.iter().map(numbers).collect();
            match golden["g"].as_f64() {
                Some(g) => close(hedges_g(&tasks).unwrap(), g),
                None => assert_eq!(hedges_g(&tasks), None),
            }
        }
    }

    #[test]
    fn holm_is_the_closed_test() {
        for golden in goldens("holm") {
            let ours = holm(&numbers(&golden["p"]));
            for (ours, theirs) in ours.iter().zip(numbers(&golden["adjusted"])) {
                close(*ours, theirs);
            }
        }
    }

    #[test]
    fn random_sign_flips_come_near_all_of_them() {
        for golden in goldens("sign_flips") {
            let ours = sign_flip_p(&[numbers(&golden["differences"])], 100_000);
            let exact = golden["p"].as_f64().unwrap();
            // Six standard errors of a share of 100,000 draws.
            let error = 6.0 * (exact * (1.0 - exact) / 1e5).sqrt() + 2e-5;
            assert!((ours - exact).abs() < error, "{ours} {exact}");
        }
    }

    #[test]
    fn tasks_count_the_same_whatever_their_seeds() {
        // The second task outweighs the first only if seeds were pooled.
        let tasks = [vec![1.0], vec![-1.0; 7]];
        assert!(sign_flip_p(&tasks, 10_000) > 0.9);
    }

    #[test]
    fn percentiles_interpolate() {
        let (low, high) = percentiles((0..=40).rev().map(f64::from).collect()).unwrap();
        assert_eq!((low, high), (1.0, 39.0));
        assert_eq!(percentiles(Vec::new()), None);
    }
}
