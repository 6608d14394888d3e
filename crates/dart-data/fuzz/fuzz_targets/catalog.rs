//! Catalog files, own tasks, templates and mappings of any text.
#![no_main]

use std::sync::LazyLock;

use dart_data::{Catalog, OwnTask, template, words};
use libfuzzer_sys::fuzz_target;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fuzz_target!(|text: &str| {
    let catalog = &*CATALOG;
    let _ = catalog.task(text);
    let _ = template::normalise(text);
    let _ = words::words_from_mapping(catalog.task("mnli").unwrap(), text);
    if let Ok(own) = serde_yaml::from_str::<OwnTask>(text) {
        let _ = own.task(std::path::Path::new("."));
        let _ = own.resolve(catalog);
    }
    let path = std::env::temp_dir().join(format!("dart-data-fuzz-{}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let _ = Catalog::default().extend(&path);
});
