//! Finds out what a type's `Deserialize` reads: it is handed a deserializer that writes down what it
//! was asked for and then fails. A struct tells one field at a time, so it is asked again and again.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

/// What has been found so far.
pub struct Probe {
    structs: BTreeMap<&'static str, BTreeMap<&'static str, Found>>,
    /// Structs that the question stands in, the innermost last.
    within: Vec<&'static str>,
    /// Schemas of values that the types themselves do not tell, by the struct and the key.
    spelled: fn(&str, &str, Value) -> Option<Value>,
}

/// What is known of a value.
#[derive(Clone, Debug, Default)]
struct Found {
    types: Value,
    /// Whether there is nothing more to ask.
    complete: bool,
}

impl Probe {
    /// A probe that asks `spelled` about values which may be of several types: in which struct, under
    /// which key (with `[]` for elements of a list), and what a list of them would hold.
    pub fn new(spelled: fn(&str, &str, Value) -> Option<Value>) -> Self {
        Probe {
            structs: BTreeMap::new(),
            within: Vec::new(),
            spelled,
        }
    }

    /// The schema of a type; its structs become definitions.
    pub fn schema<T: DeserializeOwned>(&mut self) -> Value {
        let mut found = Found::default();
        while !found.complete {
            self.within.clear();
            let _ = T::deserialize(Asked {
                probe: self,
                found: &mut found,
                path: String::new(),
            });
        }
        found.types
    }

    /// The structs' schemas by name.
    pub fn definitions(self) -> Map<String, Value> {
        let definition = |fields: BTreeMap<&'static str, Found>| {
            let properties: Map<String, Value> = fields
                .into_iter()
                .map(|(name, found)| (name.to_owned(), found.types))
                .collect();
            json!({"type": "object", "properties": properties, "additionalProperties": false})
        };
        self.structs
            .into_iter()
            .map(|(name, fields)| (name.to_owned(), definition(fields)))
            .collect()
    }
}

/// A deserializer that writes down in `found` what it is asked for.
struct Asked<'a> {
    probe: &'a mut Probe,
    found: &'a mut Found,
    /// The key that this is the value of, with `[]` for elements.
    path: String,
}

/// Ends every question.
#[derive(Debug)]
struct Enough;

impl fmt::Display for Enough {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("enough")
    }
}

impl std::error::Error for Enough {}

impl serde::de::Error for Enough {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Enough
    }
}

impl Asked<'_> {
    fn is<T>(self, types: Value) -> Result<T, Enough> {
        *self.found = Found {
            types,
            complete: true,
        };
        Err(Enough)
    }

    /// What is found of a value inside this one.
    fn inner<T>(
        &mut self,
        path: String,
        key: Option<&'static str>,
        visit: impl FnOnce(One<'_>) -> Result<T, Enough>,
    ) -> Found {
        let mut found = Found::default();
        let _ = visit(One {
            asked: Some(Asked {
                probe: &mut *self.probe,
                found: &mut found,
                path,
            }),
            key,
        });
        found
    }
}

/// One element of a list, or one entry of a map.
struct One<'a> {
    asked: Option<Asked<'a>>,
    key: Option<&'static str>,
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Enough;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Enough> {
        let asked = self.asked.take();
        asked.map(|asked| seed.deserialize(asked)).transpose()
    }
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Enough;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Enough> {
        let key: Option<StrDeserializer<Enough>> = self.key.take().map(StrDeserializer::new);
        key.map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Enough> {
        seed.deserialize(self.asked.take().ok_or(Enough)?)
    }
}

macro_rules! plain {
    ($types:tt; $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Enough> {
            self.is(json!($types))
        })*
    };
}

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Enough;

    plain!({"type": "boolean"}; deserialize_bool);
    plain!({"type": "integer"}; deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128);
    plain!({"type": "integer", "minimum": 0}; deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128);
    plain!({"type": "number"}; deserialize_f32 deserialize_f64);
    plain!({"type": "string"}; deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_identifier);
    plain!({"type": "null"}; deserialize_unit);
    plain!({}; deserialize_ignored_any);

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Enough> {
        let within = self.probe.within.last().copied().unwrap_or("");
        let spelled = self.probe.spelled;
        // Some types take anything, and lists of it, and lists of that.
        if self.path.ends_with("[][]") {
            return self.is(json!({}));
        }
        if let Some(types) = spelled(within, &self.path, Value::Null) {
            return self.is(types);
        }
        let path = format!("{}[]", self.path);
        let element = self.inner(path.clone(), None, |one| visitor.visit_seq(one));
        if element.types.is_null() {
            return self.is(json!({}));
        }
        let list = json!({"type": "array", "items": element.types});
        let types = spelled(within, &path, element.types.clone())
            .unwrap_or_else(|| json!({"anyOf": [element.types, list]}));
        *self.found = Found { types, ..element };
        Err(Enough)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Enough> {
        let path = self.path.clone();
        let inner = self.inner(path, None, |mut one| match one.asked.take() {
            Some(asked) => visitor.visit_some(asked),
            None => Err(Enough),
        });
        let mut any = match inner.types.get("anyOf").and_then(Value::as_array) {
            Some(any) => any.clone(),
            None => vec![inner.types],
        };
        any.push(json!({"type": "null"}));
        *self.found = Found {
            types: json!({"anyOf": any}),
            complete: inner.complete,
        };
        Err(Enough)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Enough> {
        let path = format!("{}[]", self.path);
        let element = self.inner(path, None, |one| visitor.visit_seq(one));
        *self.found = Found {
            types: json!({"type": "array", "items": element.types}),
            complete: element.complete,
        };
        Err(Enough)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Enough> {
        let path = format!("{}{{}}", self.path);
        let value = self.inner(path, Some("any"), |one| visitor.visit_map(one));
        *self.found = Found {
            types: json!({"type": "object", "additionalProperties": value.types}),
            complete: value.complete,
        };
        Err(Enough)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Enough> {
        let types = json!({"$ref": format!("#/definitions/{name}")});
        let known = self.probe.structs.entry(name).or_default();
        let open = fields
            .iter()
            .copied()
            .find(|field| known.get(field).is_none_or(|found| !found.complete));
        let open = open.filter(|_| !self.probe.within.contains(&name));
        if let Some(field) = open {
            self.probe.within.push(name);
            let found = self.inner(field.to_owned(), Some(field), |one| visitor.visit_map(one));
            self.probe.within.pop();
            if let Some(known) = self.probe.structs.get_mut(name) {
                known.insert(field, found);
            }
        }
        *self.found = Found {
            types,
            complete: open.is_none(),
        };
        Err(Enough)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Enough> {
        self.is(json!({"enum": variants}))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Enough> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Enough> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Enough> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Enough> {
        self.deserialize_seq(visitor)
    }
}
