//! Data sets, their formats and LM-BFF's k-shot sampling, without torch.

pub mod corpus;
pub mod error;
pub mod example;

pub use corpus::{CorpusFile, TestSentences, corpus_files, read_corpus};
pub use error::DataError;
pub use example::{Entities, Example, Mention};
