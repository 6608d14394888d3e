//! Plain text for masked-token training, freed of every sentence that stands in a test set.
//!
//! Texts are compared by their *key*: lower-cased, everything but letters and digits dropped.
//! Only keys of more than [`MIN_KEY`] letters and digits count, as shorter ones ("It was good.")
//! stand everywhere. A test text contributes its own key and the key of each of its sentences; a
//! sentence ends at `.`, `!` or `?` (and closing quotes or brackets) before white space, or at a
//! line's end. A key is searched for at every word of the corpus, not only where a sentence
//! starts, so differences in splitting and tokenisation do not hide a test sentence.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::error::{self, DataError, Result};
use crate::test_texts::test_texts;

/// Keys of at most this many letters and digits are not compared.
pub const MIN_KEY: usize = 30;
const PREFIX: usize = MIN_KEY + 1;

/// The sentences of test sets, to be kept out of training text.
#[derive(Debug, Default, Clone)]
pub struct TestSentences {
    /// The first `PREFIX` characters of a key → what follows them, longest first.
    by_prefix: HashMap<Vec<char>, Vec<Vec<char>>>,
    len: usize,
}

impl TestSentences {
    /// Collects the sentences of `texts`.
    pub fn from_texts<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        let mut held = TestSentences::default();
        for text in texts {
            let text = text.as_ref();
            held.insert(&key(text));
            for sentence in sentences(text) {
                held.insert(&key(sentence));
            }
        }
        for tails in held.by_prefix.values_mut() {
            tails.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        }
        held
    }

    /// The test sets of all tasks of a catalog that are present in any of the folders.
    ///
    /// # Errors
    /// A test file that is there and cannot be read.
    pub fn from_catalog(catalog: &Catalog, data_dirs: &[PathBuf]) -> Result<Self> {
        let mut texts = Vec::new();
        for dir in data_dirs {
            for task in catalog.tasks() {
                texts.extend(test_texts(task, dir)?);
            }
        }
        Ok(Self::from_texts(texts))
    }

    /// How many different sentences are held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn insert(&mut self, key: &[char]) {
        let Some((prefix, tail)) = key.split_at_checked(PREFIX) else {
            return;
        };
        let tails = self.by_prefix.entry(prefix.to_vec()).or_default();
        if !tails.iter().any(|held| held == tail) {
            tails.push(tail.to_vec());
            self.len += 1;
        }
    }

    /// `text` without the sentences held, and how many were removed.
    pub fn remove_from(&self, text: &str) -> (String, usize) {
        let words = Words::of(text);
        let mut kept = String::new();
        let mut from = 0; // first byte not yet copied or dropped
        let mut removed = 0;
        for (index, word) in words.spans.iter().enumerate() {
            let Some(last) = self.match_at(&words, index) else {
                continue;
            };
            let end = words.spans[last].bytes.1;
            if end <= from {
                continue; // inside what was just removed
            }
            if word.bytes.0 > from {
                push(&mut kept, &text[from..word.bytes.0]);
            }
            from = end + trailing_punctuation(&text[end..]);
            removed += 1;
        }
        push(&mut kept, &text[from..]);
        (kept, removed)
    }

    /// The index of the last word of the longest key that starts at word `index`.
    fn match_at(&self, words: &Words, index: usize) -> Option<usize> {
        let start = words.spans[index].chars.0;
        let rest = words.chars.get(start..)?;
        let (prefix, rest) = rest.split_at_checked(PREFIX)?;
        self.by_prefix.get(prefix)?.iter().find_map(|tail| {
            if !rest.starts_with(tail) {
                return None;
            }
            let end = start + PREFIX + tail.len();
            words
                .spans
                .binary_search_by_key(&end, |span| span.chars.1)
                .ok()
        })
    }
}

fn push(kept: &mut String, piece: &str) {
    let piece = piece.trim();
    if !piece.is_empty() {
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(piece);
    }
}

/// Length in bytes of the punctuation and white space that closes a sentence.
fn trailing_punctuation(rest: &str) -> usize {
    let closes = |c: char| c.is_whitespace() || ".,;:!?)]'\"’”".contains(c);
    rest.find(|c| !closes(c)).unwrap_or(rest.len())
}

/// The letters and digits of a text, lower-cased, with the words (runs of them) they stand in.
struct Words {
    chars: Vec<char>,
    spans: Vec<Span>,
}

struct Span {
    /// In the text.
    bytes: (usize, usize),
    /// In `Words::chars`.
    chars: (usize, usize),
}

impl Words {
    fn of(text: &str) -> Self {
        let mut words = Words {
            chars: Vec::with_capacity(text.len()),
            spans: Vec::new(),
        };
        let mut open: Option<(usize, usize)> = None;
        for (at, c) in text.char_indices() {
            if c.is_alphanumeric() {
                open.get_or_insert((at, words.chars.len()));
                words.chars.extend(c.to_lowercase());
            } else if let Some(start) = open.take() {
                words.close(start, at);
            }
        }
        if let Some(start) = open {
            words.close(start, text.len());
        }
        words
    }

    fn close(&mut self, (byte, char): (usize, usize), end: usize) {
        self.spans.push(Span {
            bytes: (byte, end),
            chars: (char, self.chars.len()),
        });
    }
}

/// A text's key: its letters and digits, lower-cased.
fn key(text: &str) -> Vec<char> {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Splits a text into sentences: after `.`, `!` or `?`, with closing quotes or brackets, before
/// white space, and at line ends.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let rest_now = rest.trim_start();
        if rest_now.is_empty() {
            return None;
        }
        let mut ended = false;
        for (at, c) in rest_now.char_indices() {
            if c == '\n' || (ended && c.is_whitespace()) {
                rest = &rest_now[at..];
                return Some(rest_now[..at].trim_end());
            }
            ended = matches!(c, '.' | '!' | '?') || (ended && ")]'\"’”".contains(c));
        }
        rest = "";
        Some(rest_now.trim_end())
    })
}

/// One corpus file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusFile {
    /// The file's name without folder and extension.
    pub name: String,
    /// Its documents or paragraphs, one a line, in order; empty ones are left out.
    pub documents: Vec<String>,
    /// How many test sentences were removed.
    pub removed: usize,
}

/// Reads text files (UTF-8, a document or paragraph a line), in the order given, and removes every
/// sentence of `held`.
///
/// # Errors
/// A file that cannot be read, or a line that is not UTF-8.
pub fn read_corpus(files: &[PathBuf], held: &TestSentences) -> Result<Vec<CorpusFile>> {
    files.iter().map(|path| read_file(path, held)).collect()
}

fn read_file(path: &Path, held: &TestSentences) -> Result<CorpusFile> {
    let bytes = error::read(path)?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let mut file = CorpusFile {
        name: path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        documents: Vec::new(),
        removed: 0,
    };
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = std::str::from_utf8(line).map_err(|_| {
            DataError::row(
                path,
                index + 1,
                "not valid UTF-8",
                "convert the file to UTF-8",
            )
        })?;
        let (document, removed) = held.remove_from(line);
        file.removed += removed;
        if document.chars().any(char::is_alphanumeric) {
            file.documents.push(document);
        }
    }
    Ok(file)
}

/// The `*.txt` files of a folder, sorted by name.
///
/// # Errors
/// A folder that cannot be read or that has no such file.
pub fn corpus_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(|source| DataError::io(dir, source))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| DataError::io(dir, source))?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            files.push(path);
        }
    }
    if files.is_empty() {
        let remedy = "put plain text there, a document or paragraph a line";
        return Err(DataError::file(dir, "holds no .txt file", remedy));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: &str = "the gorgeously elaborate continuation of the trilogy is huge . No .";

    #[test]
    fn removes_a_test_sentence_however_it_is_spaced_and_cased() {
        let held = TestSentences::from_texts([HELD]);
        assert_eq!(held.len(), 2); // the text and its first sentence
        let text = "Before it. \"The gorgeously-elaborate continuation, of the trilogy is huge.\" \
                    After it.";
        let (kept, removed) = held.remove_from(text);
        assert_eq!((kept.as_str(), removed), ("Before it. \" After it.", 1));
    }

    #[test]
    fn finds_it_inside_a_longer_sentence_but_only_at_word_boundaries() {
        let held = TestSentences::from_texts(["it is an absolute waste of everyone's evening"]);
        let inside = "so : it is an absolute waste of everyone 's evening , i say .";
        assert_eq!(held.remove_from(inside), ("so : i say .".to_owned(), 1));
        let longer = "it is an absolute waste of everyone 's evenings .";
        assert_eq!(held.remove_from(longer), (longer.to_owned(), 0));
    }

    #[test]
    fn keeps_short_sentences_and_removes_the_longest_of_two() {
        let short = "what a waste of a good evening ."; // 24 letters
        let text = "one two three four five six seven eight nine";
        let longer = format!("{text} ten");
        let held = TestSentences::from_texts([short, text, &longer]);
        assert_eq!(held.remove_from(short).1, 0);
        assert_eq!(
            held.remove_from(&format!("{longer} eleven")),
            ("eleven".to_owned(), 1)
        );
    }

    #[test]
    fn overlapping_sentences_leave_nothing_of_either() {
        let first = "alpha beta gamma delta epsilon zeta eta theta";
        let second = "zeta eta theta iota kappa lambda mu nu xi omicron";
        let held = TestSentences::from_texts([first, second]);
        let text = "a alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi \
                    omicron b";
        assert_eq!(held.remove_from(text), ("a b".to_owned(), 2));
    }

    #[test]
    fn splits_sentences_at_marks_before_space() {
        let text = "He paid 3.50 dollars. \"Really?\" she said!\nYes";
        let split: Vec<_> = sentences(text).collect();
        assert_eq!(
            split,
            ["He paid 3.50 dollars.", "\"Really?\"", "she said!", "Yes"]
        );
    }

    #[test]
    fn reads_files_and_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reviews.txt");
        std::fs::write(
            &path,
            format!("\u{feff}One.\n\n{HELD}\nTwo. {HELD} Three.\n"),
        )
        .unwrap();
        let files = corpus_files(dir.path()).unwrap();
        let read = read_corpus(&files, &TestSentences::from_texts([HELD])).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].name, "reviews");
        assert_eq!(read[0].documents, ["One.", "Two. Three."]);
        assert_eq!(read[0].removed, 2);

        std::fs::write(&path, b"fine\n\xff\n").unwrap();
        let error = read_corpus(&files, &TestSentences::default()).unwrap_err();
        assert_eq!(error.line(), Some(2));
        let error = read_corpus(&[dir.path().to_owned()], &TestSentences::default()).unwrap_err();
        assert!(matches!(error, DataError::NotAFile { .. }), "{error}");
    }
}
