//! Named methods: presets that ship with the program and those that an experiment adds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use dart_core::settings::MethodKind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::experiment::options::{MethodEntry, Options};
use crate::experiment::yaml;
use crate::terminal::failure::Usage;

const PRESETS: &str = include_str!("../../presets/methods.yaml");

/// A method by name, before an experiment's settings stand over it.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name in YAML and CSV.
    pub name: String,
    /// Its name in tables.
    pub title: String,
    /// What it starts from.
    pub kind: MethodKind,
    /// The preset's settings.
    pub preset: Options,
    /// What the experiment's own entry says; stands over the experiment's `settings`.
    pub own: Options,
}

/// All known methods.
pub struct Methods {
    presets: BTreeMap<String, MethodEntry>,
    own: BTreeMap<String, MethodEntry>,
}

impl Methods {
    /// The presets, and what an experiment defines over them.
    pub fn new(own: &[(String, MethodEntry)]) -> Result<Self, Usage> {
        let presets = yaml::parse(PRESETS, "presets/methods.yaml")?;
        Ok(Methods {
            presets,
            own: own.iter().cloned().collect(),
        })
    }

    /// The method of this name.
    pub fn named(&self, name: &str) -> Result<Named, Usage> {
        let mut named = Named {
            name: name.to_owned(),
            title: name.to_owned(),
            kind: MethodKind::Majority,
            preset: Options::default(),
            own: Options::default(),
        };
        let (mut kind, mut title) = (None, None);
        let mut trail = vec![name.to_owned()];
        // Own entries first, then presets: each may build on the next.
        loop {
            let at = trail[trail.len() - 1].clone();
            let own = self
                .own
                .get(&at)
                .filter(|_| trail.iter().filter(|n| **n == at).count() == 1);
            let Some(entry) = own.or_else(|| self.presets.get(&at)) else {
                let known: Vec<&str> = self
                    .presets
                    .keys()
                    .chain(self.own.keys())
                    .map(String::as_str)
                    .collect();
                return Err(Usage(format!(
                    "unknown method `{at}`; {}",
                    yaml::hint(&at, &known)
                )));
            };
            let layer = if own.is_some() {
                &mut named.own
            } else {
                &mut named.preset
            };
            *layer = std::mem::take(layer).over(&entry.options());
            kind = kind.or(entry.kind);
            // What a method builds on lends its settings, not its name in tables.
            if at == name {
                title = title.or(entry.title.clone());
            }
            let next = match &entry.from {
                Some(from) => from.clone(),
                None if own.is_some() && self.presets.contains_key(&at) => at,
                None => break,
            };
            // A name may come twice: the experiment's entry, then the preset that it changes.
            let times = trail.iter().filter(|n| **n == next).count();
            if times > usize::from(self.presets.contains_key(&next)) {
                return Err(Usage(format!(
                    "method `{name}` builds on itself through `{next}`"
                )));
            }
            trail.push(next);
        }
        named.title = title.unwrap_or(named.title);
        named.kind = kind.ok_or_else(|| {
            Usage(format!(
                "method `{name}` needs `from:` (a method that it builds on) or `kind:` (majority, \
                 head, prompt or sentence)"
            ))
        })?;
        Ok(named)
    }
}

/// Methods in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct RawMethods(pub Vec<(String, Option<MethodEntry>)>);

impl<'de> Deserialize<'de> for RawMethods {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Methods;
        impl<'de> Visitor<'de> for Methods {
            type Value = RawMethods;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of method names, or a map of names to changes")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<RawMethods, E> {
                Ok(RawMethods(vec![(name.to_owned(), None)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawMethods, A::Error> {
                let mut methods = Vec::new();
                while let Some(name) = seq.next_element()? {
                    methods.push((name, None));
                }
                Ok(RawMethods(methods))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawMethods, A::Error> {
                let mut methods = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    methods.push(entry);
                }
                Ok(RawMethods(methods))
            }
        }
        d.deserialize_any(Methods)
    }
}

impl JsonSchema for RawMethods {
    fn schema_name() -> Cow<'static, str> {
        "Methods".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<Option<MethodEntry>>();
        json_schema!({"anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": entry},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(text: &str) -> Methods {
        let own: BTreeMap<String, MethodEntry> = serde_yaml::from_str(text).unwrap();
        Methods::new(&own.into_iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn every_preset_is_whole() {
        let methods = methods("{}");
        for name in methods.presets.keys() {
            let named = methods.named(name).unwrap();
            assert_ne!(named.title, *name, "the preset {name} has a title");
            assert_eq!(named.own, Options::default());
        }
        let ablation = methods.named("dart-no-fluency").unwrap();
        let dart = methods.named("dart").unwrap();
        assert_eq!(
            ablation.preset,
            Options {
                fluency: Some(None),
                ..dart.preset
            }
        );
    }

    #[test]
    fn own_entries_stand_over_presets_and_build_on_each_other() {
        let methods = methods(
            "{dart: {learning_rate: 1}, mine: {from: dart, fluency: 2, title: Mine}, \
             new: {kind: head}}",
        );
        let mine = methods.named("mine").unwrap();
        assert_eq!(
            (mine.kind, mine.title.as_str()),
            (MethodKind::Prompt, "Mine")
        );
        assert_eq!(
            mine.own,
            serde_yaml::from_str("{learning_rate: 1, fluency: 2}").unwrap()
        );
        assert_eq!(mine.preset.learning_rate, Some(1e-4));
        assert_eq!(methods.named("dart").unwrap().title, "DART");
        assert_eq!(methods.named("new").unwrap().kind, MethodKind::Head);
    }

    #[test]
    fn what_cannot_be_a_method_is_refused() {
        let methods = methods("{a: {from: b}, b: {from: a}, c: {steps: 3}, d: {from: dartt}}");
        let refusal = |name| methods.named(name).unwrap_err().0;
        assert!(refusal("a").contains("builds on itself"));
        assert!(refusal("c").contains("needs `from:`"));
        assert_eq!(refusal("d"), "unknown method `dartt`; did you mean `dart`?");
    }
}
