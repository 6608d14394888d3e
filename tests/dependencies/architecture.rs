//! docs/ARCHITECTURE.md names every module, once.

use std::collections::BTreeSet;
use std::fs;

use crate::modules::{CRATES, modules, root};

/// The modules that the map of a crate names: of its block, a line each, the first word, two spaces
/// deeper for what lies in a folder.
fn mapped(page: &str, name: &str) -> Vec<String> {
    let start = format!("\n```text {name}\n");
    let (_, block) = page
        .split_once(&start)
        .unwrap_or_else(|| panic!("no map of {name}"));
    let (block, _) = block.split_once("\n```").unwrap();
    let mut at: Vec<&str> = Vec::new();
    let mut named = Vec::new();
    for line in block.lines() {
        let word = line.split_whitespace().next().unwrap();
        let depth = (line.len() - line.trim_start().len()) / 2;
        assert!(depth <= at.len(), "{name}: {line}");
        at.truncate(depth);
        at.push(word.trim_end_matches('/'));
        named.push(at.join("::"));
    }
    named
}

#[test]
fn every_module_is_on_the_map_once() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for name in CRATES {
        let named = mapped(&page, name);
        let once: BTreeSet<String> = named.iter().cloned().collect();
        assert_eq!(once.len(), named.len(), "{name}: a module is named twice");
        let there = modules(name)
            .into_keys()
            .filter(|module| !module.is_empty());
        let there: BTreeSet<String> = there.collect();
        let missing: Vec<_> = there.difference(&once).collect();
        let gone: Vec<_> = once.difference(&there).collect();
        assert!(
            missing.is_empty() && gone.is_empty(),
            "docs/ARCHITECTURE.md, {name}: not named {missing:?}, not there {gone:?}"
        );
    }
}
