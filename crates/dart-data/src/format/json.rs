//! JSON files that are one value: FewRel's object of relations, TACRED's array of sentences. They
//! are read instance by instance, not as a whole.

use std::borrow::Cow;
use std::fmt;
use std::io::BufReader;
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};

use super::row::{Record, Visit};
use super::tokens::Joined;
use crate::error::{self, DataError, Result};
use crate::example::{Entities, Mention};

/// FewRel: relation → instances.
pub(super) fn read_fewrel(path: &Path, visit: &mut Visit) -> Result<()> {
    read(path, visit, |json, rows| {
        let mut give = |relation: &str, instance: Instance| rows.give(instance.record(relation));
        json.deserialize_map(Relations(&mut give))
    })
}

/// TACRED: an array of sentences.
pub(super) fn read_tacred(path: &Path, visit: &mut Visit) -> Result<()> {
    read(path, visit, |json, rows| {
        let mut give = |sentence: Sentence| rows.give(sentence.record());
        Items(&mut give, PhantomData).deserialize(json)
    })
}

type Json = serde_json::Deserializer<serde_json::de::IoRead<BufReader<std::fs::File>>>;

fn read(
    path: &Path,
    visit: &mut Visit,
    parse: impl FnOnce(&mut Json, &mut Rows) -> serde_json::Result<()>,
) -> Result<()> {
    let mut rows = Rows {
        path,
        visit,
        row: 0,
        stopped: false,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(error::open(path)?));
    let done = parse(&mut json, &mut rows).and_then(|()| json.end());
    match done {
        Err(error) if !rows.stopped => {
            let message = format!("after {} instances: {error}", rows.row);
            let remedy = "the file is cut off or of another format; get it again";
            Err(DataError::row(path, error.line().max(1), message, remedy))
        }
        _ => Ok(()),
    }
}

/// Numbers the records and hands them on.
struct Rows<'r, 'v> {
    path: &'r Path,
    visit: &'r mut Visit<'v>,
    row: usize,
    stopped: bool,
}

impl Rows<'_, '_> {
    /// Whether reading goes on.
    fn give(&mut self, record: std::result::Result<Record<'static>, String>) -> bool {
        let row = self.row;
        let record = record
            .map(|record| Record { row, ..record })
            .map_err(|message| {
                let message = format!("instance {row}: {message}");
                DataError::row(self.path, 1, message, "repair or remove the instance")
            });
        self.row += 1;
        self.stopped = (self.visit)(record).is_break();
        !self.stopped
    }
}

/// An object whose values are lists of instances.
struct Relations<'g, F>(&'g mut F);

impl<'de, F: FnMut(&str, Instance) -> bool> serde::de::Visitor<'de> for Relations<'_, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of relations with their instances")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(relation) = map.next_key::<String>()? {
            let mut give = |instance| (self.0)(&relation, instance);
            map.next_value_seed(Items(&mut give, PhantomData))?;
        }
        Ok(())
    }
}

/// A list of items, each given on as it is read.
struct Items<'g, T, F>(&'g mut F, PhantomData<T>);

impl<'de, T, F> DeserializeSeed<'de> for Items<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(T) -> bool,
{
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T, F> serde::de::Visitor<'de> for Items<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(T) -> bool,
{
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of instances")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if !(self.0)(item) {
                return Err(A::Error::custom("stopped")); // never shown
            }
        }
        Ok(())
    }
}

/// An instance of FewRel; a mention is its name, its id and the positions of its tokens, once for
/// each time it stands there.
#[derive(Deserialize)]
struct Instance {
    tokens: Vec<String>,
    h: (String, String, Vec<Vec<usize>>),
    t: (String, String, Vec<Vec<usize>>),
}

impl Instance {
    fn record(self, relation: &str) -> std::result::Result<Record<'static>, String> {
        let joined = Joined::new(&self.tokens);
        let mention = |(name, id, places): (String, String, Vec<Vec<usize>>)| {
            let mut spans = Vec::new();
            for positions in &places {
                spans.extend(joined.ranges(positions)?);
            }
            if spans.is_empty() {
                return Err(format!("entity {name:?} has no position"));
            }
            Ok(Mention {
                spans,
                name: Some(name),
                id: Some(id),
                kind: None,
            })
        };
        let entities = Entities {
            head: mention(self.h)?,
            tail: mention(self.t)?,
        };
        Ok(record(relation.to_owned(), joined.text, entities))
    }
}

/// A sentence of TACRED; ends are the last token's position.
#[derive(Deserialize)]
struct Sentence {
    relation: String,
    token: Vec<String>,
    subj_start: usize,
    subj_end: usize,
    obj_start: usize,
    obj_end: usize,
    #[serde(default)]
    subj_type: Option<String>,
    #[serde(default)]
    obj_type: Option<String>,
}

impl Sentence {
    fn record(self) -> std::result::Result<Record<'static>, String> {
        let joined = Joined::new(&self.token);
        let mention = |start: usize, end: usize, kind: Option<String>| {
            let span = joined.range(start, end.saturating_add(1))?;
            let name = Some(joined.text[span.clone()].to_owned());
            Ok::<_, String>(Mention {
                spans: vec![span],
                name,
                id: None,
                kind,
            })
        };
        let entities = Entities {
            head: mention(self.subj_start, self.subj_end, self.subj_type)?,
            tail: mention(self.obj_start, self.obj_end, self.obj_type)?,
        };
        Ok(record(self.relation, joined.text, entities))
    }
}

fn record(label: String, text: String, entities: Entities) -> Record<'static> {
    Record {
        row: 0,
        line: 1,
        label: Cow::Owned(label),
        a: Cow::Owned(text),
        b: None,
        entities: Some(Box::new(entities)),
    }
}
