//! Which numbers a setting may have.

use std::fmt;

use crate::error::{CoreError, Result};

/// An interval of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    low: f64,
    /// Whether `low` itself is allowed.
    from_low: bool,
    high: f64,
    /// Whether `high` itself is allowed.
    to_high: bool,
}

/// A count beyond which nothing could be computed, and sums of such counts would overflow.
const MOST: f64 = 1e9;

impl Limits {
    /// Whatever the type allows.
    pub const ANY: Self = Self::new(f64::NEG_INFINITY, true, f64::INFINITY, true);
    /// A count of at least 1.
    pub const COUNT: Self = Self::count(1.0, MOST);
    /// Finite and above 0.
    pub const POSITIVE: Self = Self::new(0.0, false, f64::INFINITY, false);
    /// Finite and at least 0.
    pub const NOT_NEGATIVE: Self = Self::new(0.0, true, f64::INFINITY, false);
    /// At least 0 and below 1.
    pub const BELOW_ONE: Self = Self::new(0.0, true, 1.0, false);
    /// Above 0 and at most 1.
    pub const SHARE: Self = Self::new(0.0, false, 1.0, true);

    /// Threads that libtorch can be told to start.
    pub const THREADS: Self = Self::count(1.0, 1024.0);

    const fn new(low: f64, from_low: bool, high: f64, to_high: bool) -> Self {
        Limits {
            low,
            from_low,
            high,
            to_high,
        }
    }

    /// From `low` to `high`, both allowed.
    pub const fn count(low: f64, high: f64) -> Self {
        Self::new(low, true, high, true)
    }

    /// Whether it lies within.
    pub fn allows(&self, value: f64) -> bool {
        let above = value > self.low || self.from_low && value == self.low;
        let below = value < self.high || self.to_high && value == self.high;
        above && below || *self == Self::ANY
    }

    /// The bounds as JSON Schema's keywords name them.
    pub fn keywords(&self) -> Vec<(&'static str, f64)> {
        let low = match self.from_low {
            true => "minimum",
            false => "exclusiveMinimum",
        };
        let high = match self.to_high {
            true => "maximum",
            false => "exclusiveMaximum",
        };
        let bounds = [(low, self.low), (high, self.high)];
        bounds
            .into_iter()
            .filter(|(_, bound)| bound.is_finite())
            .collect()
    }
}

impl fmt::Display for Limits {
    /// The low end, and the high one where it is near enough to be met by mistake.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.from_low {
            true => write!(f, "at least {}", self.low)?,
            false => write!(f, "above {}", self.low)?,
        }
        match (self.high < MOST, self.to_high) {
            (false, _) => Ok(()),
            (true, true) => write!(f, " and at most {}", self.high),
            (true, false) => write!(f, " and below {}", self.high),
        }
    }
}

/// A value that [`Limits`] may be about.
pub trait Limited {
    /// It as a number; `None` where it is none, or is not given.
    fn number(&self) -> Option<f64>;
}

impl Limited for f64 {
    fn number(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Limited for usize {
    fn number(&self) -> Option<f64> {
        Some(*self as f64)
    }
}

impl<T: Limited> Limited for Option<T> {
    fn number(&self) -> Option<f64> {
        self.as_ref()?.number()
    }
}

/// Refuses a number outside of its limits.
pub(crate) fn refuse(name: &str, value: &impl Limited, limits: Limits) -> Result<()> {
    match value.number() {
        Some(number) if !limits.allows(number) => {
            let wanted = match number > MOST {
                true if limits.high.is_finite() => format!("at most {}", limits.high),
                true => "finite".to_owned(),
                false => limits.to_string(),
            };
            let message = format!("`{name}` is {number}; it must be {wanted}");
            Err(CoreError::Setting(message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_and_told() {
        for (limits, inside, outside, text) in [
            (Limits::COUNT, [1.0, 1e9], [0.0, 2e9], "at least 1"),
            (
                Limits::POSITIVE,
                [1e-9, 1e300],
                [0.0, f64::INFINITY],
                "above 0",
            ),
            (
                Limits::NOT_NEGATIVE,
                [0.0, 1.0],
                [-1e-9, f64::INFINITY],
                "at least 0",
            ),
            (
                Limits::BELOW_ONE,
                [0.0, 0.999],
                [-0.1, 1.0],
                "at least 0 and below 1",
            ),
            (
                Limits::SHARE,
                [0.1, 1.0],
                [0.0, 1.1],
                "above 0 and at most 1",
            ),
        ] {
            assert_eq!(limits.to_string(), text);
            assert!(inside.iter().all(|v| limits.allows(*v)), "{text}");
            assert!(!outside.iter().any(|v| limits.allows(*v)), "{text}");
            assert!(!limits.allows(f64::NAN), "{text}");
        }
        assert_eq!(
            Limits::SHARE.keywords(),
            [("exclusiveMinimum", 0.0), ("maximum", 1.0)]
        );
        assert!(Limits::ANY.keywords().is_empty());
    }
}
