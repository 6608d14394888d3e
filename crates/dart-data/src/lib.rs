//! Data sets, their formats and LM-BFF's k-shot sampling, without torch.
//!
//! A [`Catalog`] knows the tasks; [`load`] finds a task's data in a folder and gives the splits of
//! a run. Everything about a data set is data of the catalog ([`layout`]).

mod absence;
pub mod catalog;
pub mod check;
pub mod corpus;
pub mod digest;
mod distribution;
pub mod download;
pub mod error;
pub mod example;
pub mod fetch;
pub mod format;
pub mod kshot;
mod labels;
pub mod layout;
mod load;
pub mod numpy_rng;
mod own;
mod pool;
mod python;
mod request;
mod rows;
mod shares;
mod shots;
mod split;
pub mod summary;
pub mod template;
mod test_texts;
mod text_key;
mod texts;
mod unpack;
mod warning;
pub mod words;
mod write;

pub use absence::{missing, missing_for};
pub use catalog::{Catalog, Kind, Metric, MetricName, Task};
pub use check::{FileReport, LayoutReport, Shared, check_file, check_task, shared_texts};
pub use corpus::{CorpusFile, TestSentences, corpus_files, read_corpus};
pub use distribution::{Distribution, present};
pub use download::Progress;
pub use error::{DataError, HowToGet, Setting};
pub use example::{Entities, Example, Mention};
pub use fetch::{FetchOptions, fetch, notice};
pub use kshot::cap_test;
pub use load::{Loader, Splits, load};
pub use own::OwnTask;
pub use request::SplitRequest;
pub use shots::Shots;
pub use test_texts::test_texts;
pub use texts::read_unlabelled;
pub use warning::{Warning, WarningKind};
pub use write::{Written, write_kshot};
