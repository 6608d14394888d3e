//! Unpacking archives beside their place, so that a folder is never half there; nothing in an
//! archive can write outside it.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use crate::error::{self, DataError, Result};

/// Whether a file of this name is unpacked.
pub(crate) fn is_archive(name: &str) -> bool {
    kind(name).is_some()
}

#[derive(Clone, Copy)]
enum Kind {
    Tar,
    TarGz,
    Zip,
}

fn kind(name: &str) -> Option<Kind> {
    let name = name.to_lowercase();
    if name.ends_with(".tar") {
        Some(Kind::Tar)
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        Some(Kind::TarGz)
    } else if name.ends_with(".zip") {
        Some(Kind::Zip)
    } else {
        None
    }
}

/// Unpacks an archive called `name` into the folder `place`. `members` are the files kept, all
/// where empty; `inside => outside` renames one.
pub(crate) fn unpack(archive: &Path, name: &str, place: &Path, members: &[String]) -> Result<()> {
    let beside = archive.with_extension("unpacking");
    if beside.exists() {
        fs::remove_dir_all(&beside).map_err(|error| DataError::io(&beside, error))?;
    }
    fs::create_dir_all(&beside).map_err(|error| DataError::io(&beside, error))?;
    let files = match kind(name) {
        Some(Kind::Zip) => unzip(archive, &beside, members),
        Some(Kind::TarGz) => {
            let file = BufReader::new(error::open(archive)?);
            untar(
                archive,
                flate2::read::MultiGzDecoder::new(file),
                &beside,
                members,
            )
        }
        _ => untar(
            archive,
            BufReader::new(error::open(archive)?),
            &beside,
            members,
        ),
    };
    let moved = files.and_then(|files| {
        if files.is_empty() {
            let remedy = "the archive changed; report it";
            return Err(DataError::file(
                archive,
                "holds none of the files wanted",
                remedy,
            ));
        }
        files
            .iter()
            .try_for_each(|file| put(&beside.join(file), &place.join(file)))
    });
    let removed = fs::remove_dir_all(&beside).map_err(|error| DataError::io(&beside, error));
    moved.and(removed)
}

fn put(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| DataError::io(folder, error))?;
    }
    fs::rename(from, to).map_err(|error| DataError::io(to, error))
}

fn untar(
    archive: &Path,
    reader: impl Read,
    into: &Path,
    members: &[String],
) -> Result<Vec<PathBuf>> {
    let broken = |error: std::io::Error| damaged(archive, &error.to_string());
    let mut files = Vec::new();
    for entry in tar::Archive::new(reader).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let Some(to) = target(&path, members) else {
            continue;
        };
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        let to = checked(archive, &path, &to)?;
        if !kind.is_file() {
            let message = format!("member {} is a link or a device", path.display());
            return Err(DataError::file(
                archive,
                message,
                "refused; unpack it by hand",
            ));
        }
        write(&mut entry, &into.join(&to)).map_err(broken)?;
        files.push(to);
    }
    Ok(files)
}

fn unzip(archive: &Path, into: &Path, members: &[String]) -> Result<Vec<PathBuf>> {
    let broken = |error: zip::result::ZipError| damaged(archive, &error.to_string());
    let file = BufReader::new(error::open(archive)?);
    let mut zip = zip::ZipArchive::new(file).map_err(broken)?;
    let mut files = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(broken)?;
        let path = PathBuf::from(entry.name().map_err(broken)?.replace('\\', "/"));
        let Some(to) = target(&path, members) else {
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        let to = checked(archive, &path, &to)?;
        if entry.is_symlink() {
            let message = format!("member {} is a link", path.display());
            return Err(DataError::file(
                archive,
                message,
                "refused; unpack it by hand",
            ));
        }
        write(&mut entry, &into.join(&to)).map_err(|error| damaged(archive, &error.to_string()))?;
        files.push(to);
    }
    Ok(files)
}

/// Where a member goes, if it is wanted.
fn target(path: &Path, members: &[String]) -> Option<PathBuf> {
    if members.is_empty() {
        return Some(path.to_owned());
    }
    let path = path.strip_prefix(".").unwrap_or(path);
    members
        .iter()
        .find_map(|member| match member.split_once("=>") {
            Some((inside, outside)) => {
                (path == Path::new(inside.trim())).then(|| PathBuf::from(outside.trim()))
            }
            None => path.starts_with(member).then(|| path.to_owned()),
        })
}

/// The path without `.`, if it stays below the folder it is unpacked into.
fn checked(archive: &Path, member: &Path, to: &Path) -> Result<PathBuf> {
    let mut plain = PathBuf::new();
    for part in to.components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::CurDir => {}
            _ => {
                let message = format!("member {} leaves its folder", member.display());
                return Err(DataError::file(
                    archive,
                    message,
                    "refused; nothing was unpacked",
                ));
            }
        }
    }
    Ok(plain)
}

fn write(from: &mut impl Read, to: &Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(to)?;
    std::io::copy(from, &mut file)?;
    file.sync_all()
}

fn damaged(archive: &Path, why: &str) -> DataError {
    let message = format!("cannot be unpacked ({why})");
    DataError::file(archive, message, "remove it and fetch again")
}
