//! Which distributions of a task are in a data folder, and what to do where none is.

use std::path::{Path, PathBuf};

use crate::catalog::Task;
use crate::error::{DataError, Result};
use crate::layout::Layout;
use crate::load::SplitRequest;
use crate::pool::Pool;
use crate::rows::read_all;

/// A layout found in a folder.
#[derive(Debug, Clone)]
pub struct Place<'t> {
    /// The layout.
    pub layout: &'t Layout,
    /// Its folder.
    pub dir: PathBuf,
}

impl Place<'_> {
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
pub(crate) fn find<'t>(task: &'t Task, request: &SplitRequest) -> Option<Place<'t>> {
    find_where(task, request, |_| true)
}

/// The first full distribution that can serve a request.
pub(crate) fn find_full<'t>(task: &'t Task, request: &SplitRequest) -> Option<Place<'t>> {
    find_where(task, request, |layout| !layout.drawn())
}

fn find_where<'t>(
    task: &'t Task,
    request: &SplitRequest,
    wanted: impl Fn(&Layout) -> bool,
) -> Option<Place<'t>> {
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
            .map(move |dir| Place { layout, dir })
    };
    task.layouts
        .iter()
        .filter(named)
        .filter(|l| wanted(l))
        .flat_map(folders)
        .find(is_there)
}

fn is_there(place: &Place) -> bool {
    place.file(&place.layout.train).exists()
}

/// Every place in `data_dir` that holds a distribution of the task: for splits already drawn, one
/// for each K and seed, sorted by name.
pub fn present<'t>(task: &'t Task, data_dir: &Path) -> Vec<Place<'t>> {
    let mut places = Vec::new();
    for layout in &task.layouts {
        for dir in &layout.dirs {
            if !dir.contains("{seed}") {
                places.push(Place {
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
                places.extend(
                    splits_in(&above)
                        .into_iter()
                        .map(|dir| Place { layout, dir }),
                );
                if !dir.contains("{kshot}") {
                    break;
                }
            }
        }
    }
    places.retain(is_there);
    places
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

/// What is missing and how to get it, or `None` where some distribution of the task is there.
pub fn missing(task: &Task, data_dir: &Path) -> Option<String> {
    present(task, data_dir)
        .is_empty()
        .then(|| missing_message(task, data_dir, None))
}

/// The first of one's own files that is named and not there.
pub(crate) fn absent_own_file(task: &Task, data_dir: &Path) -> Option<DataError> {
    let layout = task.layouts.iter().find(|layout| layout.own)?;
    let train = match layout.part {
        Some(_) => "file",
        None => "train",
    };
    let named = [
        (train, Some(&layout.train)),
        ("dev", layout.dev.as_ref()),
        ("test", layout.test.as_ref()),
    ];
    let absent = |(key, file): (&str, Option<&String>)| {
        let path = data_dir.join(file?);
        let message = format!("no data of task {}: there is no such file", task.name);
        let remedy = format!("correct `{key}` in the task's entry");
        (!path.exists()).then(|| DataError::file(&path, message, remedy))
    };
    named.into_iter().find_map(absent)
}

/// Like [`missing`], for one K and seed: a folder of other splits does not serve.
pub fn missing_for(task: &Task, request: &SplitRequest) -> Option<String> {
    if let Some(absent) = absent_own_file(task, request.data_dir) {
        return Some(absent.to_string());
    }
    find(task, request)
        .is_none()
        .then(|| missing_message(task, request.data_dir, Some(request)))
}

pub(crate) fn missing_message(
    task: &Task,
    data_dir: &Path,
    request: Option<&SplitRequest>,
) -> String {
    let mut looked: Vec<String> = Vec::new();
    for layout in &task.layouts {
        let dirs = match request {
            Some(r) => layout.folders(data_dir, r.k, r.seed, r.dev_factor),
            None => {
                let named = |dir: &String| {
                    let dir = dir.replace("{kshot}", "k-shot").replace("{k}", "K");
                    data_dir.join(dir.replace("{seed}", "SEED"))
                };
                layout.dirs.iter().map(named).collect()
            }
        };
        let first = dirs
            .iter()
            .map(|dir| dir.join(&layout.train).display().to_string());
        looked.extend(first);
    }
    let get = if !task.get.is_empty() {
        task.get.clone()
    } else if !task.sources.is_empty() {
        format!("get it with `dart-exp data fetch {}`", task.name)
    } else if !task.home.is_empty() {
        format!("get it from {}", task.home)
    } else {
        "put one of these files there".to_owned()
    };
    format!(
        "no data of task {} in {}; {get}, or name another folder with --data-dir; looked for {}",
        task.name,
        data_dir.display(),
        looked.join(", ")
    )
}

/// The texts of every test set of the task that is in the folder, each once for each file.
///
/// # Errors
/// A file that cannot be read.
pub fn test_texts(task: &Task, data_dir: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for place in present(task, data_dir) {
        let layout = place.layout;
        let examples = match &layout.test {
            Some(test) if place.file(test).exists() => read_all(task, layout, &place.file(test))?.0,
            None if layout.part.is_some() => {
                let file = place.file(&layout.train);
                let pool = Pool::scan(task, layout, &file)?;
                pool.examples(task, layout, &file, &pool.test)?
            }
            _ => continue,
        };
        for example in examples {
            texts.push(example.text_a);
            texts.extend(example.text_b);
        }
    }
    Ok(texts)
}
