//! What to say where the data of a task are not there.

use std::path::{Path, PathBuf};

use crate::catalog::Task;
use crate::distribution::{find, present};
use crate::error::{DataError, HowToGet};
use crate::layout::Layout;
use crate::request::SplitRequest;

/// What is missing and how to get it, or `None` where some distribution of the task is there.
pub fn missing(task: &Task, data_dir: &Path) -> Option<DataError> {
    present(task, data_dir).is_empty().then(|| {
        let folders = |dirs: &[String]| {
            let named = |dir: &String| {
                let dir = dir.replace("{kshot}", "k-shot").replace("{k}", "K");
                data_dir.join(dir.replace("{seed}", "SEED"))
            };
            dirs.iter().map(named).collect()
        };
        absent(task, data_dir, |layout| folders(&layout.dirs))
    })
}

/// Like [`missing`], for one K and seed: a folder of other splits does not serve.
pub fn missing_for(task: &Task, request: &SplitRequest) -> Option<DataError> {
    absent_own_file(task, request.data_dir).or_else(|| {
        let found = find(task, request);
        found.is_none().then(|| absent_for(task, request))
    })
}

/// That no distribution serves a request.
pub(crate) fn absent_for(task: &Task, request: &SplitRequest) -> DataError {
    let r = request;
    absent(task, r.data_dir, |layout| {
        layout.folders(r.data_dir, r.k, r.seed, r.dev_factor)
    })
}

fn absent(task: &Task, data_dir: &Path, folders: impl Fn(&Layout) -> Vec<PathBuf>) -> DataError {
    let files = |layout: &Layout| {
        let dirs = folders(layout).into_iter();
        dirs.map(|dir| dir.join(&layout.train)).collect::<Vec<_>>()
    };
    let get = if !task.get.is_empty() {
        HowToGet::Told(task.get.clone())
    } else if !task.sources.is_empty() {
        HowToGet::Fetch
    } else if !task.home.is_empty() {
        HowToGet::Home(task.home.clone())
    } else {
        HowToGet::ByHand
    };
    DataError::Absent {
        task: task.name.clone(),
        data_dir: data_dir.to_owned(),
        get,
        looked: task.layouts.iter().flat_map(files).collect(),
    }
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
