//! Data sets, their formats and LM-BFF's k-shot sampling, without torch.
//!
//! A [`Catalog`] knows the tasks; [`load`] finds a task's data in a folder and gives the splits of
//! a run. Everything about a data set is data of the catalog ([`layout`]).

pub mod catalog;
pub mod check;
pub mod corpus;
pub mod digest;
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
mod present;
mod rows;
mod shares;
mod split;
pub mod summary;
pub mod template;
mod text_key;
mod unlabelled;
mod unpack;
mod warning;
mod write;

pub use catalog::{Catalog, Kind, Metric, Task};
pub use check::{FileReport, LayoutReport, Shared, check_file, check_task, shared_texts};
pub use corpus::{CorpusFile, TestSentences, corpus_files, read_corpus};
pub use download::Progress;
pub use error::DataError;
pub use example::{Entities, Example, Mention};
pub use fetch::{FetchOptions, fetch, notice};
pub use kshot::cap_test;
pub use load::{Loader, SplitRequest, Splits, load};
pub use own::{OwnMetric, OwnTask};
pub use present::{Place, missing, missing_for, present, test_texts};
pub use unlabelled::read_unlabelled;
pub use warning::{Warning, WarningKind};
pub use write::{Written, write_kshot};
