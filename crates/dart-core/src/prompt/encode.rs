//! Encoding: examples to token ids within the model's length.

use dart_data::Example;

use super::encoded::Encoded;
use super::pieces::{Piece, Pieces, PromptLayout};
use super::template::{Part, Template};
use super::texts::{self, Text};
use crate::error::{CoreError, Result};
use crate::tokenizer::{Frame, Tokenizer};

/// Encodes examples of one task for one model.
pub struct InputEncoder {
    pieces: Vec<Piece>,
    template_ids: Vec<i64>,
    row_ids: Vec<i64>,
    places: Vec<i64>,
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
        let layout = PromptLayout {
            pseudo_from,
            ..PromptLayout::default()
        };
        Self::prompt_of(template, &layout, tokenizer, max_length)
    }

    /// For prompts laid out otherwise.
    ///
    /// # Errors
    /// As [`InputEncoder::prompt`]; another number of tokens of a template without words, or none.
    pub fn prompt_of(
        template: &Template,
        layout: &PromptLayout,
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Self> {
        let pieces = Pieces::new(template, layout, tokenizer)?;
        let frame = tokenizer.frame();
        let own = |piece: &&Piece| !matches!(piece, Piece::Text(_));
        let own = pieces.list.iter().filter(own).count();
        let fixed = own + frame.start.len() + frame.end.len();
        if fixed >= max_length {
            return Err(CoreError::Setting(format!(
                "the template takes {fixed} of max_length {max_length} tokens and leaves no room \
                 for a text"
            )));
        }
        Ok(InputEncoder {
            pieces: pieces.list,
            template_ids: pieces.template_ids,
            row_ids: pieces.row_ids,
            head: false,
            ..InputEncoder::head(max_length)
        })
    }

    /// For a classification head: `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, as the model has it.
    pub fn head(max_length: usize) -> Self {
        InputEncoder {
            pieces: Vec::new(),
            template_ids: Vec::new(),
            row_ids: Vec::new(),
            places: Vec::new(),
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

    /// For a prompt, the rows of the vocabulary that its pseudo tokens stand in for, in the order of
    /// these. A word of a text that has such a row cannot be predicted, and is never masked.
    pub fn places(mut self, places: Vec<i64>) -> Self {
        self.places = places;
        self
    }

    /// The template's own token ids, before any became a pseudo token.
    pub fn template_ids(&self) -> &[i64] {
        &self.template_ids
    }

    /// Of each pseudo token that the template's become, the id of the token that it stands for.
    pub fn row_ids(&self) -> &[i64] {
        &self.row_ids
    }

    /// The rows of the vocabulary that pseudo tokens stand in for; empty where they are appended.
    pub fn place_ids(&self) -> &[i64] {
        &self.places
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
        let (mut ids, mut segments) = (frame.start.clone(), Vec::new());
        let (mut maskable, mut slot, mut segment) = (Vec::new(), 0, 0);
        for (place, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Token(id) => ids.push(*id),
                Piece::Separator => {
                    ids.push(special.sep);
                    segments.resize(ids.len(), segment);
                    segment = frame.second;
                }
                Piece::Slot if self.causal => {}
                Piece::Slot => {
                    slot = ids.len();
                    ids.push(special.mask);
                }
                Piece::Text(_) => {
                    for text in texts.iter().filter(|text| text.place == place) {
                        for &id in &text.ids {
                            let ordinary = !tokenizer.is_special(id) && !self.places.contains(&id);
                            if text.own && ordinary {
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
        segments.resize(ids.len(), segment);
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

/// The last position; of an input of no token at all, the separator that becomes its only one.
fn last_of(ids: &mut Vec<i64>, separator: i64) -> usize {
    if ids.is_empty() {
        ids.push(separator);
    }
    ids.len() - 1
}
