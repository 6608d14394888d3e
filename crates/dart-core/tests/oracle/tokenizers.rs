//! rust_tokenizers on the awkward strings of the golden files. Ours give Hugging Face's ids on all of
//! them (tests/tokenizers.rs, pretrained.rs); the tests here name where rust_tokenizers does not, and
//! show that nothing else differs.

use std::path::PathBuf;

use dart_core::tokenizer::Tokenizer;
use rust_tokenizers::tokenizer::{
    AlbertTokenizer, BertTokenizer, DeBERTaTokenizer, DeBERTaV2Tokenizer, Gpt2Tokenizer,
    RobertaTokenizer, Tokenizer as TheirTokenizer, XLMRobertaTokenizer,
};
use rust_tokenizers::vocab::Vocab;

use super::common::{goldens, minilm};

type Encode = dyn Fn(&str) -> Vec<i64>;

/// One vocabulary, read by both.
struct Pair {
    ours: Tokenizer,
    theirs: Box<Encode>,
}

impl Pair {
    fn new<V: Vocab>(folder: PathBuf, theirs: impl TheirTokenizer<V> + 'static) -> Pair {
        Pair {
            ours: Tokenizer::load(&folder).unwrap(),
            theirs: Box::new(move |text| theirs.convert_tokens_to_ids(&theirs.tokenize(text))),
        }
    }

    /// Our pieces of a text and theirs.
    fn pieces(&self, text: &str) -> [String; 2] {
        [self.ours.encode(text), (self.theirs)(text)].map(|ids| {
            let pieces: Vec<String> = ids.iter().map(|id| self.ours.token(*id)).collect();
            pieces.join(" ")
        })
    }

    /// Whether the vocabulary lacks a character of the text.
    fn unknown(&self, text: &str) -> bool {
        self.ours
            .encode(text)
            .contains(&self.ours.special().unknown)
    }

    /// Asserts equal ids of at least so many awkward strings: of all but those that have one of the
    /// traits, of which some differ.
    fn equal_but_for(&self, least: usize, traits: &[&dyn Fn(&str) -> bool]) {
        let texts = std::fs::read_to_string(goldens().join("tokenizers/texts.json")).unwrap();
        let texts: Vec<String> = serde_json::from_str(&texts).unwrap();
        let mask = self.ours.mask_token().unwrap_or("[MASK]");
        let texts = texts.iter().map(|text| text.replace("[MASK]", mask));
        let (odd, plain): (Vec<String>, Vec<String>) =
            texts.partition(|text| traits.iter().any(|holds| holds(text)));
        let differs = |text: &&String| self.ours.encode(text) != (self.theirs)(text);
        let wrong = plain.iter().filter(differs);
        let wrong: Vec<_> = wrong.map(|text| (text, self.pieces(text))).collect();
        assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
        for holds in traits {
            assert!(
                odd.iter()
                    .filter(|text| holds(text))
                    .any(|text| differs(&text))
            );
        }
        assert!(plain.len() >= least, "{} compared", plain.len());
    }
}

fn folder(name: &str) -> PathBuf {
    goldens().join("tokenizers").join(name)
}

fn bert() -> Pair {
    let theirs = BertTokenizer::from_file(minilm().join("vocab.txt"), true, true);
    Pair::new(minilm(), theirs.unwrap())
}

fn roberta() -> Pair {
    let folder = folder("roberta");
    let [vocab, merges] = ["vocab.json", "merges.txt"].map(|file| folder.join(file));
    let theirs = RobertaTokenizer::from_file(vocab, merges, false, false);
    Pair::new(folder, theirs.unwrap())
}

fn gpt2() -> Pair {
    let folder = folder("gpt2");
    let [vocab, merges] = ["vocab.json", "merges.txt"].map(|file| folder.join(file));
    let theirs = Gpt2Tokenizer::from_file(vocab, merges, false);
    Pair::new(folder, theirs.unwrap())
}

fn deberta() -> Pair {
    let folder = folder("deberta");
    let [vocab, merges] = ["vocab.json", "merges.txt"].map(|file| folder.join(file));
    let theirs = DeBERTaTokenizer::from_file(vocab, merges, false);
    Pair::new(folder, theirs.unwrap())
}

fn albert() -> Pair {
    let folder = folder("albert");
    let theirs = AlbertTokenizer::from_file(folder.join("spiece.model"), true, true);
    Pair::new(folder, theirs.unwrap())
}

fn xlm_roberta() -> Pair {
    let folder = folder("xlm-roberta");
    let theirs = XLMRobertaTokenizer::from_file(folder.join("sentencepiece.bpe.model"), false);
    Pair::new(folder, theirs.unwrap())
}

fn deberta_v2() -> Pair {
    let folder = folder("deberta-v2");
    let theirs = DeBERTaV2Tokenizer::from_file(folder.join("spm.model"), false, false, false);
    Pair::new(folder, theirs.unwrap())
}

/// White space or sentencepiece's mark of it.
fn space(c: char) -> bool {
    c.is_whitespace() || c == '\u{2581}'
}

fn blank(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_whitespace)
}

/// White space before a special token that is not the mask.
fn space_before_special(text: &str) -> bool {
    let special = [
        "<unk>",
        "</s>",
        "<pad>",
        "<|endoftext|>",
        "[CLS]",
        "[UNK]",
        "[PAD]",
    ];
    special.iter().any(|token| {
        let mut at = text.match_indices(token);
        at.any(|(at, _)| text[..at].ends_with(char::is_whitespace))
    })
}

fn rows_of_spaces(text: &str) -> bool {
    let all: Vec<char> = text.chars().collect();
    text.ends_with(space) || all.windows(2).any(|two| two.iter().all(|c| space(*c)))
}

/// Controls, marks of direction and the like, and characters for private use.
fn unseen(text: &str) -> bool {
    text.chars().any(|c| match c {
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{10ffff}' => true,
        _ => c.is_control(),
    })
}

/// Marks that combine with the character before them.
fn combining(text: &str) -> bool {
    text.contains(|c| matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe0f}'))
}

#[test]
fn white_space_alone_has_no_byte_pairs() {
    assert_eq!(roberta().pieces("   "), ["Ġ Ġ Ġ", ""]);
    assert_eq!(gpt2().pieces("\t"), ["ĉ", ""]);
    assert_eq!(deberta().pieces("\n"), ["Ċ", ""]);
}

/// As Hugging Face's drop it before the mask alone.
#[test]
fn white_space_before_special_tokens_is_dropped() {
    assert_eq!(
        roberta().pieces("a <unk> b"),
        ["a Ġ <unk> Ġb", "a <unk> Ġb"]
    );
    assert_eq!(
        gpt2().pieces(" <|endoftext|>"),
        ["Ġ <|endoftext|>", "<|endoftext|>"]
    );
    assert_eq!(
        deberta().pieces("[PAD] [PAD]"),
        ["[PAD] Ġ [PAD]", "[PAD] [PAD]"]
    );
    assert_eq!(
        albert().pieces("a <unk> b"),
        ["▁a ▁ <unk> ▁ b", "▁a <unk> ▁ b"]
    );
}

#[test]
fn byte_pairs_equal_but_for_white_space() {
    for pair in [roberta(), gpt2(), deberta()] {
        pair.equal_but_for(488, &[&blank, &space_before_special]);
    }
}

/// They cut a text into words before they take its characters apart, and at white space that is not
/// a separator of lines.
#[test]
fn words_are_cut_before_characters_are_taken_apart() {
    assert_eq!(bert().pieces("a≠b"), ["a = b", "a ##= ##b"]);
    assert_eq!(
        bert().pieces("line\u{2028}separator"),
        ["line sep ##arat ##or", "[UNK]"]
    );
}

#[test]
fn wordpieces_equal_but_for_separators_and_signs() {
    let odd = |text: &str| text.contains(['\u{2028}', '\u{2029}', '≠']);
    bert().equal_but_for(499, &[&odd]);
}

#[test]
fn white_space_in_a_row_and_at_the_end_stays() {
    for pair in [xlm_roberta(), albert(), deberta_v2()] {
        assert_eq!(pair.pieces("  great"), ["▁great", "▁ ▁great"]);
    }
    assert_eq!(xlm_roberta().pieces("great "), ["▁great", "▁great ▁"]);
}

/// A table of XLM-R's makes some of them spaces, and no other table knows them.
#[test]
fn unseen_characters_are_dropped() {
    assert_eq!(xlm_roberta().pieces("a\u{200b}b"), ["▁a ▁ b", "▁ab"]);
    assert_eq!(xlm_roberta().pieces("a\u{200d}b"), ["▁a <unk> b", "▁ab"]);
    assert_eq!(albert().pieces("a\u{7}b"), ["▁a <unk> b", "▁ab"]);
    assert_eq!(deberta_v2().pieces("a\u{7}b"), ["▁a [UNK] b", "▁ab"]);
}

/// sentencepiece's tables know the usual pairs, Unicode's composition all.
#[test]
fn marks_are_composed_without_a_table() {
    let pair = xlm_roberta();
    let text = "a\u{301}\u{302}\u{303}\u{304}";
    assert_eq!(pair.pieces(text), ["▁a <unk>", "▁ <unk>"]);
    assert_eq!(pair.pieces("\u{b2}\u{2007}\u{303}"), ["▁2", "▁2 ▁ <unk>"]);
    assert_eq!(
        deberta_v2().pieces("cafe\u{301}"),
        ["▁ ca f e [UNK]", "▁ ca f é"]
    );
}

/// Which the table makes narrow.
#[test]
fn a_wide_mask_is_no_mask() {
    assert_eq!(
        xlm_roberta().pieces("＜mask＞"),
        ["▁ <mask>", "▁ < m a s k >"]
    );
}

#[test]
fn xlm_roberta_equals_but_for_spaces_marks_and_the_unseen() {
    let wide = |text: &str| text.contains('＜');
    xlm_roberta().equal_but_for(353, &[&rows_of_spaces, &unseen, &combining, &wide]);
}

/// As the tokenizer does that transformers makes of spiece.model.
#[test]
fn alberts_words_do_not_begin_anew_after_a_symbol() {
    assert_eq!(albert().pieces("a-b"), ["▁a - ▁ b", "▁a - b"]);
    assert_eq!(albert().pieces("."), [".", "▁ ."]);
}

/// Which makes the apostrophe and the full stop plain.
#[test]
fn alberts_own_table_is_not_read() {
    assert_eq!(albert().pieces("Don’t"), ["▁ d on ' t", "▁ d on <unk> t"]);
    assert_eq!(albert().pieces("あ。"), ["▁ <unk> .", "▁ <unk>"]);
    assert_eq!(albert().pieces("a\u{1680}b"), ["▁a <unk> b", "▁a ▁ b"]);
}

#[test]
fn albert_equals_but_for_spaces_symbols_its_table_and_the_unseen() {
    let symbol = |text: &str| text.contains(['(', ')', '"', '-', '.', '–', '£', '€']);
    let table = |text: &str| text.contains(['’', '。', '\u{1680}']);
    let traits: [&dyn Fn(&str) -> bool; 7] = [
        &blank,
        &rows_of_spaces,
        &space_before_special,
        &unseen,
        &combining,
        &symbol,
        &table,
    ];
    albert().equal_but_for(295, &traits);
}

/// Each by its bytes; of Hugging Face's, several in a row are one.
#[test]
fn deberta_v2s_unknown_characters_are_several_tokens() {
    assert_eq!(
        deberta_v2().pieces("``tex"),
        ["▁ [UNK] te x", "▁ [UNK] [UNK] te x"]
    );
    assert_eq!(deberta_v2().pieces("∞"), ["▁ [UNK]", "▁ [UNK] [UNK] [UNK]"]);
}

#[test]
fn deberta_v2_equals_but_for_spaces_marks_the_unknown_and_the_unseen() {
    let pair = deberta_v2();
    let unknown = |text: &str| pair.unknown(text);
    let traits: [&dyn Fn(&str) -> bool; 4] = [&rows_of_spaces, &unseen, &combining, &unknown];
    pair.equal_but_for(187, &traits);
}
