//! Random numbers that depend on nothing but their key: data order, masks and initial values come
//! from a counter generator keyed by (seed, purpose, step), so that a resumed run draws what an
//! undisturbed one draws. A generator of our own because a run's bits must not change with a
//! library's version.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) with a key in place of a seed.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

/// Mixes values into one 64-bit key; used for libtorch's seeds too.
pub fn key(seed: u64, purpose: &str, counters: &[u64]) -> u64 {
    let mut state = mix(seed ^ 0x5851_F42D_4C95_7F2D);
    for byte in purpose.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    for &counter in counters {
        state = mix(state.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ counter);
    }
    state
}

fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// A generator for `purpose` at these counters (a step, a row).
    pub fn new(seed: u64, purpose: &str, counters: &[u64]) -> Self {
        Rng {
            state: key(seed, purpose, counters),
        }
    }

    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// Uniform in [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform below `n`, without bias (Lemire 2019); 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        if n == 0 {
            return 0;
        }
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        let threshold = n.wrapping_neg() % n;
        while (product as u64) < threshold {
            product = u128::from(self.next_u64()) * u128::from(n);
        }
        (product >> 64) as usize
    }

    /// A standard normal value (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// `k` of the indices below `n`, without replacement, in ascending order (all of them where
    /// `k ≥ n`).
    pub fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        let k = k.min(n);
        for i in 0..k {
            let j = i + self.below(n - i);
            all.swap(i, j);
        }
        all.truncate(k);
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_alone_decides() {
        let draw = |seed, purpose, step| Rng::new(seed, purpose, &[step]).next_u64();
        assert_eq!(draw(13, "order", 4), draw(13, "order", 4));
        let others = [
            draw(14, "order", 4),
            draw(13, "mask", 4),
            draw(13, "order", 5),
        ];
        assert!(others.iter().all(|&o| o != draw(13, "order", 4)));
    }

    #[test]
    fn below_is_uniform() {
        let mut rng = Rng::new(1, "test", &[]);
        let mut counts = [0usize; 7];
        (0..70_000).for_each(|_| counts[rng.below(7)] += 1);
        // Chi-square with 6 degrees of freedom: 22.5 is the 0.999 quantile.
        let chi: f64 = counts
            .iter()
            .map(|&c| (c as f64 - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi < 22.5, "{counts:?}");
    }

    #[test]
    fn normal_has_mean_zero_and_variance_one() {
        let mut rng = Rng::new(2, "test", &[]);
        let values: Vec<f64> = (0..50_000).map(|_| rng.normal()).collect();
        let mean = values.iter().sum::<f64>() / 5e4;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 5e4;
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03,
            "{mean} {variance}"
        );
    }

    #[test]
    fn choose_draws_distinct_sorted_indices() {
        let mut rng = Rng::new(3, "test", &[]);
        for n in 0..20 {
            for k in 0..25 {
                let chosen = rng.choose(n, k);
                assert_eq!(chosen.len(), k.min(n));
                assert!(chosen.windows(2).all(|w| w[0] < w[1]) && chosen.iter().all(|&i| i < n));
            }
        }
    }
}
