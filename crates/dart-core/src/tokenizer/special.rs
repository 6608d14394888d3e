//! Special tokens and added tokens, as `tokenizer_config.json`, `special_tokens_map.json` and
//! `added_tokens.json` name them; the rules are those of transformers' `from_pretrained`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokenizers::{AddedToken, Tokenizer as Inner};

use super::class::Class;
use crate::error::{CoreError, Result};

/// What a special token can be for, in the order in which transformers adds them.
const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// A token as a file gives it.
#[derive(Clone)]
enum Given {
    /// By its text alone.
    Plain(String),
    /// With how it is recognised in a text.
    Full(AddedToken),
}

/// The tokens that a folder's files add to its vocabulary or single out in it.
pub(super) struct Tokens {
    /// In the order of their ids.
    added: Vec<AddedToken>,
    roles: BTreeMap<&'static str, Given>,
    additional: Vec<Given>,
}

/// A token with its flags, as the files write it.
#[derive(Deserialize)]
struct Described {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
}

impl Tokens {
    /// Reads what the folder's files say; `config` is its `tokenizer_config.json`.
    ///
    /// # Errors
    /// A file that is not what transformers writes.
    pub fn read(dir: &Path, config: &Map<String, Value>) -> Result<Self> {
        let path = dir.join("tokenizer_config.json");
        let mut tokens = Tokens {
            added: Vec::new(),
            roles: BTreeMap::new(),
            additional: Vec::new(),
        };
        tokens.take_roles(&path, config, false)?;
        match config.get("added_tokens_decoder") {
            Some(decoder) => {
                let decoder: BTreeMap<u32, Described> = serde_json::from_value(decoder.clone())
                    .map_err(|e| CoreError::model(&path, format!("added_tokens_decoder: {e}")))?;
                let described = decoder.into_values();
                tokens.added = described.map(|d| d.token(false)).collect();
            }
            None => {
                let path = dir.join("special_tokens_map.json");
                if let Some(map) = read_object(&path)? {
                    tokens.take_roles(&path, &map, true)?;
                }
                tokens.take_added(&dir.join("added_tokens.json"))?;
            }
        }
        Ok(tokens)
    }

    fn take_roles(&mut self, path: &Path, from: &Map<String, Value>, special: bool) -> Result<()> {
        let fail = |key: &str| {
            let message = format!("`{key}` is neither a token nor a description of one");
            CoreError::model(path, message)
        };
        for role in ROLES {
            match from.get(role) {
                None | Some(Value::Null) => {}
                Some(value) => {
                    let token = Given::parse(value, special).ok_or_else(|| fail(role))?;
                    self.roles.insert(role, token);
                }
            }
        }
        let key = "additional_special_tokens";
        if let Some(Value::Array(values)) = from.get(key) {
            let tokens = values.iter().map(|v| Given::parse(v, special));
            let tokens: Option<Vec<Given>> = tokens.collect();
            self.additional = tokens.ok_or_else(|| fail(key))?;
        }
        Ok(())
    }

    /// `added_tokens.json`: token to id.
    fn take_added(&mut self, path: &Path) -> Result<()> {
        let Some(map) = read_object(path)? else {
            return Ok(());
        };
        let mut tokens: Vec<(u64, String)> = Vec::with_capacity(map.len());
        for (token, id) in map {
            let id = id.as_u64().ok_or_else(|| {
                CoreError::model(path, format!("the id of `{token}` is not a number"))
            })?;
            tokens.push((id, token));
        }
        tokens.sort();
        let named = self.roles.values().chain(&self.additional);
        let special: Vec<String> = named.map(|given| given.content().to_owned()).collect();
        let added = tokens
            .into_iter()
            .map(|(_, token)| AddedToken::from(token.clone(), special.contains(&token)));
        self.added = added.collect();
        Ok(())
    }

    /// Adds the tokens to `inner` and says which stands for which role. `complete`: whether `inner`
    /// was read from a tokenizer.json.
    ///
    /// # Errors
    /// The vocabulary lacks a token that its class has.
    pub fn apply(
        mut self,
        inner: &mut Inner,
        class: Class,
        complete: bool,
    ) -> std::result::Result<BTreeMap<&'static str, String>, String> {
        let add = |inner: &mut Inner, token: AddedToken| {
            let added = match token.special {
                true => inner.add_special_tokens([token]),
                false => inner.add_tokens([token]),
            };
            added.map(|_| ()).map_err(|e| e.to_string())
        };
        // A token that is named by its text alone is recognised as where it was added.
        let mut described = std::mem::take(&mut self.added);
        if described.is_empty() && complete {
            described = inner.get_added_tokens_decoder().into_values().collect();
        } else {
            for token in &described {
                add(inner, token.clone())?;
            }
        }
        let by_text = described.into_iter().map(|t| (t.content.clone(), t));
        let known: BTreeMap<String, AddedToken> = by_text.collect();
        for given in self.roles.values_mut() {
            if let Some(token) = known.get(given.content()) {
                *given = Given::Full(token.clone());
            }
        }
        for role in ROLES {
            let Some(token) = class
                .default_token(role)
                .filter(|_| !self.roles.contains_key(role))
            else {
                continue;
            };
            let own_mask = class == Class::DebertaV2 && role == "mask_token";
            if inner.token_to_id(token).is_none() && !own_mask {
                let remedy = match complete {
                    true => "name the model's own in tokenizer_config.json",
                    false => {
                        "if it is another model's vocabulary, let transformers write a \
                         tokenizer.json (AutoTokenizer.from_pretrained(…).save_pretrained(…))"
                    }
                };
                return Err(format!("no `{token}` in it; {remedy}"));
            }
            self.roles.insert(role, Given::Plain(token.to_owned()));
        }
        if let Some(mask) = self.roles.get_mut("mask_token")
            && class.mask_takes_space()
            && matches!(mask, Given::Plain(_))
        {
            // XLM-R's fast class lets its mask be normalised, the slow one does not.
            let normalized = class == Class::XlmRoberta && complete;
            let token = AddedToken::from(mask.content(), true).lstrip(true);
            *mask = Given::Full(token.normalized(normalized));
        }
        if let Some(unknown) = self.roles.get_mut("unk_token")
            && (class, complete) == (Class::DebertaV2, false)
            && matches!(unknown, Given::Plain(_))
        {
            let token = AddedToken::from(unknown.content(), true).normalized(true);
            *unknown = Given::Full(token);
        }
        let there: Vec<String> = inner
            .get_added_tokens_decoder()
            .into_values()
            .map(|token| token.content)
            .collect();
        let in_order = ROLES.iter().filter_map(|role| self.roles.get(role));
        for given in in_order.chain(&self.additional) {
            match given {
                Given::Full(token) => add(inner, token.clone().special(true))?,
                Given::Plain(text) if there.contains(text) => {}
                Given::Plain(text) => add(inner, AddedToken::from(text.clone(), true))?,
            }
        }
        let roles = self.roles.into_iter();
        Ok(roles
            .map(|(role, given)| (role, given.content().to_owned()))
            .collect())
    }
}

impl Given {
    fn parse(value: &Value, special: bool) -> Option<Self> {
        match value {
            Value::String(text) => Some(Given::Plain(text.clone())),
            Value::Object(_) => {
                let described: Described = serde_json::from_value(value.clone()).ok()?;
                Some(Given::Full(described.token(special)))
            }
            _ => None,
        }
    }

    fn content(&self) -> &str {
        match self {
            Given::Plain(text) => text,
            Given::Full(token) => &token.content,
        }
    }
}

impl Described {
    fn token(self, special: bool) -> AddedToken {
        let special = special || self.special;
        AddedToken::from(self.content, special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized.unwrap_or(!special))
    }
}

/// A JSON object, or nothing where there is no such file.
pub(super) fn read_object(path: &Path) -> Result<Option<Map<String, Value>>> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| CoreError::model(path, e.to_string())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(CoreError::io(path, e)),
    }
}
