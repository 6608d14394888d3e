//! Hugging Face's tokenizer classes: which vocabulary files each reads, which special tokens it
//! names by itself, and how it frames one text or two.

use std::path::Path;

/// A tokenizer class of transformers, slow and fast alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// WordPiece: BERT, DistilBERT, ELECTRA.
    Bert,
    /// WordPiece with `<s>`, `</s>` and `<mask>`: MPNet.
    Mpnet,
    /// Byte-level BPE with `<s>`, `</s>` and `<mask>`.
    Roberta,
    /// Byte-level BPE with `<|endoftext|>` alone.
    Gpt2,
    /// Byte-level BPE with `[CLS]`, `[SEP]` and `[MASK]`.
    Deberta,
    /// A sentencepiece model with `[CLS]`, `[SEP]` and `[MASK]` in it.
    Albert,
    /// A sentencepiece model behind fairseq's four special tokens.
    XlmRoberta,
    /// The same, with pieces of its own for them.
    Camembert,
    /// A sentencepiece model with `[MASK]` behind it.
    DebertaV2,
    /// Whatever a tokenizer.json holds; its special tokens are named beside it.
    Other,
}

/// Classes by the files of their vocabularies, in the order in which a folder is searched.
const FILES: [(Class, &[&str]); 9] = [
    (Class::Bert, &["vocab.txt"]),
    (Class::Mpnet, &["vocab.txt"]),
    (Class::Roberta, &["vocab.json", "merges.txt"]),
    (Class::Gpt2, &["vocab.json", "merges.txt"]),
    (Class::Deberta, &["vocab.json", "merges.txt"]),
    (Class::Albert, &["spiece.model"]),
    (Class::XlmRoberta, &["sentencepiece.bpe.model"]),
    (Class::Camembert, &["sentencepiece.bpe.model"]),
    (Class::DebertaV2, &["spm.model"]),
];

impl Class {
    /// From `tokenizer_class` in tokenizer_config.json, `model_type` in config.json, or else the
    /// files of the folder.
    pub fn find(dir: &Path, tokenizer_class: Option<&str>, model_type: Option<&str>) -> Self {
        let named = tokenizer_class.map(|name| name.strip_suffix("Fast").unwrap_or(name));
        match named {
            Some("BertTokenizer" | "DistilBertTokenizer" | "ElectraTokenizer") => Class::Bert,
            Some("MPNetTokenizer") => Class::Mpnet,
            Some("RobertaTokenizer") => Class::Roberta,
            Some("GPT2Tokenizer") => Class::Gpt2,
            Some("DebertaTokenizer") => Class::Deberta,
            Some("AlbertTokenizer") => Class::Albert,
            Some("XLMRobertaTokenizer") => Class::XlmRoberta,
            Some("CamembertTokenizer") => Class::Camembert,
            Some("DebertaV2Tokenizer") => Class::DebertaV2,
            Some(_) => Class::Other,
            None => {
                let class = match model_type {
                    Some("bert" | "distilbert" | "electra") => Class::Bert,
                    Some("mpnet") => Class::Mpnet,
                    Some("roberta") => Class::Roberta,
                    Some("gpt2") => Class::Gpt2,
                    Some("deberta") => Class::Deberta,
                    Some("albert") => Class::Albert,
                    Some("xlm-roberta") => Class::XlmRoberta,
                    Some("camembert") => Class::Camembert,
                    Some("deberta-v2") => Class::DebertaV2,
                    _ => Class::Other,
                };
                let there = |files: &[&str]| files.iter().all(|f| dir.join(f).is_file());
                let complete = there(&["tokenizer.json"]);
                if class != Class::Other && (complete || there(class.files())) {
                    return class;
                }
                // Other models' vocabularies serve too: multilingual BERTs with XLM-R's.
                let found = FILES.iter().find(|(_, files)| !complete && there(files));
                found.map_or(class, |(class, _)| *class)
            }
        }
    }

    /// The files of its vocabulary; none for [`Class::Other`].
    pub fn files(self) -> &'static [&'static str] {
        let found = FILES.iter().find(|(class, _)| *class == self);
        found.map_or(&[], |(_, files)| files)
    }

    /// The special token that the class has for `role` (`mask_token`, …) where no file names one.
    pub fn default_token(self, role: &str) -> Option<&'static str> {
        let brackets = |unknown, pad| match role {
            "unk_token" => Some(unknown),
            "sep_token" => Some("[SEP]"),
            "pad_token" => Some(pad),
            "cls_token" => Some("[CLS]"),
            "mask_token" => Some("[MASK]"),
            _ => None,
        };
        match self {
            Class::Bert | Class::Deberta | Class::DebertaV2 => brackets("[UNK]", "[PAD]"),
            Class::Albert => brackets("<unk>", "<pad>"),
            Class::Mpnet | Class::Roberta | Class::XlmRoberta | Class::Camembert => match role {
                "bos_token" | "cls_token" => Some("<s>"),
                "eos_token" | "sep_token" => Some("</s>"),
                // Its vocabulary has `<unk>` too, which no word becomes.
                "unk_token" if self == Class::Mpnet => Some("[UNK]"),
                "unk_token" => Some("<unk>"),
                "pad_token" => Some("<pad>"),
                "mask_token" => Some("<mask>"),
                _ => None,
            },
            Class::Gpt2 => match role {
                "bos_token" | "eos_token" | "unk_token" => Some("<|endoftext|>"),
                _ => None,
            },
            Class::Other => None,
        }
    }

    /// Whether its mask token takes the space before it, as a word does.
    pub fn mask_takes_space(self) -> bool {
        matches!(
            self,
            Class::Mpnet
                | Class::Roberta
                | Class::Deberta
                | Class::Albert
                | Class::XlmRoberta
                | Class::Camembert
        )
    }
}
