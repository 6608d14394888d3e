//! A folder that appears whole or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dart_data::digest::hex;

use super::card::{CARD, Card};
use crate::error::{CoreError, Result};
use crate::files::{sha256, write_atomically};

/// A folder being filled beside its place; removed unless finished.
pub(super) struct PartFolder {
    temporary: PathBuf,
    place: PathBuf,
    finished: bool,
}

impl PartFolder {
    /// Starts the folder that is to become `place`.
    pub fn create(place: &Path) -> Result<Self> {
        if std::fs::symlink_metadata(place).is_ok() {
            let message = "exists already; remove it or name another folder";
            return Err(CoreError::model(place, message));
        }
        let Some(name) = place.file_name() else {
            return Err(CoreError::model(place, "is not the name of a folder"));
        };
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", std::process::id()));
        let temporary = place.with_file_name(part);
        std::fs::create_dir_all(&temporary).map_err(|e| CoreError::io(place, e))?;
        Ok(PartFolder {
            temporary,
            place: place.to_path_buf(),
            finished: false,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.temporary
    }

    /// Where a file of this name goes.
    pub fn path(&self, name: &str) -> PathBuf {
        self.temporary.join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_atomically(&self.path(name), bytes)
    }

    /// SHA-256 of every file in it.
    pub fn sums(&self) -> Result<BTreeMap<String, String>> {
        let listing =
            std::fs::read_dir(&self.temporary).map_err(|e| CoreError::io(&self.temporary, e))?;
        let mut sums = BTreeMap::new();
        for entry in listing {
            let path = entry.map_err(|e| CoreError::io(&self.temporary, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            sums.insert(name.into_owned(), hex(&sha256(&path)?));
        }
        Ok(sums)
    }

    /// Writes the card.
    pub fn write_card(&self, card: &Card) -> Result<()> {
        let text =
            serde_json::to_string_pretty(card).map_err(|e| CoreError::Encoding(e.to_string()))?;
        self.write(CARD, (text + "\n").as_bytes())
    }

    /// Moves the folder into its place.
    pub fn finish(mut self) -> Result<()> {
        std::fs::rename(&self.temporary, &self.place).map_err(|e| CoreError::io(&self.place, e))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for PartFolder {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed stays under a name that nobody takes for a checkpoint.
            let _ = std::fs::remove_dir_all(&self.temporary);
        }
    }
}
