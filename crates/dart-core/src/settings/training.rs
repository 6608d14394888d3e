//! How a run is optimised.

use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::limits::{Limits, refuse};
use super::schedule::Count;
use crate::error::{CoreError, Result};

macro_rules! declare {
    (
        method { $($ignored:tt)* }
        train { $($(#[doc = $doc:literal])* $name:ident: $type:ty = $default:expr,
            if $meaning:ident, in $limits:ident $(($($limit:literal),*))?, since $since:literal;)* }
    ) => {
        /// Optimisation settings of a run.
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct TrainSettings {
            $($(#[doc = $doc])* pub $name: $type,)*
        }

        impl Default for TrainSettings {
            /// 20 epochs of 16 examples for each of four classes, on one thread.
            fn default() -> Self {
                TrainSettings { $($name: $default,)* }
            }
        }

        impl TrainSettings {
            /// Refuses numbers with which nothing could be computed.
            ///
            /// # Errors
            /// The setting, its value and what it may be.
            pub fn check(&self) -> Result<()> {
                $(refuse(stringify!($name), &self.$name, Limits::$limits $(($($limit),*))?)?;)*
                self.check_evaluations()
            }
        }

        /// Settings that came later are not written where they are as they always were: a run's
        /// identity is made of what is written.
        impl Serialize for TrainSettings {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let defaults = TrainSettings::default();
                let last = [$($since),*].into_iter().fold(0, u32::max);
                let mut all = serializer.serialize_map(None)?;
                for since in 0..=last {
                    $(if $since == since && (since == 0 || self.$name != defaults.$name) {
                        all.serialize_entry(stringify!($name), &self.$name)?;
                    })*
                }
                all.end()
            }
        }
    };
}

crate::settings_table!(declare);

impl TrainSettings {
    /// Evaluations stand behind whole steps.
    fn check_evaluations(&self) -> Result<()> {
        if self.count == Count::MicroBatches && !self.eval_every.is_multiple_of(self.accumulation) {
            let message = format!(
                "with `count: micro-batches`, `eval_every` ({}) must be a multiple of \
                 `accumulation` ({})",
                self.eval_every, self.accumulation
            );
            return Err(CoreError::Setting(message));
        }
        Ok(())
    }

    /// Optimizer steps on `rows` training examples: those of `epochs` where these are given.
    pub fn steps_for(&self, rows: usize) -> usize {
        let Some(epochs) = self.epochs else {
            return self.steps;
        };
        let step = self.batch.saturating_mul(self.accumulation).max(1);
        epochs.saturating_mul(rows.div_ceil(step))
    }
}
