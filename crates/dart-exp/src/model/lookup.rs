//! Language models by name: a path, a folder below `models/`, or a model of the Hugging Face hub.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::model::hub::HubModel;
use crate::terminal::failure::one_line;
use crate::terminal::paths::{self, short};
use crate::terminal::progress::remark;

/// A language model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name in results.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Where it can be had, when it is nowhere here.
    hub: Option<HubModel>,
}

impl Model {
    /// The model that `name` means: a path where it looks like one, else `models/NAME`, else what
    /// the hub's cache has of this name. `base` is what a relative path stands under.
    pub fn find(name: &str, root: &Path, base: &Path) -> Self {
        let of_path = |folder: PathBuf| Model {
            name: name_of(&folder),
            folder,
            hub: None,
        };
        let path = base.join(name);
        if name.starts_with(['.', '/']) || name.contains('/') && path.is_dir() {
            return of_path(path);
        }
        let own = root.join("models").join(name);
        let hub = match own.is_dir() {
            true => None,
            false => HubModel::parse(name),
        };
        let Some(hub) = hub else {
            return of_path(own);
        };
        let cached = hub.cached();
        Model {
            name: last(name).to_owned(),
            hub: cached.is_none().then_some(hub),
            folder: cached.unwrap_or(own),
        }
    }

    /// The folder of the model that a command names, fetched where it is nowhere here.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn named(name: &str) -> Result<PathBuf> {
        let here = std::env::current_dir().context("the working folder")?;
        let mut model = Model::find(name, &paths::root()?, &here);
        model.fetch(&remark)?;
        Ok(model.folder)
    }

    /// What a method without a model runs on.
    pub fn none() -> Self {
        Model {
            name: "none".to_owned(),
            folder: PathBuf::new(),
            hub: None,
        }
    }

    /// Fetches it from the hub, where it is nowhere here; `note` hears of it.
    ///
    /// # Errors
    /// It cannot be had, with what else could be done.
    pub fn fetch(&mut self, note: &dyn Fn(&str)) -> Result<()> {
        if let Some(hub) = &self.hub {
            let or = self.by_hand();
            let name = &self.name;
            self.folder = hub
                .fetch(note)
                .map_err(|error| anyhow!("model {name}: {}; or {or}", one_line(&error)))?;
            self.hub = None;
        }
        Ok(())
    }

    /// That its folder is not there, and what can be done.
    pub fn absent(&self) -> String {
        let (name, folder, by_hand) = (&self.name, short(&self.folder), self.by_hand());
        match &self.hub {
            Some(hub) => format!(
                "model {name}: neither in {folder} nor in the cache of the Hugging Face hub; \
                 `dart-exp run` fetches {hub} from there, or {by_hand}"
            ),
            None => format!("model {name}: there is no folder {folder}; {by_hand}"),
        }
    }

    fn by_hand(&self) -> String {
        format!(
            "put its config.json, model.safetensors and tokenizer files in {}, or choose another \
             with --model NAME|DIR",
            short(&self.folder)
        )
    }
}

/// The name of a model's folder; in the hub's cache, `models--OWNER--NAME/snapshots/COMMIT`, that
/// of the model.
pub fn name_of(folder: &Path) -> String {
    let named = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
    let in_cache = || {
        let snapshots = folder.parent().filter(|p| p.ends_with("snapshots"))?;
        let model = named(snapshots.parent()?)?;
        let name = model.strip_prefix("models--")?;
        Some(name.rsplit("--").next()?.to_owned())
    };
    in_cache()
        .or_else(|| named(folder))
        .unwrap_or_else(|| folder.display().to_string())
}

/// `NAME@REVISION` of `OWNER/NAME@REVISION`.
fn last(name: &str) -> &str {
    let (repo, _) = name.split_once('@').unwrap_or((name, ""));
    &name[repo.rfind('/').map_or(0, |at| at + 1)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_by_name_or_path() {
        let (root, base) = (Path::new("/r"), Path::new("/b"));
        let found = |name| {
            let model = Model::find(name, root, base);
            (model.name, model.folder)
        };
        let is = |name: &str, folder: &str| (name.to_owned(), PathBuf::from(folder));
        assert_eq!(
            found("no-such-lm"),
            is("no-such-lm", "/r/models/no-such-lm")
        );
        assert_eq!(found("./mine"), is("mine", "/b/./mine"));
        assert_eq!(
            found("org/no-lm@v1/a"),
            is("no-lm@v1/a", "/r/models/org/no-lm@v1/a")
        );
        assert_eq!(
            name_of(Path::new("/c/models--org--a-b/snapshots/0123abcd")),
            "a-b"
        );
    }
}
