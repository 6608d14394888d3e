//! What the fluency constraint draws: labels and masks.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Under which labels the masked word is predicted. Written `auto`, `all`, `sampled`, `true` or
/// `{k: N}` with N of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyLabels {
    /// All of them up to six classes, `k: 5` above.
    Auto,
    /// All of them (the paper).
    All,
    /// The true one and this many wrong ones, drawn without replacement, weighted (n−1)/N.
    K(usize),
    /// One label an example, uniform (what the reference implementation meant).
    Sampled,
    /// The true one alone.
    True,
}

/// Which input tokens are masked for the fluency constraint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FluencyMask {
    /// One random token of the input.
    One,
    /// Each token of the input with this probability, in (0, 1).
    Rate(f64),
    /// ⌊this share of them⌋ of each text's tokens, without replacement; in (0, 1).
    Share(f64),
}

impl<'de> Deserialize<'de> for FluencyLabels {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Labels;
        impl<'de> Visitor<'de> for Labels {
            type Value = FluencyLabels;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("auto, all, sampled, true or {k: N}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<FluencyLabels, E> {
                match text {
                    "auto" => Ok(FluencyLabels::Auto),
                    "all" => Ok(FluencyLabels::All),
                    "sampled" => Ok(FluencyLabels::Sampled),
                    "true" => Ok(FluencyLabels::True),
                    _ => Err(E::unknown_variant(
                        text,
                        &["auto", "all", "sampled", "true", "{k: N}"],
                    )),
                }
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<FluencyLabels, E> {
                match value {
                    true => Ok(FluencyLabels::True),
                    false => Err(E::invalid_value(de::Unexpected::Bool(false), &self)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FluencyLabels, A::Error> {
                match (
                    map.next_entry::<String, usize>()?,
                    map.next_key::<String>()?,
                ) {
                    (Some((key, n)), None) if key == "k" && n > 0 => Ok(FluencyLabels::K(n)),
                    _ => Err(de::Error::custom(
                        "fluency_labels takes {k: N} with N at least 1",
                    )),
                }
            }
        }
        d.deserialize_any(Labels)
    }
}

impl<'de> Deserialize<'de> for FluencyMask {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        const TAKES: &str = "fluency_mask takes one, or a rate or {share: r} above 0 and below 1";
        struct Mask;
        impl<'de> Visitor<'de> for Mask {
            type Value = FluencyMask;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("one, a rate above 0 and below 1, or {share: r}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<FluencyMask, E> {
                match text {
                    "one" => Ok(FluencyMask::One),
                    _ => Err(E::unknown_variant(
                        text,
                        &["one", "a rate above 0 and below 1", "{share: r}"],
                    )),
                }
            }
            fn visit_f64<E: de::Error>(self, rate: f64) -> Result<FluencyMask, E> {
                match rate > 0.0 && rate < 1.0 {
                    true => Ok(FluencyMask::Rate(rate)),
                    false => Err(E::custom(TAKES)),
                }
            }
            fn visit_u64<E: de::Error>(self, rate: u64) -> Result<FluencyMask, E> {
                self.visit_f64(rate as f64)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FluencyMask, A::Error> {
                match map.next_entry::<String, f64>()? {
                    Some((key, rate)) if key == "rate" => self.visit_f64(rate),
                    Some((key, share)) if key == "share" && share > 0.0 && share < 1.0 => {
                        Ok(FluencyMask::Share(share))
                    }
                    _ => Err(de::Error::custom(TAKES)),
                }
            }
        }
        d.deserialize_any(Mask)
    }
}

impl JsonSchema for FluencyLabels {
    fn schema_name() -> Cow<'static, str> {
        "FluencyLabels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"enum": ["auto", "all", "sampled", true]},
            {
                "type": "object",
                "properties": {"k": {"type": "integer", "minimum": 1}},
                "required": ["k"],
                "additionalProperties": false,
            },
        ]})
    }
}

impl JsonSchema for FluencyMask {
    fn schema_name() -> Cow<'static, str> {
        "FluencyMask".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"const": "one"},
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            {
                "type": "object",
                "properties": {
                    "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                },
                "required": ["share"],
                "additionalProperties": false,
            },
        ]})
    }
}
