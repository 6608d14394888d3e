//! What stands around the texts of an input.

use std::collections::BTreeMap;

use tokenizers::processors::bert::BertProcessing;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{Encoding, Token, Tokenizer as Inner};

use super::class::Class;

/// Ids of the special tokens. Causal models have neither mask nor `[CLS]`: their end-of-text token
/// stands in for what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// Starts an input.
    pub cls: i64,
    /// Ends a segment.
    pub sep: i64,
    /// Stands for a word to predict.
    pub mask: i64,
    /// Fills a batch.
    pub pad: i64,
    /// Stands for what has no token.
    pub unknown: i64,
}

/// The special tokens around one text or two: `start a end` or `start a between b end`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Before the first text (`[CLS]`, `<s>`).
    pub start: Vec<i64>,
    /// Between two texts (`[SEP]`, `</s></s>`).
    pub between: Vec<i64>,
    /// After the last text (`[SEP]`, `</s>`).
    pub end: Vec<i64>,
    /// Segment of the second text and of what follows it.
    pub second: i64,
}

type Roles = BTreeMap<&'static str, String>;

impl Special {
    /// From which token stands for which role.
    pub(super) fn find(inner: &Inner, roles: &Roles) -> std::result::Result<Self, String> {
        let find = |wanted: &[&str]| {
            let mut tokens = wanted.iter().filter_map(|role| roles.get(role));
            let id = tokens.find_map(|token| inner.token_to_id(token));
            id.map(i64::from).ok_or_else(|| {
                let role = wanted.first().copied().unwrap_or_default();
                format!("no `{role}` is named; name it in tokenizer_config.json")
            })
        };
        // Where the start is a token of its own, so must be the mask: a masked language model.
        let causal = !roles.contains_key("cls_token") && !roles.contains_key("mask_token");
        let role = |own: &'static str, other: &'static str| match causal {
            true => find(&[own, other, "eos_token"]),
            false => find(&[own, other]),
        };
        Ok(Special {
            cls: role("cls_token", "bos_token")?,
            sep: role("sep_token", "eos_token")?,
            mask: role("mask_token", "mask_token")?,
            pad: role("pad_token", "pad_token")?,
            unknown: find(&["unk_token", "pad_token", "eos_token"])?,
        })
    }
}

impl Frame {
    /// What the tokenizer puts around texts; where its file says nothing of it, BERT's
    /// `[CLS] a [SEP] b [SEP]`, if it has these tokens.
    pub(super) fn find(inner: &Inner, roles: &Roles) -> std::result::Result<Self, String> {
        let frame = Self::probe(inner).map_err(|e| e.to_string())?;
        let named = (
            named(inner, roles, "cls_token"),
            named(inner, roles, "sep_token"),
        );
        let (Some((_, cls)), Some((_, sep))) = named else {
            return Ok(frame);
        };
        if frame != Frame::default() {
            return Ok(frame);
        }
        Ok(Frame {
            start: vec![cls.into()],
            between: vec![sep.into()],
            end: vec![sep.into()],
            second: 1,
        })
    }

    /// What the post-processor puts around two texts of one token each.
    fn probe(inner: &Inner) -> tokenizers::Result<Self> {
        const TEXTS: [u32; 2] = [u32::MAX - 1, u32::MAX];
        let text = |id, segment| {
            let token = Token::new(id, String::new(), (0, 0));
            Encoding::from_tokens(vec![token], segment)
        };
        let (first, second) = (text(TEXTS[0], 0), text(TEXTS[1], 1));
        let both = inner.post_process(first, Some(second), true)?;
        let ids = both.get_ids();
        let [a, b] = TEXTS.map(|text| ids.iter().position(|&id| id == text));
        let (Some(a), Some(b)) = (a, b) else {
            return Err("its post-processor drops a text".into());
        };
        if a > b {
            return Err("its post-processor turns two texts round".into());
        }
        let part = |ids: &[u32]| ids.iter().map(|&id| i64::from(id)).collect();
        let segments = both.get_type_ids();
        let frame = Frame {
            start: part(&ids[..a]),
            between: part(&ids[a + 1..b]),
            end: part(&ids[b + 1..]),
            second: 0,
        };
        // Without special tokens nothing tells the texts apart, whatever their segments.
        Ok(match frame == Frame::default() {
            true => frame,
            false => Frame {
                second: segments.get(b).copied().unwrap_or(0).into(),
                ..frame
            },
        })
    }
}

/// The token that stands for `role`, with its id.
fn named(inner: &Inner, roles: &Roles, role: &str) -> Option<(String, u32)> {
    let token = roles.get(role)?;
    Some((token.clone(), inner.token_to_id(token)?))
}

/// Gives a tokenizer made of vocabulary files what its class puts around texts.
pub(super) fn install(inner: &mut Inner, roles: &Roles, class: Class) -> tokenizers::Result<()> {
    let named = (
        named(inner, roles, "sep_token"),
        named(inner, roles, "cls_token"),
    );
    let (Some(sep), Some(cls)) = named else {
        return Ok(());
    };
    match class {
        Class::Mpnet => {
            let (start, end) = (&cls.0, &sep.0);
            let processor = TemplateProcessing::builder()
                .try_single(format!("{start} $A {end}"))?
                .try_pair(format!("{start} $A {end} {end} $B:1 {end}:1"))?
                .special_tokens(vec![cls, sep])
                .build()?;
            inner.with_post_processor(Some(processor));
        }
        Class::Roberta | Class::XlmRoberta | Class::Camembert => {
            let processor = RobertaProcessing::new(sep, cls).add_prefix_space(false);
            inner.with_post_processor(Some(processor));
        }
        _ => {
            inner.with_post_processor(Some(BertProcessing::new(sep, cls)));
        }
    }
    Ok(())
}
