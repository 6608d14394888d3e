//! Checks the libtorch that the build uses and gives this crate's programs their run path to it;
//! dart-exp's build script takes the path from here (`DEP_DART_CORE_LIBTORCH_LIB`).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    for name in [
        "LIBTORCH",
        "LIBTORCH_LIB",
        "LIBTORCH_CXX11_ABI",
        "LIBTORCH_USE_PYTORCH",
        "VIRTUAL_ENV",
    ] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let lib = match env::var_os("LIBTORCH_USE_PYTORCH") {
        Some(_) => python_folder(),
        None => library_folder().and_then(same_abi),
    };
    match lib {
        Ok(lib) => {
            let cuda = lib.join("libtorch_cuda.so").exists();
            let lib = lib.display();
            println!("cargo::metadata=libtorch_lib={lib}");
            println!("cargo::rustc-env=DART_LIBTORCH_LIB={lib}");
            println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
            // Nothing of it is named here: it makes itself known to libtorch when it is loaded.
            if cuda {
                let link = format!("--no-as-needed,{lib}/libtorch_cuda.so");
                println!("cargo::rustc-link-arg=-Wl,--push-state,{link},--pop-state");
            }
        }
        Err(found) => {
            println!("cargo::error=libtorch: {found}: run `just setup` in the repository");
        }
    }
}

/// The folder that holds libtorch_cpu, by the same variables that torch-sys reads.
fn library_folder() -> Result<PathBuf, String> {
    let root = env::var_os("LIBTORCH_LIB")
        .or_else(|| env::var_os("LIBTORCH"))
        .ok_or("found neither the variable LIBTORCH nor this repository's Cargo configuration")?;
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
        None if root.to_string_lossy().ends_with("no-libtorch") => {
            Err("found none, wanted 2.11.0".into())
        }
        None => Err(format!(
            "found no libtorch_cpu in {}, wanted 2.11.0",
            lib.display()
        )),
    }
}

/// The folder of the libraries of Python's PyTorch, which torch-sys asks in the same way.
fn python_folder() -> Result<PathBuf, String> {
    let python = match env::var_os("VIRTUAL_ENV") {
        Some(_) => "python",
        None => "python3",
    };
    let code =
        "import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib'), end='')";
    let output = Command::new(python).args(["-c", code]).output();
    match output {
        Ok(output) if output.status.success() => Ok(PathBuf::from(
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )),
        _ => Err(format!(
            "LIBTORCH_USE_PYTORCH is set, but {python} has no torch, wanted 2.11.0"
        )),
    }
}

/// Refuses a libtorch whose strings are not those that torch-sys compiles for: it would link with
/// missing symbols. c10::Error's constructor tells, by the name of its string's type.
fn same_abi(lib: PathBuf) -> Result<PathBuf, String> {
    let wanted = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".into());
    let symbols = fs::read(lib.join("libc10.so")).unwrap_or_default();
    let constructor = b"_ZN3c105ErrorC2ENS_14SourceLocationE";
    let strings = [("0", b"Ss".as_slice()), ("1", b"NSt7__cxx11".as_slice())];
    let symbol = |string: &[u8]| [constructor.as_slice(), string].concat();
    let contains = |symbol: Vec<u8>| symbols.windows(symbol.len()).any(|window| window == symbol);
    match strings.iter().find(|(_, string)| contains(symbol(string))) {
        Some((found, _)) if *found != wanted => Err(format!(
            "found C++11 ABI {found} in {}, but LIBTORCH_CXX11_ABI is {wanted}",
            lib.display()
        )),
        _ => Ok(lib),
    }
}
