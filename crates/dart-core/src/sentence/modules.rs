//! The files of a sentence encoder beside its transformer: `modules.json` and what it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::dense::DenseConfig;
use super::pooling::Pooling;
use crate::error::{CoreError, Result};
use crate::lm::LmConfig;

/// The file that names what follows the transformer.
pub const MODULES: &str = "modules.json";
const PROMPTS: &str = "config_sentence_transformers.json";

/// The transformer's settings, by all the names that they have had.
const TRANSFORMER: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// What stands behind the pooling.
#[derive(Clone, Debug)]
pub(super) enum Behind {
    /// To length 1.
    Normalize,
    Dense(DenseConfig),
}

/// An entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    class: String,
}

/// `config_sentence_transformers.json`, as far as it changes an embedding.
#[derive(Default, Deserialize)]
struct Prompts {
    #[serde(default)]
    prompts: BTreeMap<String, Option<String>>,
    default_prompt_name: Option<String>,
    model_type: Option<String>,
}

/// Whether a file of this name, relative to the folder, may say something of a sentence encoder's
/// layout.
pub fn is_part(name: &str) -> bool {
    match name.split_once('/') {
        None => name == MODULES || name == PROMPTS || TRANSFORMER.contains(&name),
        Some((folder, file)) => {
            // As sentence-transformers names them: `1_Pooling`.
            let numbered = folder
                .split_once('_')
                .is_some_and(|(number, class)| number.parse::<u32>().is_ok() && !class.is_empty());
            numbered && ["config.json", "model.safetensors"].contains(&file)
        }
    }
}

/// Reads a folder's files and remembers them.
pub(super) struct Reader<'d> {
    dir: &'d Path,
    /// Those that were there.
    pub files: Vec<PathBuf>,
}

impl<'d> Reader<'d> {
    pub fn new(dir: &'d Path) -> Self {
        Reader {
            dir,
            files: Vec::new(),
        }
    }

    /// The text of a file; `None` where it is not there.
    fn text(&mut self, name: &str) -> Result<Option<String>> {
        let path = self.dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                self.files.push(path);
                Ok(Some(text))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(CoreError::io(path, e)),
        }
    }

    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let text = self.text(name)?;
        let parse = |text: String| {
            serde_json::from_str(&text)
                .map_err(|e| CoreError::model(self.dir.join(name), e.to_string()))
        };
        text.map(parse).transpose()
    }

    /// The text of a module's `config.json`.
    fn config(&mut self, module: &Module) -> Result<String> {
        let name = format!("{}/config.json", module.path);
        self.text(&name)?.ok_or_else(|| {
            CoreError::model(
                self.dir,
                format!("there is no {name}, which {MODULES} asks for"),
            )
        })
    }

    /// What follows the transformer; `None` where no file says it.
    pub fn modules(&mut self) -> Result<Option<(Pooling, Vec<Behind>)>> {
        let Some(modules) = self.json::<Vec<Module>>(MODULES)? else {
            return Ok(None);
        };
        let dir = self.dir;
        let fail = |why: String| CoreError::model(dir.join(MODULES), why);
        let own = |module: &Module| {
            let package = module.class.split('.').next();
            let class = module.class.rsplit('.').next().unwrap_or_default();
            match (package, class) {
                (Some("sentence_transformers"), class) => class.to_owned(),
                _ => module.class.clone(),
            }
        };
        let classes: Vec<String> = modules.iter().map(own).collect();
        let known = ["Transformer", "Pooling", "Dense", "Normalize"];
        if let Some(class) = classes
            .iter()
            .find(|class| !known.contains(&class.as_str()))
        {
            let known = known.join(", ");
            return Err(fail(format!(
                "the module `{class}` is not supported; supported: {known}"
            )));
        }
        let (transformer, pooling) = match (classes.as_slice(), modules.as_slice()) {
            ([first, second, ..], [transformer, pooling, ..])
                if first == known[0] && second == known[1] =>
            {
                (transformer, pooling)
            }
            _ => {
                let found = classes.join(", ");
                let why = format!("its modules are {found}; wanted: Transformer, Pooling, …");
                return Err(fail(why));
            }
        };
        if !transformer.path.is_empty() {
            let why = format!(
                "the transformer stands in `{}`; save the encoder once with sentence-transformers 2 \
                 or later, which puts it beside {MODULES}",
                transformer.path
            );
            return Err(fail(why));
        }
        if let Some(outside) = modules
            .iter()
            .find(|m| Path::new(&m.path).components().count() > 1)
        {
            return Err(fail(format!(
                "`{}` is not the name of a folder",
                outside.path
            )));
        }
        let hidden = LmConfig::read(dir)?.hidden;
        let wrong = |module: &Module| dir.join(&module.path).join("config.json");
        let text = self.config(pooling)?;
        let config: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|e| CoreError::model(wrong(pooling), e.to_string()))?;
        let pooled =
            Pooling::parse(&config, hidden).map_err(|why| CoreError::model(wrong(pooling), why))?;
        let mut size = hidden * pooled.count();
        let mut behind = Vec::new();
        for (module, class) in modules.iter().zip(&classes).skip(2) {
            behind.push(match class.as_str() {
                "Normalize" => Behind::Normalize,
                "Dense" => {
                    let folder = dir.join(&module.path);
                    let dense = DenseConfig::parse(&self.config(module)?, &folder, size)
                        .map_err(|why| CoreError::model(wrong(module), why))?;
                    size = dense.output();
                    self.files.push(folder.join("model.safetensors"));
                    Behind::Dense(dense)
                }
                other => return Err(fail(format!("there is a second `{other}`"))),
            });
        }
        Ok(Some((pooled, behind)))
    }

    /// The longest text in tokens, and whether texts are lower-cased.
    pub fn transformer(&mut self) -> Result<(Option<usize>, bool)> {
        let (mut longest, mut lower_case) = (None, false);
        for name in TRANSFORMER {
            let Some(config) = self.json::<Map<String, Value>>(name)? else {
                continue;
            };
            for (key, value) in config {
                match (key.as_str(), &value) {
                    (_, Value::Null) => {}
                    ("max_seq_length", Value::Number(n)) => longest = n.as_u64(),
                    ("do_lower_case", Value::Bool(yes)) => lower_case = *yes,
                    // How weights are read and computed with, not what comes out.
                    ("model_args" | "model_kwargs" | "unpad_inputs", _) => {}
                    (_, Value::Object(empty)) if empty.is_empty() => {}
                    ("transformer_task", task) if task == "feature-extraction" => {}
                    ("module_output_name", name) if name == "token_embeddings" => {}
                    ("modality_config", modalities) if of_texts(modalities) => {}
                    _ => {
                        let why = format!("`{key}`: {value} is not supported");
                        return Err(CoreError::model(self.dir.join(name), why));
                    }
                }
            }
            break;
        }
        // Newer versions keep it with the tokenizer, where others write a number beyond all lengths.
        let tokenizer: Map<String, Value> = self.json("tokenizer_config.json")?.unwrap_or_default();
        let of_tokenizer = tokenizer.get("model_max_length").and_then(Value::as_u64);
        Ok((longest.or(of_tokenizer).map(|n| n as usize), lower_case))
    }

    /// What stands before every text.
    pub fn prompt(&mut self, wanted: Option<&str>) -> Result<String> {
        let found: Prompts = self.json(PROMPTS)?.unwrap_or_default();
        let fail = |why: String| CoreError::model(self.dir.join(PROMPTS), why);
        if let Some(kind) = found
            .model_type
            .filter(|kind| kind != "SentenceTransformer")
        {
            return Err(fail(format!("a {kind} is no encoder of sentences")));
        }
        let Some(name) = wanted.or(found.default_prompt_name.as_deref()) else {
            return Ok(String::new());
        };
        match found.prompts.get(name) {
            Some(prompt) => Ok(prompt.clone().unwrap_or_default()),
            None => Err(self.no_prompt(name, &found.prompts)),
        }
    }

    /// That there is no prompt of this name among the `known` ones.
    pub fn no_prompt(&self, name: &str, known: &BTreeMap<String, Option<String>>) -> CoreError {
        let known: Vec<&str> = known.keys().map(String::as_str).collect();
        let known = match known.as_slice() {
            [] => "it has none".to_owned(),
            names => format!("it has {}", names.join(", ")),
        };
        let message = format!("the sentence encoder has no prompt `{name}`; {known}");
        CoreError::model(self.dir, message)
    }
}

/// Whether texts go through the model as they are.
fn of_texts(modalities: &Value) -> bool {
    let text = &modalities["text"];
    modalities.get("message").is_none()
        && text["method"] == "forward"
        && text["method_output_name"] == "last_hidden_state"
}
