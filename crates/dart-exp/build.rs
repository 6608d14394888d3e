//! Gives this crate's programs and tests their run path to libtorch, and links its CUDA part.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // From dart-core's build script.
    println!("cargo::rerun-if-env-changed=DEP_DART_CORE_LIBTORCH_LIB");
    if let Ok(lib) = std::env::var("DEP_DART_CORE_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
        // Nothing of it is named here: it makes itself known to libtorch when it is loaded.
        if std::path::Path::new(&lib).join("libtorch_cuda.so").exists() {
            let link = format!("--no-as-needed,{lib}/libtorch_cuda.so");
            println!("cargo::rustc-link-arg=-Wl,--push-state,{link},--pop-state");
        }
    }
    // With another libtorch in its place functions may be missing. Looked up only when called, they
    // leave the program the time to say so itself (`dart_core::libtorch::check`).
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg=-Wl,-z,lazy");
    }
}
