//! The modules of a crate, and which of them name which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates of the workspace, in the order of the data.
pub const CRATES: [&str; 3] = ["dart-data", "dart-core", "dart-exp"];

/// The source of each module by its path, as `lm::head`; the crate's root has the empty path.
pub type Modules = BTreeMap<String, String>;

/// Which modules each module names.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All modules of a crate of the workspace.
pub fn modules(name: &str) -> Modules {
    let src = root().join("crates").join(name).join("src");
    let mut modules = Modules::new();
    read(&src, &[], &mut modules);
    assert!(
        modules.contains_key(""),
        "{}: no lib.rs or main.rs",
        src.display()
    );
    modules
}

fn read(dir: &Path, at: &[String], modules: &mut Modules) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inner = at.to_vec();
        if !["mod", "lib", "main"].contains(&stem.as_str()) {
            inner.push(stem);
        }
        if path.is_dir() {
            read(&path, &inner, modules);
        } else if path.extension().is_some_and(|e| e == "rs") {
            modules.insert(inner.join("::"), fs::read_to_string(&path).unwrap());
        }
    }
}

/// Which modules the code of each module names, but for itself and the root.
pub fn graph(modules: &Modules) -> Graph {
    let named = |(module, source): (&String, &String)| {
        let code: TokenStream = source.parse().unwrap();
        let mut paths = Vec::new();
        find_paths(code, &mut paths);
        let targets = paths
            .iter()
            .filter_map(|path| resolve(path, module, modules));
        let targets = targets.filter(|target| target != module && !target.is_empty());
        (module.clone(), targets.collect())
    };
    modules.iter().map(named).collect()
}

/// All paths in some code, tests apart; of `use a::{b, c::d}` each.
fn find_paths(code: TokenStream, paths: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let [token, after @ ..] = rest {
        rest = match token {
            TokenTree::Ident(_) => path(rest, &[], paths),
            TokenTree::Group(group) if is_test(group.stream()) => {
                // The item: up to its body or its semicolon.
                let ends = |t: &TokenTree| match t {
                    TokenTree::Group(body) => body.delimiter() == Delimiter::Brace,
                    other => other.to_string() == ";",
                };
                let end = after
                    .iter()
                    .position(ends)
                    .map_or(after.len(), |end| end + 1);
                &after[end..]
            }
            TokenTree::Group(group) => {
                find_paths(group.stream(), paths);
                after
            }
            _ => after,
        };
    }
}

/// Whether an attribute's brackets say that an item is there for tests alone.
fn is_test(attribute: TokenStream) -> bool {
    attribute.to_string().replace(' ', "") == "cfg(test)"
}

/// Reads the path that `tokens` start with, behind `prefix`, and gives what follows it.
fn path<'a>(
    tokens: &'a [TokenTree],
    prefix: &[String],
    paths: &mut Vec<Vec<String>>,
) -> &'a [TokenTree] {
    let mut found = prefix.to_vec();
    let mut rest = tokens;
    loop {
        match rest {
            [TokenTree::Ident(name), after @ ..] => {
                found.push(name.to_string());
                rest = after;
            }
            [TokenTree::Group(group), after @ ..] if group.delimiter() == Delimiter::Brace => {
                let parts: Vec<TokenTree> = group.stream().into_iter().collect();
                for part in parts.split(|token| token.to_string() == ",") {
                    path(part, &found, paths);
                }
                return after;
            }
            [TokenTree::Punct(all), after @ ..] if all.as_char() == '*' => {
                found.push("*".to_owned());
                rest = after;
            }
            _ => break,
        }
        match rest {
            [TokenTree::Punct(a), TokenTree::Punct(b), after @ ..]
                if a.as_char() == ':' && b.as_char() == ':' =>
            {
                rest = after;
            }
            _ => break,
        }
    }
    paths.push(found);
    rest
}

/// The module that a path names, or whose item it names, seen from `module`.
fn resolve(path: &[String], module: &str, modules: &Modules) -> Option<String> {
    // A word alone is a variable, or says who may see an item.
    if path.len() < 2 {
        return None;
    }
    let mut at: Vec<&str> = module.split("::").filter(|name| !name.is_empty()).collect();
    let mut path = path.iter().map(String::as_str).peekable();
    match path.peek().copied() {
        Some("crate") => {
            path.next();
            at.clear();
        }
        Some("self") => {
            path.next();
        }
        Some("super") => {
            while path.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        _ => {}
    }
    let from = at.len();
    at.extend(path);
    while at.len() > from && !modules.contains_key(&at.join("::")) {
        at.pop();
    }
    Some(at.join("::"))
}
