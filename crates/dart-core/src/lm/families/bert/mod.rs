//! BERT and the relatives that are settings of one post-LayerNorm transformer: RoBERTa, XLM-R and
//! CamemBERT, DistilBERT, ELECTRA, ALBERT.

mod config;
mod encoder;
mod names;
#[cfg(test)]
mod tests;

use crate::lm::backbone::Parsed;
use config::Relative;

pub(super) fn bert(text: &str) -> Parsed {
    parse(text, Relative::Bert)
}

/// XLM-R and CamemBERT are RoBERTas of other vocabularies.
pub(super) fn roberta(text: &str) -> Parsed {
    parse(text, Relative::Roberta)
}

pub(super) fn distilbert(text: &str) -> Parsed {
    parse(text, Relative::DistilBert)
}

pub(super) fn electra(text: &str) -> Parsed {
    parse(text, Relative::Electra)
}

pub(super) fn albert(text: &str) -> Parsed {
    parse(text, Relative::Albert)
}

fn parse(text: &str, relative: Relative) -> Parsed {
    Ok((config::parse(text, relative)?, Box::new(relative)))
}
