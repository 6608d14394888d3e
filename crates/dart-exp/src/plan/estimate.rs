//! What a run will need of memory, before it starts.

use anyhow::Result;
use dart_core::footprint::{Footprint, estimate};
use dart_core::method::Method;

use crate::plan::need::Need;
use crate::plan::runs::{Group, Plan, Run};

/// Bytes of a text that make a token at the least: letters of some languages have several bytes,
/// but then a token has fewer letters.
const TOKEN: usize = 3;
/// Tokens of a template, the slot and the special tokens, about.
const TEMPLATE: usize = 12;

/// The memory of a run on `classes` classes; `None` without a model.
///
/// # Errors
/// A model folder that cannot be read.
pub fn memory(group: &Group, run: &Run, classes: usize) -> Result<Option<Footprint>> {
    let job = &run.job;
    if job.method == Method::Majority {
        return Ok(None);
    }
    let lengths = lengths(
        &job.method,
        job.settings.max_length,
        classes,
        &group.train_bytes,
    );
    let memory = estimate(&job.model, &job.method, &job.settings, classes, &lengths)?;
    Ok(Some(memory))
}

/// Tokens of the training inputs, about, the longest first: with demonstrations, an example of each
/// class stands behind the text.
fn lengths(
    method: &Method,
    max_length: usize,
    classes: usize,
    train_bytes: &[usize],
) -> Vec<usize> {
    let longest = train_bytes.first().map_or(0, |bytes| bytes / TOKEN);
    let shown = match method {
        Method::Prompt(prompt) => prompt.demonstrations.as_ref(),
        _ => None,
    };
    let behind = shown.map_or(0, |s| classes * (s.tokens.min(longest) + TEMPLATE));
    let tokens = |bytes: &usize| (bytes / TOKEN + TEMPLATE + behind).min(max_length);
    train_bytes.iter().map(tokens).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use dart_core::method::{PromptMethod, Shown};

    #[test]
    fn demonstrations_make_inputs_longer() {
        let plain = PromptMethod::default();
        let shown = PromptMethod {
            demonstrations: Some(Shown {
                contexts: 4,
                tokens: 50,
                share: 0.5,
                encoder_prompt: None,
            }),
            ..plain.clone()
        };
        let (plain, shown) = (Method::Prompt(plain), Method::Prompt(shown));
        let bytes = [300, 30];
        assert_eq!(lengths(&plain, 512, 2, &bytes), [112, 22]);
        assert_eq!(lengths(&shown, 512, 2, &bytes), [236, 146]);
        assert_eq!(lengths(&shown, 512, 2, &[30, 30]), [66, 66]);
        assert_eq!(lengths(&shown, 128, 6, &bytes), [128, 128]);
    }
}
