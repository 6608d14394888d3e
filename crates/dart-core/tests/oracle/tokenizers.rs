//! rust_tokenizers on the awkward strings of the golden files.

use std::path::Path;

use rust_tokenizers::tokenizer::{
    AlbertTokenizer, BertTokenizer, DeBERTaTokenizer, DeBERTaV2Tokenizer, Gpt2Tokenizer,
    RobertaTokenizer, Tokenizer as _, XLMRobertaTokenizer,
};
use rust_tokenizers::vocab::Vocab;

use super::common::{goldens, minilm};
use dart_core::tokenizer::Tokenizer;

fn ids<V: Vocab, T: rust_tokenizers::tokenizer::Tokenizer<V>>(theirs: &T, text: &str) -> Vec<i64> {
    theirs.convert_tokens_to_ids(&theirs.tokenize(text))
}

fn show(name: &str, ours: &Tokenizer, theirs: impl Fn(&str) -> Vec<i64>) {
    let texts = std::fs::read_to_string(goldens().join("tokenizers/texts.json")).unwrap();
    let texts: Vec<String> = serde_json::from_str(&texts).unwrap();
    let mask = ours.mask_token().unwrap_or("[MASK]").to_string();
    let mut n = 0;
    for text in &texts {
        let text = text.replace("[MASK]", &mask);
        let a = ours.encode(&text);
        let b = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| theirs(&text)));
        if b.as_ref().ok() != Some(&a) {
            n += 1;
            let a: Vec<_> = a.iter().map(|id| ours.token(*id)).collect();
            let b = b.map(|b| b.iter().map(|id| ours.token(*id)).collect::<Vec<_>>());
            println!("{name} {text:?}: {a:?} {b:?}");
        }
    }
    println!("{name} TOTAL {n} of {}", texts.len());
}

#[test]
fn look() {
    let f = |n: &str| goldens().join("tokenizers").join(n);
    let ours = |n: &str| Tokenizer::load(&f(n)).unwrap();
    let r = RobertaTokenizer::from_file(f("roberta").join("vocab.json"), f("roberta").join("merges.txt"), false, false).unwrap();
    show("roberta", &ours("roberta"), |t| ids(&r, t));
    let r = Gpt2Tokenizer::from_file(f("gpt2").join("vocab.json"), f("gpt2").join("merges.txt"), false).unwrap();
    show("gpt2", &ours("gpt2"), |t| ids(&r, t));
    let r = DeBERTaTokenizer::from_file(f("deberta").join("vocab.json"), f("deberta").join("merges.txt"), false).unwrap();
    show("deberta", &ours("deberta"), |t| ids(&r, t));
    let r = AlbertTokenizer::from_file(f("albert").join("spiece.model"), true, true).unwrap();
    show("albert", &ours("albert"), |t| ids(&r, t));
    let r = XLMRobertaTokenizer::from_file(f("xlm-roberta").join("sentencepiece.bpe.model"), false).unwrap();
    show("xlm", &ours("xlm-roberta"), |t| ids(&r, t));
    let r = DeBERTaV2Tokenizer::from_file(f("deberta-v2").join("spm.model"), false, false, false).unwrap();
    show("deberta-v2", &ours("deberta-v2"), |t| ids(&r, t));
    let r = BertTokenizer::from_file(minilm().join("vocab.txt"), true, true).unwrap();
    show("bert", &Tokenizer::load(&minilm()).unwrap(), |t| ids(&r, t));
}
