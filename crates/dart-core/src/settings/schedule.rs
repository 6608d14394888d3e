//! Words of the settings that say how learning rates go, what decays and which evaluation is kept.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// How a learning rate goes after its warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Linearly to 0.
    #[default]
    Linear,
    /// As it is.
    Constant,
}

/// What `eval_every` and the schedule's length count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// Optimizer steps.
    #[default]
    Steps,
    /// Micro-batches, while a step moves the schedule by one: with an accumulation of 2 the rate is
    /// at its half in the end.
    MicroBatches,
}

/// Which of the evaluations with the best metric on dev is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// That of the lowest loss; among equal ones, the first.
    #[default]
    Loss,
    /// The first.
    Earlier,
    /// The last. It counts as no improvement where patience is counted.
    Later,
}

/// Which embeddings have weight decay. Written `false`, `positions` or `true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecayedEmbeddings {
    /// None.
    #[default]
    None,
    /// Those of positions and segments.
    Positions,
    /// These, the vocabulary's rows and the pseudo rows.
    All,
}

impl Serialize for DecayedEmbeddings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            DecayedEmbeddings::None => serializer.serialize_bool(false),
            DecayedEmbeddings::Positions => serializer.serialize_str("positions"),
            DecayedEmbeddings::All => serializer.serialize_bool(true),
        }
    }
}

impl<'de> Deserialize<'de> for DecayedEmbeddings {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Which;
        impl Visitor<'_> for Which {
            type Value = DecayedEmbeddings;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("false, positions or true")
            }
            fn visit_bool<E: de::Error>(self, all: bool) -> Result<DecayedEmbeddings, E> {
                Ok(match all {
                    true => DecayedEmbeddings::All,
                    false => DecayedEmbeddings::None,
                })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<DecayedEmbeddings, E> {
                match text {
                    "positions" => Ok(DecayedEmbeddings::Positions),
                    // As `--set` and a column of a table hold them.
                    "true" => Ok(DecayedEmbeddings::All),
                    "false" => Ok(DecayedEmbeddings::None),
                    _ => Err(E::unknown_variant(text, &["false", "positions", "true"])),
                }
            }
        }
        d.deserialize_any(Which)
    }
}

impl JsonSchema for DecayedEmbeddings {
    fn schema_name() -> Cow<'static, str> {
        "DecayedEmbeddings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": [false, "positions", true]})
    }
}
