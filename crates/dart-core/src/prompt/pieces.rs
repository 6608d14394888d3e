//! A template as the pieces of an input: which token stands where, and which row it has.

use super::template::{Part, Template};
use crate::error::{CoreError, Result};
use crate::tokenizer::Tokenizer;

/// How an input shows a template.
#[derive(Clone, Copy, Debug, Default)]
pub struct PromptLayout {
    /// The id of the first pseudo token, for a template whose words are pseudo tokens; `None` keeps
    /// the words.
    pub pseudo_from: Option<i64>,
    /// Another number of template tokens: the i-th of N is the ⌊i·m/N⌋-th of the template's m, where
    /// that one stands, so that tokens are repeated or left out evenly. `None`: m.
    pub count: Option<usize>,
    /// Whether equal tokens of the template are one pseudo token.
    pub share_equal: bool,
    /// Whether `[SEP]` follows the first text, and what stands behind it is the second segment.
    pub sep_after_text: bool,
}

/// A piece of an input.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Token(i64),
    Text(Part),
    Separator,
    Slot,
}

/// A template's pieces in order.
pub(super) struct Pieces {
    pub list: Vec<Piece>,
    /// The template's own token ids, before any became a pseudo token.
    pub template_ids: Vec<i64>,
    /// Of each pseudo token that the template's become, the token that it stands for.
    pub row_ids: Vec<i64>,
}

impl Pieces {
    /// # Errors
    /// A number of tokens that cannot be had of the template.
    pub fn new(template: &Template, layout: &PromptLayout, tokenizer: &Tokenizer) -> Result<Self> {
        let words = word_pieces(template, tokenizer);
        let m: usize = words.iter().map(Vec::len).sum();
        let n = layout.count.unwrap_or(m);
        if layout.count.is_some() && (m == 0 || n == 0) {
            return Err(CoreError::Setting(
                "template_tokens must be at least 1, and the template must have a word to repeat"
                    .into(),
            ));
        }
        // How often the j-th of the template's tokens stands.
        let times = |j: usize| ((j + 1) * n).div_ceil(m) - (j * n).div_ceil(m);
        let mut pieces = Pieces {
            list: Vec::new(),
            template_ids: Vec::new(),
            row_ids: Vec::new(),
        };
        let (mut words, mut j) = (words.into_iter(), 0);
        for part in &template.parts {
            match part {
                Part::Words(_) => {
                    for id in words.next().unwrap_or_default() {
                        for _ in 0..times(j) {
                            pieces.push_token(id, layout);
                        }
                        j += 1;
                    }
                }
                Part::Mask => pieces.list.push(Piece::Slot),
                text => {
                    pieces.list.push(Piece::Text(text.clone()));
                    let first = matches!(text, Part::First { .. } | Part::Marked);
                    if first && layout.sep_after_text {
                        pieces.list.push(Piece::Separator);
                    }
                }
            }
        }
        Ok(pieces)
    }

    fn push_token(&mut self, id: i64, layout: &PromptLayout) {
        let known = self.row_ids.iter().position(|&row| row == id);
        let row = known.filter(|_| layout.share_equal).unwrap_or_else(|| {
            self.row_ids.push(id);
            self.row_ids.len() - 1
        });
        self.template_ids.push(id);
        let shown = layout.pseudo_from.map_or(id, |from| from + row as i64);
        self.list.push(Piece::Token(shown));
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
