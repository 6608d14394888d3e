//! K: how many training examples of each class a run has.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Training examples of each class: a number, or all that there are.
///
/// As text and in files it is the number or `full`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shots {
    /// So many of each class, fewer where a class has not as many.
    Of(NonZeroUsize),
    /// All of them.
    Full,
}

impl Default for Shots {
    /// 16, as in most of the literature on few-shot classification.
    fn default() -> Self {
        Shots::Of(NonZeroUsize::MIN.saturating_add(15))
    }
}

/// What is said where a number is given that is none of [`Shots`].
const AT_LEAST_1: &str = "k must be at least 1, or full";

impl Shots {
    /// So many of each class; `None` for 0.
    pub const fn new(k: usize) -> Option<Shots> {
        match NonZeroUsize::new(k) {
            Some(k) => Some(Shots::Of(k)),
            None => None,
        }
    }

    /// The number; `None` for all examples.
    pub const fn number(self) -> Option<usize> {
        match self {
            Shots::Of(k) => Some(k.get()),
            Shots::Full => None,
        }
    }
}

impl fmt::Display for Shots {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Shots::Of(k) => k.fmt(f),
            Shots::Full => f.pad("full"),
        }
    }
}

impl fmt::Debug for Shots {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Shots {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Shots::Full),
            number => match number.parse() {
                Ok(k) => Ok(Shots::Of(k)),
                Err(_) => Err(AT_LEAST_1.to_owned()),
            },
        }
    }
}

impl Serialize for Shots {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Shots::Of(k) => k.serialize(to),
            Shots::Full => to.serialize_str("full"),
        }
    }
}

impl JsonSchema for Shots {
    fn schema_name() -> Cow<'static, str> {
        "Shots".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"const": "full"}, {"type": "integer", "minimum": 1}]})
    }
}

impl<'de> Deserialize<'de> for Shots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShotsVisitor;
        impl Visitor<'_> for ShotsVisitor {
            type Value = Shots;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("full, or a number of training examples a class of at least 1")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Shots, E> {
                match text {
                    "full" => Ok(Shots::Full),
                    _ => Err(E::unknown_variant(text, &["full", "a number"])),
                }
            }
            fn visit_u64<E: de::Error>(self, k: u64) -> Result<Shots, E> {
                let k = usize::try_from(k).ok().and_then(Shots::new);
                k.ok_or_else(|| E::custom(AT_LEAST_1))
            }
        }
        deserializer.deserialize_any(ShotsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_full_is_read_and_written() {
        for (text, json, k) in [
            ("16", "16", Shots::default()),
            ("1", "1", Shots::new(1).unwrap()),
            ("full", "\"full\"", Shots::Full),
        ] {
            assert_eq!(k.to_string(), text);
            assert_eq!(text.parse(), Ok(k));
            assert_eq!(serde_json::to_string(&k).unwrap(), json);
            assert_eq!(serde_json::from_str::<Shots>(json).unwrap(), k);
            assert_eq!(serde_yaml::from_str::<Shots>(text).unwrap(), k);
        }
        assert_eq!(format!("{:>4}", Shots::new(8).unwrap()), "   8");
    }

    #[test]
    fn nothing_else_is() {
        assert_eq!(Shots::new(0), None);
        for text in ["0", "-1", "1.5", "all", ""] {
            assert!(text.parse::<Shots>().is_err(), "{text}");
            assert!(serde_yaml::from_str::<Shots>(text).is_err(), "{text}");
        }
        let error = serde_yaml::from_str::<Shots>("0").unwrap_err().to_string();
        assert!(error.contains("at least 1, or full"), "{error}");
    }
}
