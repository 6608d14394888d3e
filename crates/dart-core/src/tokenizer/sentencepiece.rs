//! Sentencepiece models (Kudo and Richardson, 2018), read from their protobuf and turned into the
//! pipelines that transformers' `convert_slow_tokenizer.py` makes of them.

use std::path::Path;

use protobuf::wire_format::WireType;
use protobuf::{CodedInputStream, ProtobufResult};
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{
    Lowercase, NFKD, NormalizerWrapper, Precompiled, Replace, Sequence, Strip, StripAccents,
};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence as Steps;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer as Inner};

use super::class::Class;
use super::settings::Settings;

/// What is used of sentencepiece's `sentencepiece_model.proto`, with its defaults.
#[derive(Default)]
struct Model {
    pieces: Vec<Piece>,
    /// `TrainerSpec.model_type`; a file without it is a unigram model.
    kind: Option<i32>,
    unknown: i32,
    /// Normalised characters, as a compiled table; empty: none.
    charsmap: Vec<u8>,
}

struct Piece {
    text: String,
    score: f32,
    /// 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    kind: i32,
}

const UNIGRAM: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

impl Model {
    /// `ModelProto`: 1 pieces, 2 trainer (3 model type, 40 unknown id), 3 normalizer (2 table).
    fn parse(bytes: &[u8]) -> ProtobufResult<Self> {
        let mut model = Model::default();
        fields(bytes, |field, stream| {
            match field {
                (1, BYTES) => model.pieces.push(Piece::parse(&stream.read_bytes()?)?),
                (2, BYTES) => fields(&stream.read_bytes()?, |field, stream| {
                    match field {
                        (3, VARINT) => model.kind = Some(stream.read_int32()?),
                        (40, VARINT) => model.unknown = stream.read_int32()?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?,
                (3, BYTES) => fields(&stream.read_bytes()?, |field, stream| {
                    let table = field == (2, BYTES);
                    if table {
                        model.charsmap = stream.read_bytes()?;
                    }
                    Ok(table)
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(model)
    }
}

impl Piece {
    /// `SentencePiece`: 1 piece, 2 score, 3 type.
    fn parse(bytes: &[u8]) -> ProtobufResult<Self> {
        let mut piece = Piece {
            text: String::new(),
            score: 0.0,
            kind: 1,
        };
        fields(bytes, |field, stream| {
            match field {
                (1, BYTES) => piece.text = stream.read_string()?,
                (2, FIXED) => piece.score = stream.read_float()?,
                (3, VARINT) => piece.kind = stream.read_int32()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(piece)
    }
}

const VARINT: WireType = WireType::WireTypeVarint;
const BYTES: WireType = WireType::WireTypeLengthDelimited;
const FIXED: WireType = WireType::WireTypeFixed32;

/// Walks over a message; `take` reads a field that it knows and passes over others.
fn fields(
    bytes: &[u8],
    mut take: impl FnMut((u32, WireType), &mut CodedInputStream) -> ProtobufResult<bool>,
) -> ProtobufResult<()> {
    let mut stream = CodedInputStream::from_bytes(bytes);
    while !stream.eof()? {
        let field = stream.read_tag_unpack()?;
        let kind = field.1;
        if !take(field, &mut stream)? {
            stream.skip_field(kind)?;
        }
    }
    Ok(())
}

/// What stands for a space in a piece.
const SPACE: char = '\u{2581}';

/// The tokenizer that a model file stands for.
///
/// # Errors
/// The file cannot be read, is no sentencepiece model, or is not a unigram model.
pub(super) fn load(path: &Path, class: Class, settings: &Settings) -> tokenizers::Result<Inner> {
    let bytes = std::fs::read(path)?;
    let model = Model::parse(&bytes)
        .map_err(|e| format!("not a sentencepiece model ({e}); fetch it again"))?;
    if model.kind.unwrap_or(UNIGRAM) != UNIGRAM || model.pieces.is_empty() {
        return Err(
            "a sentencepiece model, but not of the unigram kind; let transformers turn it \
                    into a tokenizer.json (AutoTokenizer.from_pretrained(…).save_pretrained(…))"
                .into(),
        );
    }
    let (vocabulary, unknown) = vocabulary(class, &model);
    let mut inner = Inner::new(Unigram::from(vocabulary, Some(unknown), false)?);
    let normalizer = normalizer_of(class, &model.charsmap, settings)?;
    inner.with_normalizer(Some(Sequence::new(normalizer)))?;
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    if class == Class::DebertaV2 && settings.split_by_punct.unwrap_or(false) {
        steps.push(Punctuation::new(SplitDelimiterBehavior::Isolated).into());
    }
    let spaces = Metaspace::new(SPACE, PrependScheme::Always, true);
    inner.with_decoder(Some(spaces.clone()));
    steps.push(spaces.into());
    inner.with_pre_tokenizer(Some(Steps::new(steps)));
    for piece in &model.pieces {
        let token = AddedToken::from(piece.text.as_str(), piece.kind == CONTROL).normalized(false);
        match piece.kind {
            CONTROL => inner.add_special_tokens([token])?,
            USER_DEFINED => inner.add_tokens([token])?,
            _ => continue,
        };
    }
    Ok(inner)
}

/// Pieces with scores in the order of the model's ids, and the unknown token's id.
fn vocabulary(class: Class, model: &Model) -> (Vec<(String, f64)>, usize) {
    let Model {
        pieces, unknown, ..
    } = model;
    let unknown = usize::try_from(*unknown).unwrap_or(0);
    let read = |piece: &Piece| (piece.text.clone(), f64::from(piece.score));
    let fixed = |tokens: &[&str]| -> Vec<(String, f64)> {
        tokens
            .iter()
            .map(|token| ((*token).to_owned(), 0.0))
            .collect()
    };
    let mask = ("<mask>".to_owned(), 0.0);
    match class {
        // Fairseq's four special tokens stand before the pieces, less the model's own three.
        Class::XlmRoberta => {
            let mut all = fixed(&["<s>", "<pad>", "</s>", "<unk>"]);
            all.extend(pieces.iter().skip(3).map(read));
            all.push(mask);
            (all, 3)
        }
        Class::Camembert => {
            let mut all = fixed(&["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"]);
            all.push(("<unk>NOTUSED".to_owned(), -100.0));
            all.extend(pieces.iter().skip(1).map(read));
            all.push(mask);
            (all, 3)
        }
        // ALBERT splits "9," in two; such pieces are made too costly to be chosen.
        Class::Albert => {
            let priced = |piece: &Piece| {
                let (text, score) = read(piece);
                let mut last = text.chars().rev();
                let joined = last.next() == Some(',') && last.next().is_some_and(char::is_numeric);
                (text, if joined { score - 100.0 } else { score })
            };
            (pieces.iter().map(priced).collect(), unknown)
        }
        _ => (pieces.iter().map(read).collect(), unknown),
    }
}

fn normalizer_of(
    class: Class,
    charsmap: &[u8],
    settings: &Settings,
) -> tokenizers::Result<Vec<NormalizerWrapper>> {
    let mut steps: Vec<NormalizerWrapper> = Vec::new();
    if class == Class::Albert {
        steps.push(Replace::new("``", "\"")?.into());
        steps.push(Replace::new("''", "\"")?.into());
        if !settings.keep_accents.unwrap_or(false) {
            steps.push(NFKD.into());
            steps.push(StripAccents.into());
        }
    }
    if settings.do_lower_case.unwrap_or(class == Class::Albert)
        && matches!(class, Class::Albert | Class::DebertaV2)
    {
        steps.push(Lowercase.into());
    }
    if class == Class::DebertaV2 {
        steps.push(Strip::new(true, true).into());
    }
    if !charsmap.is_empty() {
        let map = Precompiled::from(charsmap)
            .map_err(|e| format!("its table of normalised characters is broken: {e}"))?;
        steps.push(map.into());
    }
    let spaces = ReplacePattern::Regex(" {2,}".into());
    if matches!(class, Class::XlmRoberta | Class::Camembert) {
        steps.push(Strip::new(false, true).into());
        steps.push(Replace::new(spaces, SPACE)?.into());
    } else {
        steps.push(Replace::new(spaces, " ")?.into());
    }
    Ok(steps)
}
