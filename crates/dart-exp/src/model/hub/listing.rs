//! What the hub says of a model.

use serde::Deserialize;

/// What the hub says of a model at a revision.
#[derive(Debug, Deserialize)]
pub struct Listing {
    /// The commit.
    pub sha: String,
    pub siblings: Vec<Listed>,
}

/// A file of a model.
#[derive(Debug, Deserialize)]
pub struct Listed {
    pub rfilename: String,
    pub size: Option<u64>,
    /// Git's name of its content.
    #[serde(rename = "blobId")]
    pub blob: Option<String>,
    pub lfs: Option<Lfs>,
}

/// What is known of a large file.
#[derive(Debug, Deserialize)]
pub struct Lfs {
    pub sha256: String,
}
