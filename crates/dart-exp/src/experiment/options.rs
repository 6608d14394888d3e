//! Every setting that a method, an experiment, a search or `--set` may give, by its flat name.

use std::borrow::Cow;

use dart_core::rng::Rng;
use dart_core::settings::{Limits, MethodKind, Settings};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::experiment::range::Values;

/// A key that stands in the file has a value, which may be null where the type allows it.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// A setting's schema with what it means and which numbers it may have.
fn property(mut schema: Schema, name: &str, doc: &str) -> Value {
    if let Some((_, limits)) = Settings::LIMITS.iter().find(|(known, _)| *known == name) {
        bound(schema.ensure_object(), limits);
    }
    schema.insert("description".to_owned(), doc.trim().into());
    schema.to_value()
}

/// A number without a fraction as people write it.
fn whole(value: f64) -> Value {
    match value.fract() == 0.0 {
        true => (value as i64).into(),
        false => value.into(),
    }
}

/// Adds limits to the numbers of a schema.
fn bound(schema: &mut Map<String, Value>, limits: &Limits) {
    let is_number = |kind: &Value| kind == "number" || kind == "integer";
    let number = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_number),
        Some(kind) => is_number(kind),
        None => false,
    };
    if number {
        let words = limits.keywords().into_iter();
        schema.extend(words.map(|(word, value)| (word.to_owned(), whole(value))));
    }
    let inner = |schema: &mut Value| {
        if let Some(schema) = schema.as_object_mut() {
            bound(schema, limits);
        }
    };
    schema.get_mut("items").into_iter().for_each(inner);
    let any = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    any.into_iter().flatten().for_each(inner);
}

/// The table's two lists as one, of what is needed here.
macro_rules! table {
    (
        method { $($(#[doc = $mdoc:literal])* $m:ident: $mty:ty = $mdefault:expr,
            if $mif:ident, in $mlimits:ident $(($($ml:literal),*))?;)* }
        train { $($(#[doc = $tdoc:literal])* $t:ident: $tty:ty = $tdefault:expr,
            if $tif:ident, in $tlimits:ident $(($($tl:literal),*))?, since $since:literal;)* }
    ) => {
        options! {
            $($(#[doc = $mdoc])* $m: $mty,)*
            $($(#[doc = $tdoc])* $t: $tty,)*
        }
    };
}

/// One list of settings, three shapes: given or not ([`Options`]), with a preset's own keys
/// ([`MethodEntry`]), and as lists of values to search ([`Grid`]).
macro_rules! options {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty,)*) => {
        /// Settings as far as they are given; a layer of them stands over another.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Options {
            $($(#[doc = $doc])* #[serde(deserialize_with = "present")]
            pub $name: Option<$type>,)*
        }

        /// A method in YAML: what it builds on, and what it does otherwise.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct MethodEntry {
            /// Another method whose settings this one starts from.
            #[serde(deserialize_with = "present")]
            pub from: Option<String>,
            /// Its kind, where it builds on no other.
            #[serde(deserialize_with = "present")]
            pub kind: Option<MethodKind>,
            /// Its name in tables.
            #[serde(deserialize_with = "present")]
            pub title: Option<String>,
            $($(#[doc = $doc])* #[serde(deserialize_with = "present")]
            pub $name: Option<$type>,)*
        }

        /// Values to search over, of each setting that is searched.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Grid {
            $($(#[doc = $doc])* #[serde(deserialize_with = "present")]
            pub $name: Option<Values<$type>>,)*
        }

        impl JsonSchema for Options {
            fn schema_name() -> Cow<'static, str> {
                "Options".into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut keys = Map::new();
                $(keys.insert(
                    stringify!($name).to_owned(),
                    property(generator.subschema_for::<$type>(), stringify!($name), concat!($($doc),*)),
                );)*
                json_schema!({"type": "object", "properties": keys, "additionalProperties": false})
            }
        }

        impl JsonSchema for MethodEntry {
            fn schema_name() -> Cow<'static, str> {
                "MethodEntry".into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut keys = Map::new();
                for (name, of, doc) in [
                    ("from", generator.subschema_for::<String>(), "Another method whose settings this one starts from."),
                    ("kind", generator.subschema_for::<MethodKind>(), "Its kind, where it builds on no other."),
                    ("title", generator.subschema_for::<String>(), "Its name in tables."),
                ] {
                    keys.insert(name.to_owned(), property(of, name, doc));
                }
                $(keys.insert(
                    stringify!($name).to_owned(),
                    property(generator.subschema_for::<$type>(), stringify!($name), concat!($($doc),*)),
                );)*
                json_schema!({"type": "object", "properties": keys, "additionalProperties": false})
            }
        }

        impl JsonSchema for Grid {
            fn schema_name() -> Cow<'static, str> {
                "Grid".into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut keys = Map::new();
                $(keys.insert(
                    stringify!($name).to_owned(),
                    property(generator.subschema_for::<Values<$type>>(), stringify!($name), concat!($($doc),*)),
                );)*
                json_schema!({"type": "object", "properties": keys, "additionalProperties": false})
            }
        }

        impl Options {
            /// The settings' names, in the order of the columns of `runs.csv`.
            pub const NAMES: &'static [&'static str] = Settings::NAMES;

            /// The settings of a method of this kind: these, and the defaults where these say nothing.
            pub fn decided(&self, kind: MethodKind) -> Settings {
                let given = self.clone();
                let defaults = Settings::of(kind);
                Settings { kind, $($name: given.$name.unwrap_or(defaults.$name),)* }
            }

            /// Those that decide something.
            pub fn meaning(all: &Settings) -> Options {
                Options {
                    $($name: all.means(stringify!($name)).then(|| all.$name.clone()),)*
                }
            }

            /// These settings, and `lower`'s where these say nothing.
            pub fn over(self, lower: &Options) -> Options {
                let lower = lower.without_rival_length(&self);
                Options { $($name: self.$name.or(lower.$name),)* }
            }
        }

        impl MethodEntry {
            /// The settings alone.
            pub fn options(&self) -> Options {
                Options { $($name: self.$name.clone(),)* }
            }
        }

        impl Grid {
            /// Every combination of listed values; the first setting varies slowest. One empty set
            /// for no grid.
            pub fn points(&self) -> Vec<Options> {
                let mut points = vec![Options::default()];
                $(if let Some(values) = &self.$name {
                    points = points
                        .iter()
                        .flat_map(|point| values.list().iter().map(move |value| Options {
                            $name: Some(value.clone()),
                            ..point.clone()
                        }))
                        .collect();
                })*
                points
            }

            /// How many combinations the listed values have.
            pub fn size(&self) -> usize {
                let mut size = 1usize;
                $(if let Some(values) = &self.$name {
                    size = size.saturating_mul(values.list().len());
                })*
                size
            }

            /// A random value of each setting, drawn from the generator that `rng` gives for its
            /// name.
            ///
            /// # Errors
            /// A range that cannot be drawn from, named.
            pub fn draw(&self, rng: &mut dyn FnMut(&str) -> Rng) -> Result<Options, String> {
                let mut point = Options::default();
                $(if let Some(values) = &self.$name {
                    let drawn = values.draw(&mut rng(stringify!($name)));
                    point.$name = Some(drawn.map_err(|m| format!("`{}`: {m}", stringify!($name)))?);
                })*
                Ok(point)
            }

            /// This grid, and `lower`'s settings where this one says nothing.
            pub fn over(self, lower: Grid) -> Grid {
                Grid { $($name: self.$name.or(lower.$name),)* }
            }

            /// A setting that is a range, if there is one.
            pub fn ranged_setting(&self) -> Option<&'static str> {
                $(if matches!(self.$name, Some(Values::Between(_))) {
                    return Some(stringify!($name));
                })*
                None
            }

            /// This grid less the settings that `fixed` gives.
            pub fn without(mut self, fixed: &Options) -> Grid {
                $(if fixed.$name.is_some() { self.$name = None; })*
                if fixed.steps.is_some() || fixed.epochs.is_some() {
                    (self.steps, self.epochs) = (None, None);
                }
                self
            }

            /// A setting with no value to try, if there is one.
            pub fn empty_setting(&self) -> Option<&'static str> {
                $(if self.$name == Some(Values::List(Vec::new())) {
                    return Some(stringify!($name));
                })*
                None
            }
        }
    };
}

dart_core::settings_table!(table);

impl Options {
    /// `steps` and `epochs` are two ways to say one thing: the one in `upper` replaces both here.
    fn without_rival_length(&self, upper: &Options) -> Options {
        let mut lower = self.clone();
        if upper.steps.is_some() || upper.epochs.is_some() {
            (lower.steps, lower.epochs) = (None, None);
        }
        lower
    }

    /// What is given, by name, in the order of the table: `{k: 3}` and `{rate: 0.1}` as their numbers,
    /// `{share: 0.1}` as that text.
    pub fn given(&self) -> Vec<(&'static str, Value)> {
        let all = serde_json::to_value(self).unwrap_or_default();
        let plain = |value: &Value| match value.as_object().and_then(|map| map.iter().next()) {
            Some((key, share)) if key == "share" => format!("{{share: {share}}}").into(),
            Some((_, inner)) => inner.clone(),
            None => value.clone(),
        };
        let given = Settings::NAMES
            .iter()
            .map(|name| (*name, plain(&all[name])));
        given.filter(|(_, value)| !value.is_null()).collect()
    }

    /// The settings as cells of `runs.csv`, in the order of [`Settings::NAMES`]; empty where not
    /// given.
    pub fn cells(&self) -> Vec<String> {
        let given = self.given();
        let cell = |name: &&str| match given.iter().find(|(known, _)| known == name) {
            None => String::new(),
            Some((_, Value::String(text))) => text.clone(),
            Some((_, other)) => other.to_string(),
        };
        Settings::NAMES.iter().map(cell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn a_later_layer_wins_and_null_is_a_value() {
        let preset = options("{fluency: 1, patience: 3, learning_rate: 1e-4}");
        let merged = options("{fluency: null, learning_rate: 3e-4}").over(&preset);
        assert_eq!(
            merged,
            options("{fluency: null, patience: 3, learning_rate: 3e-4}")
        );
        assert_eq!(merged.fluency, Some(None));
        assert!(serde_yaml::from_str::<Options>("steps: null").is_err());
    }

    #[test]
    fn steps_and_epochs_replace_each_other() {
        let merged = options("{epochs: 20}").over(&options("{steps: 100, batch: 4}"));
        assert_eq!(merged, options("{epochs: 20, batch: 4}"));
        let merged = options("{steps: 7}").over(&merged);
        assert_eq!(merged, options("{steps: 7, batch: 4}"));
    }

    #[test]
    fn cells_stand_under_their_names() {
        let cells = options("{fluency_labels: {k: 3}, fluency_mask: one, patience: null}").cells();
        let cell = |name| {
            let at = Settings::NAMES.iter().position(|n| *n == name).unwrap();
            cells[at].as_str()
        };
        let names = ["fluency_labels", "fluency_mask", "patience", "steps"];
        assert_eq!(names.map(cell), ["3", "one", "", ""]);
        let cells = options("{fluency_labels: true, fluency_mask: {share: 0.1}}").cells();
        let cell = |name| {
            let at = Settings::NAMES.iter().position(|n| *n == name).unwrap();
            cells[at].as_str()
        };
        assert_eq!(
            ["fluency_labels", "fluency_mask"].map(cell),
            ["true", "{share: 0.1}"]
        );
    }
}
