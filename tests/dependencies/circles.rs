//! The modules of each crate depend on one another without a circle.
//!
//! What a module depends on is read from its text: paths from `crate::`, `super::`, `self::` or a
//! child module, in `use` lines and elsewhere, in macros too, and tests apart. What this cannot see:
//! - what goes through the crate's root, as `crate::Result` does (the root is left out);
//! - a type or a trait that is used without being named, as what a method returns;
//! - a macro by its name alone, as `crate::settings_table!` (the paths within it count where it is
//!   declared);
//! - a module inside a file: its paths are read as if they stood outside of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::{CRATES, Graph, Modules, graph, modules};

/// The dependencies that lie on a circle: what depends on what, and is reached from there again.
fn circles(graph: &Graph) -> Graph {
    let reaches = |from: &str, wanted: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            if seen.insert(module) {
                open.extend(graph.get(module).into_iter().flatten().map(String::as_str));
            }
        }
        seen.contains(wanted)
    };
    let mut circles = Graph::new();
    for (module, targets) in graph {
        let back = targets.iter().filter(|target| reaches(target, module));
        let back: BTreeSet<String> = back.cloned().collect();
        if !back.is_empty() {
            circles.insert(module.clone(), back);
        }
    }
    circles
}

#[test]
fn modules_depend_on_one_another_without_a_circle() {
    let found = CRATES.map(|name| (name, circles(&graph(&modules(name)))));
    let found: Vec<_> = found
        .iter()
        .filter(|(_, circles)| !circles.is_empty())
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// The circles of made-up modules.
fn found(sources: &[(&str, &str)]) -> Vec<String> {
    let modules: Modules = sources
        .iter()
        .map(|(n, s)| (n.to_string(), s.to_string()))
        .collect();
    circles(&graph(&modules)).into_keys().collect()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let lib = ("", "pub mod a; pub mod b; pub mod c;");
    let c = ("c", "use crate::a::A; use crate::b::B;");
    for (a, b) in [
        ("use crate::b::B;", "use crate::a::A;"),
        (
            "use crate::{b::{self, B}, other};",
            "use super::a::A as Other;",
        ),
        ("fn f() -> crate::b::B { g() }", "fn f() { super::a::f() }"),
        (
            "use super::b::*;",
            "macro_rules! m { () => { $crate::a::A }; }",
        ),
    ] {
        assert_eq!(found(&[lib, ("a", a), ("b", b), c]), ["a", "b"], "{a} {b}");
    }
    // A list of what the children have, used by a child.
    let list = ("a", "mod one; mod two; pub use one::One; pub use two::Two;");
    for one in ["use super::Two;", "use super::*;"] {
        assert_eq!(
            found(&[lib, list, ("a::one", one), ("a::two", "")]),
            ["a", "a::one"]
        );
    }
    let one = ("a::one", "use super::two::Two;");
    assert!(found(&[lib, list, one, ("a::two", "")]).is_empty());
}

#[test]
fn comments_texts_and_tests_are_no_dependencies() {
    let lib = (
        "",
        "pub mod a; pub mod b; pub use a::A; fn main() { b::run() }",
    );
    let a = ("a", "use crate::b::B; fn f(b: B) -> B { let a = b; a }");
    for b in [
        "/// [`crate::a::A`]\nfn f() -> &'static str { \"crate::a::A\" } // crate::a::A",
        "#[cfg(test)] mod tests { use crate::a::A; }",
        "#[cfg(test)] use crate::a::A;",
        "use crate::A;",
        "pub(super) struct B(pub(crate) u8);",
    ] {
        assert_eq!(found(&[lib, a, ("b", b)]), [""; 0], "{b}");
    }
    let graph = graph(&BTreeMap::from(
        [lib, a, ("b", "")].map(|(n, s)| (n.into(), s.into())),
    ));
    assert_eq!(graph["a"].iter().collect::<Vec<_>>(), ["b"]);
}
