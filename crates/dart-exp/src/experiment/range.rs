//! Values of a searched setting: a list, or a range to draw from.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use dart_core::rng::Rng;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{F64Deserializer, MapAccessDeserializer, U64Deserializer};
use serde::de::{Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// The values of a searched setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Values<T> {
    /// These.
    List(Vec<T>),
    /// Whatever lies between two numbers; for random search alone.
    Between(Range),
}

/// A range of numbers, drawn from at random.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// `log` (the default): each order of magnitude is as likely as the next; `linear`.
    #[serde(default)]
    pub scale: Scale,
}

/// How numbers of a range are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Their logarithms uniformly.
    #[default]
    Log,
    /// Uniformly.
    Linear,
}

impl<T: Clone + for<'de> Deserialize<'de>> Values<T> {
    /// The listed values.
    pub fn list(&self) -> &[T] {
        match self {
            Values::List(values) => values,
            Values::Between(_) => &[],
        }
    }

    /// Draws one.
    ///
    /// # Errors
    /// A range of a setting that takes no number, or one without an inside.
    pub fn draw(&self, rng: &mut Rng) -> Result<T, String> {
        let range = match self {
            Values::List(values) => {
                let drawn = values.get(rng.below(values.len()));
                return drawn.cloned().ok_or_else(|| "has no value".to_owned());
            }
            Values::Between(range) => *range,
        };
        let (low, high) = (range.low, range.high);
        let log = range.scale == Scale::Log;
        if !(low < high && high.is_finite()) || low.is_nan() || (log && low <= 0.0) {
            return Err(format!(
                "the range from {low} to {high} cannot be drawn from: `low` must lie below `high`, \
                 and above 0 on a logarithmic scale"
            ));
        }
        let share = rng.uniform();
        let value = match range.scale {
            Scale::Log => (low.ln() + share * (high.ln() - low.ln())).exp(),
            Scale::Linear => low + share * (high - low),
        };
        // Three digits tell two draws apart, and people can read them.
        let value = format!("{value:.2e}").parse::<f64>().unwrap_or(value);
        let value = value.clamp(low, high);
        number(value).ok_or_else(|| "takes no range of numbers".to_owned())
    }
}

/// A number as this type, rounded where it takes whole ones.
fn number<T: for<'de> Deserialize<'de>>(value: f64) -> Option<T> {
    type Fault = serde::de::value::Error;
    let real: F64Deserializer<Fault> = value.into_deserializer();
    let whole: U64Deserializer<Fault> = (value.round() as u64).into_deserializer();
    T::deserialize(Present(real))
        .or_else(|_| T::deserialize(Present(whole)))
        .ok()
}

/// A value that a setting which may be null takes as well.
struct Present<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Present<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Values<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Both<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
            type Value = Values<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of values, or {low: L, high: H, scale: log|linear}")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Values::List(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Values<T>, A::Error> {
                Range::deserialize(MapAccessDeserializer::new(map)).map(Values::Between)
            }
        }
        d.deserialize_any(Both(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Values<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Values of {}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<T>>();
        json_schema!({"anyOf": [list, generator.subschema_for::<Range>()]})
    }
}
