//! Encoding: examples to token ids within the model's length.

use dart_data::Example;

use super::template::{Part, Template};
use super::texts::{self, Text};
use crate::error::{CoreError, Result};
use crate::tokenizer::{Frame, Tokenizer};

/// An example as token ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Token ids with special tokens; pseudo tokens from V on.
    pub ids: Vec<i64>,
    /// Segment ids.
    pub segments: Vec<i64>,
    /// Position that is read: `[MASK]`, or `[CLS]` for a classification head; with causal models
    /// the last token.
    pub slot: usize,
    /// Positions of the texts' ordinary tokens, which the fluency constraint may mask.
    pub maskable: Vec<usize>,
    /// The true class.
    pub label: usize,
    /// Whether a text was cut.
    pub truncated: bool,
    /// Of each class the training examples that may be shown with this one; empty where none are.
    pub demonstrations: Vec<Vec<usize>>,
}

/// The share of the inputs that were cut; 0 of none.
pub(crate) fn truncated_share<'a>(inputs: impl IntoIterator<Item = &'a Encoded>) -> f64 {
    let (mut cut, mut all) = (0usize, 0usize);
    for input in inputs {
        cut += usize::from(input.truncated);
        all += 1;
    }
    cut as f64 / all.max(1) as f64
}

/// A piece of an encoded template.
#[derive(Clone, Debug)]
enum Piece {
    Token(i64),
    Text(Part),
    Slot,
}

/// Encodes examples of one task for one model.
pub struct InputEncoder {
    pieces: Vec<Piece>,
    template_ids: Vec<i64>,
    head: bool,
    causal: bool,
    marked: bool,
    opening: String,
    max_length: usize,
}

impl InputEncoder {
    /// For prompts. `pseudo_from`: the id of the first pseudo token, for a template whose words are
    /// pseudo tokens; `None` keeps the words.
    ///
    /// # Errors
    /// A template that leaves no room for a text.
    pub fn prompt(
        template: &Template,
        pseudo_from: Option<i64>,
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Self> {
        Self::prompt_of(template, pseudo_from, None, tokenizer, max_length)
    }

    /// [`InputEncoder::prompt`] with another number of template tokens: the i-th of N is the ⌊i·m/N⌋-th
    /// of the template's m, where that one stands, so that tokens are repeated or left out evenly.
    ///
    /// # Errors
    /// As [`InputEncoder::prompt`]; a template without words; no tokens.
    pub fn prompt_of(
        template: &Template,
        pseudo_from: Option<i64>,
        count: Option<usize>,
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Self> {
        let words = word_pieces(template, tokenizer);
        let m: usize = words.iter().map(Vec::len).sum();
        let n = count.unwrap_or(m);
        if count.is_some() && (m == 0 || n == 0) {
            return Err(CoreError::Setting(
                "template_tokens must be at least 1, and the template must have a word to repeat"
                    .into(),
            ));
        }
        // How often the j-th of the template's tokens stands.
        let times = |j: usize| ((j + 1) * n).div_ceil(m) - (j * n).div_ceil(m);
        let mut pieces = Vec::new();
        let mut template_ids = Vec::new();
        let (mut words, mut j) = (words.into_iter(), 0);
        for part in &template.parts {
            match part {
                Part::Words(_) => {
                    for id in words.next().unwrap_or_default() {
                        for _ in 0..times(j) {
                            let place = template_ids.len() as i64;
                            template_ids.push(id);
                            pieces.push(Piece::Token(pseudo_from.map_or(id, |from| from + place)));
                        }
                        j += 1;
                    }
                }
                Part::Mask => pieces.push(Piece::Slot),
                text => pieces.push(Piece::Text(text.clone())),
            }
        }
        let frame = tokenizer.frame();
        let fixed = template_ids.len() + 1 + frame.start.len() + frame.end.len();
        if fixed >= max_length {
            return Err(CoreError::Setting(format!(
                "the template takes {fixed} of max_length {max_length} tokens and leaves no room \
                 for a text"
            )));
        }
        Ok(InputEncoder {
            pieces,
            template_ids,
            head: false,
            causal: false,
            marked: false,
            opening: String::new(),
            max_length,
        })
    }

    /// For a classification head: `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, as the model has it.
    pub fn head(max_length: usize) -> Self {
        InputEncoder {
            pieces: Vec::new(),
            template_ids: Vec::new(),
            head: true,
            causal: false,
            marked: false,
            opening: String::new(),
            max_length,
        }
    }

    /// For a causal model, if it is one: texts and template alone, without special tokens, and the
    /// last position is read. A prompt's slot, which has no token, must stand last
    /// ([`Template::slot_last`]); a head's second text follows a separator.
    pub fn causal(mut self, causal: bool) -> Self {
        self.causal = causal;
        self
    }

    /// For a head, markers round the entities of the text, as `{a:marked}` has them in a prompt.
    pub fn marked(mut self, marked: bool) -> Self {
        self.marked = marked;
        self
    }

    /// For a head, words that stand before the first text, as a part of it.
    pub fn opening(mut self, words: &str) -> Self {
        self.opening = words.to_owned();
        self
    }

    /// The template's own token ids, before any became a pseudo token.
    pub fn template_ids(&self) -> &[i64] {
        &self.template_ids
    }

    /// Encodes one example. Texts are cut from their ends, the longer first, until the input fits;
    /// template tokens, `[MASK]` and entities are never cut.
    ///
    /// # Errors
    /// A template that names a text or an entity that the example lacks, or entities that are
    /// longer than the model.
    pub fn encode(&self, example: &Example, tokenizer: &Tokenizer) -> Result<Encoded> {
        match self.head {
            true => self.encode_pair(example, tokenizer),
            false => self.encode_prompt(example, tokenizer),
        }
    }

    fn encode_prompt(&self, example: &Example, tokenizer: &Tokenizer) -> Result<Encoded> {
        let mut texts: Vec<Text> = Vec::new();
        let frame = self.frame(tokenizer);
        if !self.causal && tokenizer.mask_token().is_none() {
            let message = "the model's tokenizer has no mask token, which a prompt needs";
            return Err(CoreError::Unsupported(message.into()));
        }
        let mut fixed = frame.start.len() + frame.end.len();
        for (place, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Slot if self.causal => {}
                Piece::Text(part) => {
                    texts.extend(texts::texts(part, example, place, tokenizer)?);
                }
                _ => fixed += 1,
            }
        }
        let truncated = texts::cut(&mut texts, self.max_length, fixed, example)?;
        let special = tokenizer.special();
        let mut ids = frame.start.clone();
        let (mut maskable, mut slot) = (Vec::new(), 0);
        for (place, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Token(id) => ids.push(*id),
                Piece::Slot if self.causal => {}
                Piece::Slot => {
                    slot = ids.len();
                    ids.push(special.mask);
                }
                Piece::Text(_) => {
                    for text in texts.iter().filter(|text| text.place == place) {
                        for &id in &text.ids {
                            if text.own && !tokenizer.is_special(id) {
                                maskable.push(ids.len());
                            }
                            ids.push(id);
                        }
                    }
                }
            }
        }
        ids.extend(&frame.end);
        if self.causal {
            slot = last_of(&mut ids, special.sep);
        }
        let segments = vec![0; ids.len()];
        Ok(Encoded {
            ids,
            segments,
            slot,
            maskable,
            label: example.label,
            truncated,
            demonstrations: Vec::new(),
        })
    }

    fn encode_pair(&self, example: &Example, tokenizer: &Tokenizer) -> Result<Encoded> {
        let mut texts = match self.marked {
            true => texts::texts(&Part::Marked, example, 0, tokenizer)?,
            false => vec![texts::first(&self.opening, &example.text_a, tokenizer)],
        };
        if self.marked && !self.opening.is_empty() {
            texts.insert(0, texts::kept(&self.opening, tokenizer));
        }
        let frame = self.frame(tokenizer);
        let mut fixed = frame.start.len() + frame.end.len();
        if let Some(second) = &example.text_b {
            texts.push(texts::second(second, tokenizer));
            fixed += frame.between.len();
        }
        let truncated = texts::cut(&mut texts, self.max_length, fixed, example)?;
        let (mut ids, mut segments) = (frame.start.clone(), Vec::new());
        let mut segment = 0;
        let mut place = 0;
        for text in texts {
            if text.place > place {
                ids.extend(&frame.between);
                segments.resize(ids.len(), segment);
                (segment, place) = (frame.second, text.place);
            }
            ids.extend(text.ids);
            segments.resize(ids.len(), segment);
        }
        ids.extend(&frame.end);
        let slot = match self.causal {
            true => last_of(&mut ids, tokenizer.special().sep),
            false => 0,
        };
        segments.resize(ids.len(), segment);
        Ok(Encoded {
            ids,
            segments,
            slot,
            maskable: Vec::new(),
            label: example.label,
            truncated,
            demonstrations: Vec::new(),
        })
    }

    /// What stands around texts: with causal models only the separator between two.
    fn frame(&self, tokenizer: &Tokenizer) -> Frame {
        match self.causal {
            true => Frame {
                between: vec![tokenizer.special().sep],
                ..Frame::default()
            },
            false => tokenizer.frame().clone(),
        }
    }
}

/// The token ids of each of the template's stretches of words, in order.
fn word_pieces(template: &Template, tokenizer: &Tokenizer) -> Vec<Vec<i64>> {
    let (mut all, mut begun) = (Vec::new(), false);
    for part in &template.parts {
        let Part::Words(words) = part else {
            begun = true;
            continue;
        };
        // Punctuation such as a full stop or a comma joins what is before it.
        let joined = !begun || words.chars().nth(1).is_none();
        let ids = match joined {
            true => tokenizer.encode(words),
            false => tokenizer.encode_inside(words),
        };
        begun |= !ids.is_empty();
        all.push(ids);
    }
    all
}

/// The last position; of an input of no token at all, the separator that becomes its only one.
fn last_of(ids: &mut Vec<i64>, separator: i64) -> usize {
    if ids.is_empty() {
        ids.push(separator);
    }
    ids.len() - 1
}
