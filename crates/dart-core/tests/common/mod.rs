//! What the tests share: golden files and comparisons.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tch::{Kind, Tensor};

/// The folder of golden files.
pub fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A golden folder's `golden.safetensors`.
pub fn golden(name: &str) -> BTreeMap<String, Tensor> {
    tensors(&goldens().join(name).join("golden.safetensors"))
}

/// All tensors of a safetensors file.
pub fn tensors(path: &Path) -> BTreeMap<String, Tensor> {
    Tensor::read_safetensors(path)
        .unwrap()
        .into_iter()
        .collect()
}

/// Asserts equal shapes and a largest absolute difference of at most `tolerance`.
pub fn close(what: &str, got: &Tensor, wanted: &Tensor, tolerance: f64) {
    assert_eq!(got.size(), wanted.size(), "{what}");
    let difference = got.to_kind(Kind::Double) - wanted.to_kind(Kind::Double);
    let largest = difference.abs().max().double_value(&[]);
    assert!(
        largest <= tolerance,
        "{what}: differs by {largest:e}, more than {tolerance:e}"
    );
}

/// The packaged sentence encoder, which `just setup` fetches.
pub fn minilm() -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/all-minilm-l6-v2");
    assert!(
        dir.join("model.safetensors").is_file(),
        "{} is not there: run `just setup`",
        dir.display()
    );
    dir
}
