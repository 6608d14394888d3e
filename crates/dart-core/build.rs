//! Checks the libtorch that the build uses and gives this crate's programs their run path to it;
//! dart-exp's build script takes the path from here (`DEP_DART_CORE_LIBTORCH_LIB`).

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    for name in ["LIBTORCH", "LIBTORCH_LIB"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    match library_folder() {
        Ok(lib) => {
            let lib = lib.display();
            println!("cargo::metadata=libtorch_lib={lib}");
            println!("cargo::rustc-env=DART_LIBTORCH_LIB={lib}");
            println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
            ExitCode::SUCCESS
        }
        Err(found) => {
            println!(
                "cargo::error=libtorch: {found}, wanted 2.4.0: run `just setup` in the repository"
            );
            ExitCode::FAILURE
        }
    }
}

/// The folder that holds libtorch_cpu, by the same variables that torch-sys reads.
fn library_folder() -> Result<PathBuf, String> {
    let root = env::var_os("LIBTORCH_LIB")
        .or_else(|| env::var_os("LIBTORCH"))
        .ok_or("found neither LIBTORCH nor the repository's Cargo configuration")?;
    let lib = Path::new(&root).join("lib");
    let names = ["libtorch_cpu.so", "libtorch_cpu.dylib"];
    let library = names
        .iter()
        .map(|name| lib.join(name))
        .find(|path| path.exists());
    match library {
        Some(library) => {
            println!("cargo::rerun-if-changed={}", library.display());
            Ok(lib)
        }
        // The stand-in before setup.
        None if root.to_string_lossy().ends_with("no-libtorch") => Err("found none".into()),
        None => Err(format!("found no libtorch_cpu in {}", lib.display())),
    }
}
