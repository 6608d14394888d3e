//! Which distributions of a task are in a data folder.

use std::path::{Path, PathBuf};

use crate::catalog::Task;
use crate::layout::Layout;
use crate::request::SplitRequest;

/// A distribution of a task that is in a folder.
#[derive(Debug, Clone)]
pub struct Distribution<'t> {
    /// The layout.
    pub layout: &'t Layout,
    /// Its folder.
    pub dir: PathBuf,
}

impl Distribution<'_> {
    /// A file of the layout. Of a name with alternatives, `train.{tsv,csv}`, the first that is
    /// there, or else the first.
    pub fn file(&self, name: &str) -> PathBuf {
        let literal = self.dir.join(name);
        if literal.exists() {
            return literal;
        }
        let mut names = alternatives(name)
            .into_iter()
            .map(|name| self.dir.join(name));
        let first = names.next().unwrap_or_default();
        if first.exists() {
            return first;
        }
        names.find(|path| path.exists()).unwrap_or(first)
    }
}

/// The names that `stem.{a,b}rest` stands for.
fn alternatives(name: &str) -> Vec<String> {
    match name
        .split_once('{')
        .map(|(before, rest)| (before, rest.split_once('}')))
    {
        Some((before, Some((inside, after)))) => inside
            .split(',')
            .map(|choice| format!("{before}{choice}{after}"))
            .collect(),
        _ => vec![name.to_owned()],
    }
}

/// The first layout that can serve a request.
pub(crate) fn find<'t>(task: &'t Task, request: &SplitRequest) -> Option<Distribution<'t>> {
    find_where(task, request, |_| true)
}

/// The first full distribution that can serve a request.
pub(crate) fn find_full<'t>(task: &'t Task, request: &SplitRequest) -> Option<Distribution<'t>> {
    find_where(task, request, |layout| !layout.drawn())
}

fn find_where<'t>(
    task: &'t Task,
    request: &SplitRequest,
    wanted: impl Fn(&Layout) -> bool,
) -> Option<Distribution<'t>> {
    let named = |layout: &&Layout| request.layout.is_none_or(|name| name == layout.name);
    let folders = |layout: &'t Layout| {
        layout
            .folders(
                request.data_dir,
                request.k,
                request.seed,
                request.dev_factor,
            )
            .into_iter()
            .map(move |dir| Distribution { layout, dir })
    };
    task.layouts
        .iter()
        .filter(named)
        .filter(|l| wanted(l))
        .flat_map(folders)
        .find(is_there)
}

fn is_there(found: &Distribution) -> bool {
    found.file(&found.layout.train).exists()
}

/// Every distribution of the task in `data_dir`: of splits already drawn, one for each K and seed,
/// sorted by name.
pub fn present<'t>(task: &'t Task, data_dir: &Path) -> Vec<Distribution<'t>> {
    let mut found = Vec::new();
    for layout in &task.layouts {
        for dir in &layout.dirs {
            if !dir.contains("{seed}") {
                found.push(Distribution {
                    layout,
                    dir: data_dir.join(dir),
                });
                continue;
            }
            for kshot in ["k-shot", "k-shot-10x"] {
                let Some((above, _)) = dir.rsplit_once('/') else {
                    continue;
                };
                let above = data_dir.join(above.replace("{kshot}", kshot));
                found.extend(
                    splits_in(&above)
                        .into_iter()
                        .map(|dir| Distribution { layout, dir }),
                );
                if !dir.contains("{kshot}") {
                    break;
                }
            }
        }
    }
    found.retain(is_there);
    found
}

/// The subfolders named `<K>-<seed>`, sorted.
fn splits_in(dir: &Path) -> Vec<PathBuf> {
    let is_split = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.split_once('-')
            .is_some_and(|(k, seed)| k.parse::<usize>().is_ok() && seed.parse::<u64>().is_ok())
    };
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut dirs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_split).collect();
    dirs.sort();
    dirs
}
