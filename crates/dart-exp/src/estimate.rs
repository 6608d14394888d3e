//! What a run will need of memory, before it starts.

use anyhow::Result;
use dart_core::memory::{Memory, estimate};
use dart_core::method::Method;

use crate::plan::{Group, Plan, Run};
use crate::resources::Need;

/// Bytes of a text that make a token at the least: letters of some languages have several bytes,
/// but then a token has fewer letters.
const TOKEN: usize = 3;
/// Tokens of a template, the slot and the special tokens, about.
const TEMPLATE: usize = 12;

/// The memory of a run on `classes` classes; `None` without a model.
///
/// # Errors
/// A model folder that cannot be read.
pub fn memory(group: &Group, run: &Run, classes: usize) -> Result<Option<Memory>> {
    let job = &run.job;
    if job.method == Method::Majority {
        return Ok(None);
    }
    let tokens = |bytes: &usize| bytes / TOKEN + TEMPLATE;
    let lengths: Vec<usize> = group.train_bytes.iter().map(tokens).collect();
    let memory = estimate(&job.model, &job.method, &job.settings, classes, &lengths)?;
    Ok(Some(memory))
}

/// MiB of a run without a model.
const PROGRAM: f64 = 150.0;

/// MiB of a process that uses a GPU: CUDA's own libraries and context.
const GPU_PROGRAM: f64 = 3000.0;

/// What a run takes from what all children share.
///
/// # Errors
/// As [`memory`].
pub fn need(plan: &Plan, group: &Group, run: &Run) -> Result<Need> {
    let memory = memory(group, run, plan.task(group).labels.len())?;
    let bytes = |mib: f64| (mib * f64::from(1 << 20)) as u64;
    Ok(Need {
        memory: bytes(memory.map_or(PROGRAM, |memory| memory.peak)),
        // The weights pass through as a file and as tensors.
        beside_gpu: bytes(GPU_PROGRAM + memory.map_or(0.0, |memory| 2.0 * memory.weights)),
        gpu: run.gpu(),
    })
}
