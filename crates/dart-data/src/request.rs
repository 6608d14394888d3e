//! Which splits of a task are asked for.

use std::path::Path;

use crate::shots::Shots;

/// Which splits are wanted.
#[derive(Debug, Clone, Copy)]
pub struct SplitRequest<'a> {
    /// The data folder.
    pub data_dir: &'a Path,
    /// Training examples of each class. Of all of them, dev is the official dev set, or a tenth of
    /// the training rows, drawn with the seed.
    pub k: Shots,
    /// The seed of the draw.
    pub seed: u64,
    /// Whether a class with too few rows is an error.
    pub strict: bool,
    /// Dev examples of each class in multiples of `k`: 1, or 10 for LM-BFF's `k-shot-10x`.
    pub dev_factor: usize,
    /// The only layout to be used, such as `glue`; any where `None`.
    pub layout: Option<&'a str>,
}

impl<'a> SplitRequest<'a> {
    /// A k-shot split with a dev set of the same size, from whatever layout is there.
    pub fn new(data_dir: &'a Path, k: Shots, seed: u64) -> Self {
        SplitRequest {
            data_dir,
            k,
            seed,
            strict: false,
            dev_factor: 1,
            layout: None,
        }
    }

    /// The same request for one layout only.
    pub fn in_layout(self, layout: &'a str) -> Self {
        SplitRequest {
            layout: Some(layout),
            ..self
        }
    }
}
