//! One's own task, without code.

mod classes;
mod entry;
mod resolve;
mod values;

pub use entry::OwnTask;
pub(crate) use entry::TEST_PERCENT;
