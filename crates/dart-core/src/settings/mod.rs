//! Every setting of a method and of its training: declared once in [`table`](mod@table), with name,
//! type, default, limits, meaning and documentation.

mod describe;
mod flat;
pub mod limits;
pub mod precision;
pub mod schedule;
mod table;
mod training;
mod words;

pub use flat::{MethodKind, Settings};
pub use limits::Limits;
pub use precision::Precision;
pub use schedule::{Count, DecayedEmbeddings, Schedule, Ties};
pub use training::TrainSettings;
