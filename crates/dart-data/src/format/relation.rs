//! Relation data a line or a few lines at a time: token JSON lines, marked JSON lines, and
//! SemEval-2010 task 8's text.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use serde::Deserialize;

use super::row::{Record, Visit};
use super::tokens::{Joined, char_range};
use super::tsv::each_line;
use crate::error::{DataError, Result};
use crate::example::{Entities, Mention};
use crate::layout::Read;

/// `{"token": […], "h": {"name", "id", "pos": [start, end]}, "t": …, "relation"}`, or with `text`
/// and positions in characters; `pos` may be a list of ranges.
pub(super) fn read_token_jsonl(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    json_lines(path, read, visit, |line: TokenLine| line.parts())
}

/// `{"text": "… << head >> … [[ tail ]] …", "label"}`.
pub(super) fn read_marked_jsonl(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    json_lines(path, read, visit, |line: MarkedLine| {
        let (text, head, tail) = unmark(&line.text, ("<< ", " >>"), ("[[ ", " ]]"))?;
        Ok((line.label, text, Entities { head, tail }))
    })
}

const HEAD: (&str, &str) = ("<e1>", "</e1>");
const TAIL: (&str, &str) = ("<e2>", "</e2>");

/// A record whose text marks its entities, with them: `The <e1>flu</e1> is due to a
/// <e2>virus</e2>.`
pub(super) fn marked<'a>(path: &Path, record: Record<'a>) -> Result<Record<'a>> {
    let (plain, head, tail) = unmark(&record.a, HEAD, TAIL).map_err(|message| {
        let remedy = "mark the two entities of each text as <e1>…</e1> and <e2>…</e2>";
        DataError::row(path, record.line, message, remedy)
    })?;
    Ok(Record {
        a: Cow::Owned(plain),
        entities: Some(Box::new(Entities { head, tail })),
        ..record
    })
}

/// A record as such a line, with `text` and positions in characters.
pub(crate) fn json_line(record: &Record) -> String {
    let place = |mention: &Mention| {
        let chars = |at: usize| {
            record
                .a
                .get(..at)
                .map_or(0, |before| before.chars().count())
        };
        let pos: Vec<_> = mention
            .spans
            .iter()
            .map(|s| [chars(s.start), chars(s.end)])
            .collect();
        serde_json::json!({"name": mention.name, "id": mention.id, "type": mention.kind, "pos": pos})
    };
    let (h, t) = match &record.entities {
        Some(entities) => (place(&entities.head), place(&entities.tail)),
        None => (serde_json::Value::Null, serde_json::Value::Null),
    };
    serde_json::json!({"text": record.a, "h": h, "t": t, "relation": record.label}).to_string()
}

type Parts = (String, String, Entities);

fn json_lines<T: serde::de::DeserializeOwned>(
    path: &Path,
    read: &Read,
    visit: &mut Visit,
    parts: impl Fn(T) -> std::result::Result<Parts, String>,
) -> Result<()> {
    each_line(path, read, |line, row, text| {
        let text = match text {
            Ok(text) if text.trim().is_empty() => return Ok(None),
            Ok(text) => text,
            Err(error) => return Ok(Some(visit(Err(error)))),
        };
        let parsed = serde_json::from_str(&text).map_err(|error| format!("not valid ({error})"));
        let record = parsed
            .and_then(&parts)
            .map(|parts| record(parts, row, line));
        let record = record
            .map_err(|message| DataError::row(path, line, message, "repair or remove the row"));
        Ok(Some(visit(record)))
    })
}

fn record((label, text, entities): Parts, row: usize, line: usize) -> Record<'static> {
    let (label, a) = (Cow::Owned(label), Cow::Owned(text));
    Record {
        row,
        line,
        label,
        a,
        b: None,
        entities: Some(Box::new(entities)),
    }
}

#[derive(Deserialize)]
struct TokenLine {
    #[serde(alias = "tokens")]
    token: Option<Vec<String>>,
    text: Option<String>,
    h: RawMention,
    t: RawMention,
    #[serde(alias = "label")]
    relation: String,
}

#[derive(Deserialize)]
struct RawMention {
    name: Option<String>,
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    pos: Ranges,
}

/// One range, or several where the mention has several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ranges {
    One((usize, usize)),
    Several(Vec<(usize, usize)>),
}

impl TokenLine {
    fn parts(self) -> std::result::Result<Parts, String> {
        let joined = self.token.as_deref().map(Joined::new);
        let mention = |raw: RawMention| {
            let ranges = match raw.pos {
                Ranges::One(range) => vec![range],
                Ranges::Several(ranges) => ranges,
            };
            let span = |(start, end)| match (&joined, &self.text) {
                (Some(joined), _) => joined.range(start, end),
                (None, Some(text)) => char_range(text, start, end),
                (None, None) => Err("has neither `token` nor `text`".to_owned()),
            };
            let spans = ranges
                .into_iter()
                .map(span)
                .collect::<std::result::Result<Vec<_>, _>>()?;
            if spans.is_empty() {
                return Err("an entity has no position".to_owned());
            }
            Ok(Mention {
                spans,
                name: raw.name,
                id: raw.id,
                kind: raw.kind,
            })
        };
        let entities = Entities {
            head: mention(self.h)?,
            tail: mention(self.t)?,
        };
        let text = joined
            .map(|joined| joined.text)
            .or(self.text)
            .unwrap_or_default();
        Ok((self.relation, text, entities))
    }
}

#[derive(Deserialize)]
struct MarkedLine {
    text: String,
    label: String,
}

/// Takes the marks round head and tail out of a text.
fn unmark(
    text: &str,
    head: (&str, &str),
    tail: (&str, &str),
) -> std::result::Result<(String, Mention, Mention), String> {
    let head_at = marks(text, head)?;
    let tail_at = marks(text, tail)?;
    let mut cuts: Vec<Range<usize>> = [&head_at, &tail_at]
        .iter()
        .flat_map(|marks| [marks.open.clone(), marks.close.clone()])
        .collect();
    cuts.sort_by_key(|cut| cut.start);
    let (h, t) = (&head_at, &tail_at);
    let apart = h.close.end <= t.open.start || t.close.end <= h.open.start;
    if !(apart || h.holds(t) || t.holds(h)) {
        return Err("the marks of the two entities overlap".to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut from = 0;
    for cut in &cuts {
        plain.push_str(&text[from..cut.start]);
        from = cut.end;
    }
    plain.push_str(&text[from..]);
    let shifted = |at: usize| {
        at - cuts
            .iter()
            .filter(|cut| cut.end <= at)
            .map(ExactSizeIterator::len)
            .sum::<usize>()
    };
    let mention = |inner: Range<usize>| {
        let span = shifted(inner.start)..shifted(inner.end);
        let name = Some(plain[span.clone()].to_owned());
        Mention {
            spans: vec![span],
            name,
            id: None,
            kind: None,
        }
    };
    let (head, tail) = (mention(head_at.inner), mention(tail_at.inner));
    Ok((plain, head, tail))
}

struct Marks {
    open: Range<usize>,
    inner: Range<usize>,
    close: Range<usize>,
}

impl Marks {
    fn holds(&self, other: &Marks) -> bool {
        self.inner.start <= other.open.start && other.close.end <= self.inner.end
    }
}

fn marks(text: &str, (open, close): (&str, &str)) -> std::result::Result<Marks, String> {
    let missing = || format!("no entity between {:?} and {:?}", open.trim(), close.trim());
    let start = text.find(open).ok_or_else(missing)?;
    let inner = start + open.len();
    let end = inner + text[inner..].find(close).ok_or_else(missing)?;
    if end == inner {
        return Err(missing());
    }
    Ok(Marks {
        open: start..inner,
        inner: inner..end,
        close: end..end + close.len(),
    })
}

/// SemEval-2010 task 8: a numbered, quoted sentence with `<e1>` and `<e2>`, its relation, a
/// comment, an empty line.
pub(super) fn read_semeval(path: &Path, read: &Read, visit: &mut Visit) -> Result<()> {
    let mut sentence: Option<(usize, String)> = None;
    let mut row = 0;
    each_line(path, read, |line, _, text| {
        let text = match text {
            Ok(text) => text,
            Err(error) => return Ok(Some(visit(Err(error)))),
        };
        let text = text.trim();
        let fail = |line, message: &str| {
            let remedy = "expected a numbered sentence, its relation, a comment, an empty line";
            Err(DataError::row(path, line, message, remedy))
        };
        let Some((at, before)) = sentence.take() else {
            let numbered = text
                .split_once('\t')
                .filter(|(n, _)| n.parse::<u64>().is_ok());
            match numbered {
                Some((_, quoted)) => sentence = Some((line, quoted.to_owned())),
                None if text.is_empty() || text.starts_with("Comment") => {}
                None => return Ok(Some(visit(fail(line, "no numbered sentence")))),
            }
            return Ok(None);
        };
        if text.is_empty() || text.starts_with("Comment") || text.contains('\t') {
            return Ok(Some(visit(fail(at, "the sentence has no relation"))));
        }
        let quoted = before
            .strip_prefix('"')
            .and_then(|inner| inner.strip_suffix('"'));
        let marked = unmark(quoted.unwrap_or(&before), HEAD, TAIL);
        let flow = match marked {
            Ok((plain, head, tail)) => {
                let parts = (text.to_owned(), plain, Entities { head, tail });
                visit(Ok(record(parts, row, at)))
            }
            Err(message) => visit(fail(at, &message)),
        };
        row += 1;
        Ok(Some(flow))
    })?;
    if let Some((line, _)) = sentence {
        let error = DataError::row(
            path,
            line,
            "the sentence has no relation",
            "get the file again",
        );
        let _: ControlFlow<()> = visit(Err(error));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_out_and_spans_stay_right() {
        let text = "The <e2>é</e2> of the <e1>big tree</e1>.";
        let (plain, head, tail) = unmark(text, ("<e1>", "</e1>"), ("<e2>", "</e2>")).unwrap();
        assert_eq!(plain, "The é of the big tree.");
        assert_eq!(&plain[head.spans[0].clone()], "big tree");
        assert_eq!(&plain[tail.spans[0].clone()], "é");
        let nested = "<e1>a <e2>b</e2> c</e1>";
        let (plain, head, tail) = unmark(nested, ("<e1>", "</e1>"), ("<e2>", "</e2>")).unwrap();
        assert_eq!(
            (plain.as_str(), &head.spans[0], &tail.spans[0]),
            ("a b c", &(0..5), &(2..3))
        );
        for broken in [
            "<e1>a<e2></e1>b</e2>",
            "<e1>a</e1>",
            "<e1></e1> <e2>b</e2>",
            "</e1><e1>",
        ] {
            assert!(
                unmark(broken, ("<e1>", "</e1>"), ("<e2>", "</e2>")).is_err(),
                "{broken}"
            );
        }
    }
}
