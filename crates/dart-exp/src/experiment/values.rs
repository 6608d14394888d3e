//! Values that a file may spell in several ways: one or many, a word or a number.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Both<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value or a list of values")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|v| OneOrMany(vec![v]))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(|v| OneOrMany(vec![v]))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<OneOrMany<T>, E> {
                T::deserialize(de::value::U64Deserializer::new(number)).map(|v| OneOrMany(vec![v]))
            }
        }
        d.deserialize_any(Both(PhantomData))
    }
}

/// A limit of test rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestRows(pub Option<usize>);

impl<'de> Deserialize<'de> for TestRows {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Rows;
        impl Visitor<'_> for Rows {
            type Value = TestRows;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("all, or a number of rows of at least 1")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<TestRows, E> {
                match text {
                    "all" => Ok(TestRows(None)),
                    _ => Err(E::unknown_variant(text, &["all", "a number"])),
                }
            }
            fn visit_u64<E: de::Error>(self, rows: u64) -> Result<TestRows, E> {
                match usize::try_from(rows) {
                    Ok(rows) if rows > 0 => Ok(TestRows(Some(rows))),
                    _ => Err(E::custom("test_rows must be at least 1")),
                }
            }
        }
        d.deserialize_any(Rows)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("One or many {}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, generator.subschema_for::<Vec<T>>()]})
    }
}

impl JsonSchema for TestRows {
    fn schema_name() -> Cow<'static, str> {
        "TestRows".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1}]})
    }
}
