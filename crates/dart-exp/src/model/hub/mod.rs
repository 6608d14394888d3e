//! Language models from the Hugging Face hub, kept in the cache that Hugging Face's own programs
//! use.
//!
//! The usual variables hold: `HF_HOME` and `HF_HUB_CACHE` place the cache, `HF_TOKEN` (or the file
//! `token` in `HF_HOME`) opens private and gated models, `HF_ENDPOINT` names another server,
//! `HF_HUB_OFFLINE` forbids the network; proxies are taken from the environment. What is in the
//! cache is used as it is: a model changes under nobody's sweep.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use dart_core::lm::weights::{INDEX, SINGLE, is_complete};
use dart_core::sentence::{MODULES, is_part};
use dart_core::tokenizer::{SETTINGS, VOCABULARIES};
use dart_data::download::{CHECK_NETWORK, request};
use hf_hub::{Cache, Repo, RepoType};

mod listing;
mod transfer;

use listing::{Listed, Listing};
use transfer::get;

/// A model of the hub: `NAME` or `OWNER/NAME`, with `@REVISION` behind it where that is not `main`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubModel {
    repo: String,
    revision: String,
}

/// Where models come from, unless `HF_ENDPOINT` names another server.
const ENDPOINT: &str = "https://huggingface.co";

impl HubModel {
    /// A name as the hub has them; `None` where it cannot be one.
    pub fn parse(name: &str) -> Option<Self> {
        let (repo, revision) = name.split_once('@').unwrap_or((name, "main"));
        let part = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && part.chars().all(known)
                && !part.contains("..")
        };
        let revised = !revision.is_empty() && revision.split('/').all(part);
        let named = repo.split('/').count() <= 2 && repo.split('/').all(part);
        (named && revised).then(|| HubModel {
            repo: repo.to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// Its folder in the cache, if all that is read of a model is there.
    pub fn cached(&self) -> Option<PathBuf> {
        let cache = cache()?.repo(self.at(&self.revision));
        let folder = match cache.get("config.json") {
            Some(config) => config.parent()?.to_owned(),
            None => cache.pointer_path(&self.revision), // a commit stands for itself
        };
        let has = |name: &str| folder.join(name).is_file();
        let small = has("config.json") && VOCABULARIES.iter().any(|name| has(name));
        (small && is_complete(&folder)).then_some(folder)
    }

    /// Fetches what is read of a model into the cache; its folder there. `note` hears of it.
    ///
    /// # Errors
    /// No such model or revision, one without safetensors weights, no access, no network, or a file
    /// that does not arrive whole. What has arrived is kept for the next call.
    pub fn fetch(&self, note: &dyn Fn(&str)) -> Result<PathBuf> {
        if is_offline() {
            bail!("HF_HUB_OFFLINE forbids to fetch it from the hub");
        }
        let cache = cache().context("no home folder; set HF_HOME to the folder of the cache")?;
        let (endpoint, token) = (endpoint(), token());
        let listing = self.listing(&endpoint, token.as_deref())?;
        // Every file of one commit, whatever is pushed meanwhile.
        let cached = cache.repo(self.at(&listing.sha));
        let folder = cached.pointer_path(&listing.sha);
        let commit = listing.sha.get(..8).unwrap_or(&listing.sha);
        note(&format!("fetching {self} (commit {commit}) from the hub"));
        for file in self.wanted(&listing)? {
            let name = &file.rfilename;
            let url = format!("{endpoint}/{}/resolve/{}/{name}", self.repo, listing.sha);
            get(file, &url, token.as_deref(), &cached, &folder).with_context(|| name.clone())?;
        }
        cache
            .repo(self.at(&self.revision))
            .create_ref(&listing.sha)
            .with_context(|| cache.path().display().to_string())?;
        Ok(folder)
    }

    fn at(&self, revision: &str) -> Repo {
        Repo::with_revision(self.repo.clone(), RepoType::Model, revision.to_owned())
    }

    fn listing(&self, endpoint: &str, token: Option<&str>) -> Result<Listing> {
        let at = self.at(&self.revision).api_url();
        let response = request(&format!("{endpoint}/api/{at}?blobs=true"), token).call();
        let mut response = response
            .map_err(|error| anyhow!("the hub cannot be reached ({error}); {CHECK_NETWORK}"))?;
        match response.status().as_u16() {
            200 => {}
            404 => bail!("the hub has no {self}"),
            401 | 403 => bail!(
                "the hub shows {self} to nobody without access; check the name, and for a private \
                 or gated model set HF_TOKEN to a token that may read it"
            ),
            code => bail!("the hub says {code} to {self}; try again later"),
        }
        response
            .body_mut()
            .read_json()
            .map_err(|error| anyhow!("the hub's answer is not understood: {error}"))
    }

    /// The files to fetch, weights last: what has its weights is complete.
    fn wanted<'l>(&self, listing: &'l Listing) -> Result<Vec<&'l Listed>> {
        let find = |name: &str| listing.siblings.iter().find(|file| file.rfilename == name);
        let mut wanted = vec![
            find("config.json")
                .with_context(|| format!("{self} has no config.json; it is no language model"))?,
        ];
        let small = VOCABULARIES.iter().chain(&SETTINGS);
        wanted.extend(small.filter_map(|name| find(name)));
        let parts = listing.siblings.iter().filter(|f| is_part(&f.rfilename));
        wanted.extend(parts.filter(|_| find(MODULES).is_some()));
        if let Some(weights) = find(SINGLE) {
            wanted.push(weights);
        } else if let Some(index) = find(INDEX) {
            let shard = |file: &&Listed| {
                let name = &file.rfilename;
                name.starts_with("model-") && name.ends_with(".safetensors")
            };
            wanted.extend(listing.siblings.iter().filter(shard));
            wanted.push(index);
        } else {
            let pickle = match find("pytorch_model.bin") {
                Some(_) => ", only pytorch_model.bin, a pickle that could run code when read",
                None => "",
            };
            bail!(
                "{self} has no {SINGLE}{pickle}; save the model once with transformers \
                 (save_pretrained writes safetensors) and give that folder with --model DIR, or \
                 name a revision that has it (NAME@refs/pr/N)"
            );
        }
        Ok(wanted)
    }
}

impl std::fmt::Display for HubModel {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self.revision.as_str() {
            "main" => f.write_str(&self.repo),
            revision => write!(f, "{}@{revision}", self.repo),
        }
    }
}

fn endpoint() -> String {
    let named = variable("HF_ENDPOINT");
    let endpoint = named.as_deref().unwrap_or(ENDPOINT);
    endpoint.trim_end_matches('/').to_owned()
}

/// The cache; `None` where neither a variable nor a home folder places it.
fn cache() -> Option<Cache> {
    let folder = match variable("HF_HUB_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => home()?.join("hub"),
    };
    std::path::absolute(folder).ok().map(Cache::new)
}

/// The folder of everything that Hugging Face's programs keep.
fn home() -> Option<PathBuf> {
    if let Some(folder) = variable("HF_HOME") {
        return Some(folder.into());
    }
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    Some(cache.join("huggingface"))
}

fn token() -> Option<String> {
    let file = || {
        let path = match variable("HF_TOKEN_PATH") {
            Some(path) => PathBuf::from(path),
            None => home()?.join("token"),
        };
        std::fs::read_to_string(path).ok()
    };
    let token = variable("HF_TOKEN").or_else(file)?.trim().to_owned();
    (!token.is_empty()).then_some(token)
}

fn is_offline() -> bool {
    let value = variable("HF_HUB_OFFLINE").map(|value| value.to_ascii_lowercase());
    value.is_some_and(|value| ["1", "on", "yes", "true"].contains(&value.as_str()))
}

/// An environment variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_hub() {
        let shown = |name: &str| HubModel::parse(name).map(|model| model.to_string());
        for name in [
            "gpt2",
            "owner/bert-base.v1_2",
            "owner/name@refs/pr/3",
            "a@v1.0",
        ] {
            assert_eq!(shown(name).as_deref(), Some(name));
        }
        assert_eq!(shown("owner/name@main").as_deref(), Some("owner/name"));
        for name in [
            "",
            "a/b/c",
            "../a",
            "./a",
            "/a",
            "a b",
            "a@",
            "a@../b",
            "a/",
            "owner/..x",
        ] {
            assert_eq!(shown(name), None, "{name:?}");
        }
    }
}
