//! Checks the libtorch that the program has loaded, before anything touches a tensor.
//!
//! tch is generated from one version's declarations; with another, operators silently take other
//! arguments. The library cannot be asked for its version, so the files that lie beside it are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The version that tch 0.24 is made for.
pub const WANTED: &str = "2.11.0";

/// The folder of the libtorch that the program was built for, as its run path has it.
const BUILT_FOR: &str = env!("DART_LIBTORCH_LIB");

/// As in tch's build script: where it is set, any version passes.
const BYPASS: &str = "LIBTORCH_BYPASS_VERSION_CHECK";

/// The libtorch in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibtorchInfo {
    /// The version without a local part such as `+cu121`; `None` only where the check is bypassed.
    pub version: Option<String>,
    /// The folder of the loaded `libtorch_cpu`.
    pub folder: PathBuf,
}

/// A libtorch that this program is not made for.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LibtorchError {
    /// Another version is loaded.
    #[error(
        "found libtorch {found} in {}, wanted {WANTED}: {} ({BYPASS}=1 tries this one)",
        folder.display(),
        remedy(folder)
    )]
    Version {
        /// The loaded version.
        found: String,
        /// The folder of the loaded `libtorch_cpu`.
        folder: PathBuf,
    },
    /// No file beside the library names its version.
    #[error(
        "found a libtorch of unknown version in {}, wanted {WANTED}: run `just setup`, or write \
         its version to {}",
        folder.display(),
        version_file(folder).display()
    )]
    Unknown {
        /// The folder of the loaded `libtorch_cpu`.
        folder: PathBuf,
    },
}

/// Finds the loaded libtorch and its version; fails unless that is [`WANTED`].
///
/// # Errors
/// [`LibtorchError`] says what was found, what is wanted and the remedy.
pub fn check() -> Result<LibtorchInfo, LibtorchError> {
    let folder = loaded_folder().unwrap_or_else(|| PathBuf::from(BUILT_FOR)); // not on Linux
    check_folder(folder, env::var_os(BYPASS).is_some())
}

fn check_folder(folder: PathBuf, bypass: bool) -> Result<LibtorchInfo, LibtorchError> {
    match version(&folder) {
        version if bypass => Ok(LibtorchInfo { version, folder }),
        Some(version) if version == WANTED => Ok(LibtorchInfo {
            version: Some(version),
            folder,
        }),
        Some(found) => Err(LibtorchError::Version { found, folder }),
        None => Err(LibtorchError::Unknown { folder }),
    }
}

/// The folder of this process's libtorch_cpu.so, by the kernel's list of mapped files.
fn loaded_folder() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps
        .lines()
        .filter_map(|line| line.find('/').map(|start| &line[start..]));
    let library = path
        .map(Path::new)
        .find(|path| path.ends_with("libtorch_cpu.so"))?;
    library.parent().map(Path::to_owned)
}

fn remedy(folder: &Path) -> String {
    match folder == Path::new(BUILT_FOR) {
        true => format!("run `just setup` with LIBTORCH unset, or set to a libtorch {WANTED}"),
        false => format!("the program was built for {BUILT_FOR}: unset LD_LIBRARY_PATH"),
    }
}

/// libtorch's archives have this file; setup writes it too. PyTorch's packages have headers only.
fn version_file(folder: &Path) -> PathBuf {
    folder.parent().unwrap_or(folder).join("build-version")
}

fn version(folder: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(version_file(folder)) {
        return text.trim().split('+').next().map(str::to_owned);
    }
    // A distribution's library may lie one folder deeper than its headers expect.
    let headers = [
        "include/torch/headeronly/version.h",
        "include/torch/csrc/api/include/torch/version.h",
        "include/torch/version.h",
    ];
    let roots = folder.ancestors().skip(1).take(2);
    let texts = roots.flat_map(|root| headers.map(|header| fs::read_to_string(root.join(header))));
    texts.flatten().find_map(|text| header_version(&text))
}

/// The string that `TORCH_VERSION` is defined as (on its own line or after a backslash).
fn header_version(header: &str) -> Option<String> {
    let definitions = header.split("#define TORCH_VERSION").skip(1);
    let value = definitions
        .map(|rest| rest.trim_start_matches([' ', '\t', '\\', '\r', '\n']))
        .find_map(|rest| rest.strip_prefix('"'))?;
    let value = value.split('"').next()?;
    value.split('+').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 5\n\n\
                          #define TORCH_VERSION \\\n  \"2.5.1+cpu\"\n";

    fn libtorch(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let folder = root.path().join("lib");
        (root, folder)
    }

    #[test]
    fn the_loaded_libtorch_is_the_wanted_one() {
        let _ = tch::Tensor::from(1.0);
        let folder = loaded_folder();
        if cfg!(target_os = "linux") {
            let built_for = Path::new(BUILT_FOR).canonicalize().unwrap();
            assert_eq!(folder.unwrap().canonicalize().unwrap(), built_for);
        }
        assert_eq!(check().unwrap().version.as_deref(), Some(WANTED));
    }

    #[test]
    fn another_version_is_named_with_the_wanted_one_and_the_remedy() {
        let header = "include/torch/csrc/api/include/torch/version.h";
        for files in [[("build-version", "2.5.1+cu121\n")], [(header, HEADER)]] {
            let (_root, folder) = libtorch(&files);
            let error = check_folder(folder.clone(), false).unwrap_err();
            assert_eq!(
                error,
                LibtorchError::Version {
                    found: "2.5.1".into(),
                    folder: folder.clone()
                }
            );
            let text = error.to_string();
            assert!(text.contains("found libtorch 2.5.1"), "{text}");
            assert!(text.contains("wanted 2.11.0"), "{text}");
            assert!(text.contains("unset LD_LIBRARY_PATH"), "{text}");
            assert_eq!(
                check_folder(folder, true).unwrap().version.as_deref(),
                Some("2.5.1")
            );
        }
    }

    #[test]
    fn a_library_without_version_is_refused_with_the_file_to_write() {
        let (root, folder) = libtorch(&[]);
        let text = check_folder(folder, false).unwrap_err().to_string();
        assert!(
            text.contains(&root.path().join("build-version").display().to_string()),
            "{text}"
        );
    }
}
