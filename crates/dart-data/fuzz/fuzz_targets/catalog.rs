//! Catalog files, own tasks, templates and mappings of any text.
#![no_main]

use dart_data::{Catalog, OwnTask, template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let catalog = Catalog::embedded().unwrap();
    let _ = catalog.task(text);
    let _ = template::normalise(text);
    let _ = template::words_from_mapping(catalog.task("mnli").unwrap(), text);
    if let Ok(own) = serde_yaml::from_str::<OwnTask>(text) {
        let _ = own.task(std::path::Path::new("."));
    }
    let path = std::env::temp_dir().join(format!("dart-data-fuzz-{}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let _ = Catalog::default().extend(&path);
});
