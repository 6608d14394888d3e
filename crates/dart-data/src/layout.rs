//! How a distribution of a data set lies on disk and how its rows are read. All of it is data of
//! the catalog.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::Setting;
use crate::shots::Shots;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tab-separated without quoting; universal newlines.
    Tsv,
    /// Comma-separated (or another delimiter) with quoting as pandas reads and writes it.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// `csv` for `.csv`, `csv` with tabs for `.tsv`, `jsonl` for `.jsonl`.
    ByExtension,
    /// `label text` a line, parted by the first space.
    LabelText,
    /// FewRel's JSON: relation → instances with `tokens`, `h`, `t`.
    Fewrel,
    /// A JSON object a line with `token`, `h`, `t`, `relation` (OpenNRE, KnowPrompt).
    TokenJsonl,
    /// SemEval-2010 task 8's official text with `<e1>` and `<e2>`.
    SemevalText,
    /// TACRED's JSON: an array of sentences with `subj_start`, `obj_start`, ….
    Tacred,
    /// A JSON object a line whose text marks head and tail as `<< head >>` and `[[ tail ]]`.
    MarkedJsonl,
}

/// The encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO-8859-1: every byte is the code point of its value.
    #[serde(rename = "latin-1")]
    Latin1,
}

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "utf-8" => Ok(Encoding::Utf8),
            "latin-1" => Ok(Encoding::Latin1),
            _ => Err("known are utf-8 and latin-1".to_owned()),
        }
    }
}

/// Where whoever names a file says how it is written, so that errors can name the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Said {
    /// In the catalog.
    #[default]
    Catalog,
    /// In a task's entry of an experiment.
    Task,
    /// By the caller, in [`Read`].
    Caller,
}

impl Said {
    /// `otherwise`, or where a task's entry says how the file is written, how to say `key: value`
    /// there; for a caller the setting.
    pub(crate) fn remedy(
        self,
        otherwise: &str,
        key: &'static str,
        value: &str,
    ) -> (String, Option<Setting>) {
        let value = value.to_owned();
        match self {
            Said::Catalog => (otherwise.to_owned(), None),
            Said::Task => {
                let remedy = format!("{otherwise}, or say `{key}: {value}` in the task's entry");
                (remedy, None)
            }
            Said::Caller => (otherwise.to_owned(), Some(Setting { key, value })),
        }
    }
}

/// A column: by name, or by position, from the end where negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// 0-based position; −1 is the last field.
    Index(isize),
    /// Its name in the header, or the key of a JSON object.
    Name(String),
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Column::Index(index) => write!(f, "{index}"),
            Column::Name(name) => write!(f, "{name:?}"),
        }
    }
}

impl std::str::FromStr for Column {
    type Err = std::convert::Infallible;

    /// A whole number is a position, anything else a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.parse() {
            Ok(index) => Column::Index(index),
            Err(_) => Column::Name(text.to_owned()),
        })
    }
}

impl Serialize for Column {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Column::Index(index) => index.serialize(to),
            Column::Name(name) => to.serialize_str(name),
        }
    }
}

impl JsonSchema for Column {
    fn schema_name() -> Cow<'static, str> {
        "Column".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"]})
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ColumnVisitor;
        impl Visitor<'_> for ColumnVisitor {
            type Value = Column;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a column's name or its position")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Column, E> {
                Ok(Column::Name(name.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, index: i64) -> Result<Column, E> {
                isize::try_from(index).map(Column::Index).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, index: u64) -> Result<Column, E> {
                isize::try_from(index).map(Column::Index).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(ColumnVisitor)
    }
}

/// What is done with a row that has too few or too many fields, or an unknown label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// It is an error.
    #[default]
    Refuse,
    /// It is left out and counted in a warning.
    Drop,
}

/// A class given by an interval of a rating; rows in no interval are dropped.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// The value that stands for the class, as in [`crate::Task`]'s label values.
    pub label: String,
    /// The least rating.
    #[serde(default = "lowest")]
    pub from: f64,
    /// The greatest rating.
    #[serde(default = "highest")]
    pub to: f64,
    /// Ratings lie below this (exclusive).
    #[serde(default = "highest")]
    pub below: f64,
}

fn lowest() -> f64 {
    f64::NEG_INFINITY
}

fn highest() -> f64 {
    f64::INFINITY
}

impl Bin {
    /// Whether `rating` lies in the interval.
    pub fn holds(&self, rating: f64) -> bool {
        rating >= self.from
            && rating <= self.to
            && (rating < self.below || self.below.is_infinite())
    }
}

/// How the rows of a file are read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The format.
    pub format: Format,
    /// The encoding.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether the first row names the columns.
    #[serde(default)]
    pub header: bool,
    /// The delimiter of `csv`.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Column of the (first) text.
    #[serde(default)]
    pub a: Option<Column>,
    /// Column of the second text.
    #[serde(default)]
    pub b: Option<Column>,
    /// Column of the label.
    #[serde(default)]
    pub label: Option<Column>,
    /// Whether rows may have another number of fields than the header.
    #[serde(default)]
    pub ragged: bool,
    /// What is done with rows that have too few or too many fields.
    #[serde(default)]
    pub broken: Broken,
    /// Whether empty and NA-like texts become empty, as pandas reads them.
    #[serde(default)]
    pub pandas: bool,
    /// Intervals of a rating in the label column.
    #[serde(default)]
    pub bins: Vec<Bin>,
    /// Label values of this distribution that differ from the task's: value → class name.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Label values whose rows are dropped.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Whether the text marks its two entities as `<e1>…</e1>` and `<e2>…</e2>`.
    #[serde(default)]
    pub marked: bool,
    /// Where all this was said.
    #[serde(skip)]
    pub said: Said,
}

impl Read {
    /// A file of one's own that the caller names, read by its extension: a CSV (or, with tabs,
    /// TSV) file with quoting as pandas writes it, or JSON lines. Its first row names the columns,
    /// unless all are given by their positions.
    pub fn by_extension(a: Column, b: Option<Column>, label: Column) -> Read {
        let named = |column: &Column| matches!(column, Column::Name(_));
        Read {
            format: Format::ByExtension,
            encoding: Encoding::Utf8,
            header: named(&a) || named(&label) || b.as_ref().is_some_and(named),
            delimiter: ',',
            a: Some(a),
            b,
            label: Some(label),
            ragged: false,
            broken: Broken::Refuse,
            pandas: false,
            bins: Vec::new(),
            values: BTreeMap::new(),
            skip: Vec::new(),
            marked: false,
            said: Said::Caller,
        }
    }

    /// A file of texts without labels, read in the same way.
    pub fn texts(a: Column, b: Option<Column>) -> Read {
        // The column of the text stands in for that of the label.
        Read::by_extension(a.clone(), b, a)
    }

    /// The same of a file with quoting whose fields this delimiter parts, whatever its extension.
    pub fn delimited(mut self, delimiter: Option<char>) -> Read {
        if let Some(delimiter) = delimiter {
            (self.format, self.delimiter) = (Format::Csv, delimiter);
        }
        self
    }
}

fn comma() -> char {
    ','
}

/// How a file without an official test set is parted. Neither way depends on the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Part {
    /// The test set is the first so many rows of each class, in the file's order (LM-BFF's way).
    #[serde(default)]
    pub first: Option<usize>,
    /// The test set is about this percentage of the texts, chosen by a hash of the text's letters
    /// and digits; of rows that agree in these only the first is kept.
    #[serde(default)]
    pub hash: Option<u64>,
}

/// One way in which a data set is distributed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Its name, such as `k-shot`, `glue` or `sentence`.
    pub name: String,
    /// Folders below the data folder in which it is looked for, in order. `{k}`, `{seed}` and
    /// `{kshot}` (`k-shot` or `k-shot-10x`) are filled in.
    pub dirs: Vec<String>,
    /// How its rows are read.
    pub read: Read,
    /// The training file, or the only file.
    pub train: String,
    /// The dev file of a drawn split, or the official one where `test` is another file.
    #[serde(default)]
    pub dev: Option<String>,
    /// The test file.
    #[serde(default)]
    pub test: Option<String>,
    /// How the only file is parted.
    #[serde(default)]
    pub part: Option<Part>,
    /// Whether train and dev are splits to be taken as they are.
    #[serde(default)]
    pub given: bool,
    /// Seeds of a chained shuffle, see [`crate::kshot::Draw::chain`].
    #[serde(default)]
    pub chain: Vec<u32>,
    /// Rows of the official files, checked by `check`: train, dev, test.
    #[serde(default)]
    pub rows: Vec<usize>,
    /// What else there is to say, such as why a count differs from the papers'.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether these are one's own files: those that are named must be there, and every class needs
    /// rows of train and dev.
    #[serde(skip)]
    pub own: bool,
}

impl Layout {
    /// Whether these are splits already drawn, to be taken as they are.
    pub fn drawn(&self) -> bool {
        self.given || self.dirs.iter().any(|dir| dir.contains("{seed}"))
    }

    /// The candidate folders, filled in. A split that was drawn with some K does not serve where
    /// all rows are wanted.
    pub fn folders(&self, data_dir: &Path, k: Shots, seed: u64, dev_factor: usize) -> Vec<PathBuf> {
        let kshot = if dev_factor == 1 {
            "k-shot"
        } else {
            "k-shot-10x"
        };
        let fill = |dir: &String| {
            let dir = dir.replace("{kshot}", kshot).replace("{k}", &k.to_string());
            data_dir.join(dir.replace("{seed}", &seed.to_string()))
        };
        let serves = |dir: &&String| k != Shots::Full || !dir.contains("{k}");
        self.dirs.iter().filter(serves).map(fill).collect()
    }
}
