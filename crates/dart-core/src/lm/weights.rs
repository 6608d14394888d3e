//! Strict reading and atomic writing of safetensors weights in Hugging Face's layout.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::error::{CoreError, Result};
use crate::files::fill_atomically;

/// Tensors of a checkpoint, taken one by one; whatever is missing, misshaped or left over is
/// reported together by [`Weights::finish`].
pub struct Weights {
    path: PathBuf,
    tensors: BTreeMap<String, Stored>,
    problems: Vec<String>,
}

/// A tensor as its file has it.
enum Stored {
    Read(Tensor),
    /// Of a dtype that no weight of ours has: read past where nobody wants it, as older GPT-2s'
    /// causal masks.
    Refused(Dtype),
}

/// Where a model folder keeps its weights.
pub(crate) struct Files {
    /// `model.safetensors`, or the index of the shards.
    pub(crate) named: PathBuf,
    /// `model.safetensors`, or the shards.
    pub(crate) parts: Vec<PathBuf>,
}

/// The file of weights that stand in one.
pub const SINGLE: &str = "model.safetensors";
/// The file that names the shards of weights that stand in several.
pub const INDEX: &str = "model.safetensors.index.json";

impl Files {
    /// Finds them; shards are not looked for.
    ///
    /// # Errors
    /// There are none, or the index cannot be read.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let index = Weights::find(dir)?;
        if index.ends_with(SINGLE) {
            return Ok(Files {
                named: index.clone(),
                parts: vec![index],
            });
        }
        let text = std::fs::read_to_string(&index).map_err(|e| CoreError::io(&index, e))?;
        let parsed: Index = serde_json::from_str(&text)
            .map_err(|e| CoreError::model(&index, format!("not an index of shards: {e}")))?;
        let mut shards: Vec<&String> = parsed.weight_map.values().collect();
        shards.sort();
        shards.dedup();
        let mut parts = Vec::with_capacity(shards.len());
        for shard in shards {
            if Path::new(shard).components().count() != 1 {
                return Err(CoreError::model(
                    &index,
                    format!("shard `{shard}` is not a file name"),
                ));
            }
            parts.push(dir.join(shard));
        }
        Ok(Files {
            named: index,
            parts,
        })
    }
}

/// Whether a folder has weights, and all shards where they stand in several.
pub fn is_complete(dir: &Path) -> bool {
    Files::of(dir).is_ok_and(|files| files.parts.iter().all(|part| part.is_file()))
}

impl Weights {
    /// The weights of a folder: `model.safetensors`, or the index of its shards,
    /// `model.safetensors.index.json`.
    ///
    /// # Errors
    /// Neither is there.
    pub fn find(dir: &Path) -> Result<PathBuf> {
        for name in [SINGLE, INDEX] {
            if dir.join(name).is_file() {
                return Ok(dir.join(name));
            }
        }
        let pickles = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
        let remedy = match pickles.iter().find(|name| dir.join(name).exists()) {
            Some(pickle) => format!(
                "the folder has {pickle}, a pickle that could run code when read; save the model \
                 once with transformers (save_pretrained writes safetensors)"
            ),
            None => "give a folder in Hugging Face's layout".into(),
        };
        let message = format!("no {SINGLE}; {remedy}");
        Err(CoreError::model(dir, message))
    }

    /// Reads `model.safetensors` in `dir`, or the shards that `model.safetensors.index.json` names,
    /// as float32 on the CPU. A dtype that is not supported counts only where its tensor is wanted
    /// ([`Weights::finish`]).
    ///
    /// # Errors
    /// No such file, or one that is truncated or not safetensors.
    pub fn read_dir(dir: &Path) -> Result<Self> {
        let Files { named, parts } = Files::of(dir)?;
        let mut tensors = BTreeMap::new();
        for part in parts {
            tensors.extend(read(&part)?);
        }
        Ok(Self::new(named, tensors))
    }

    /// Reads one safetensors file.
    ///
    /// # Errors
    /// No such file, or one that is truncated or not safetensors.
    pub fn read_file(path: &Path) -> Result<Self> {
        Ok(Self::new(path.to_path_buf(), read(path)?))
    }

    /// Tensors that stand in no file.
    pub(super) fn from_tensors(tensors: BTreeMap<String, Tensor>) -> Self {
        let tensors = tensors.into_iter().map(|(k, v)| (k, Stored::Read(v)));
        Self::new(PathBuf::from("(memory)"), tensors.collect())
    }

    fn new(path: PathBuf, tensors: BTreeMap<String, Stored>) -> Self {
        let tensors = tensors
            .into_iter()
            .map(|(k, v)| (modern_name(k), v))
            .collect();
        Weights {
            path,
            tensors,
            problems: Vec::new(),
        }
    }

    /// Whether a tensor of this name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A tensor of whatever shape it has.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        match self.tensors.get(name) {
            Some(Stored::Read(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// Takes the tensor `name`, which must have this shape; zeros stand in for one that is missing,
    /// misshaped or of a dtype that is not supported until [`Weights::finish`] reports it.
    pub fn take(&mut self, name: &str, shape: &[i64]) -> Tensor {
        match self.tensors.remove(name) {
            Some(Stored::Read(tensor)) if tensor.size() == shape => return tensor,
            Some(Stored::Read(tensor)) => self.problems.push(format!(
                "`{name}` has shape {:?}, wanted {shape:?}",
                tensor.size()
            )),
            Some(Stored::Refused(dtype)) => self.problems.push(format!(
                "`{name}` has dtype {dtype:?}, which is not supported; save the model in float32, \
                 float16 or bfloat16"
            )),
            None => self.problems.push(format!("`{name}` is missing")),
        }
        // One number seen from everywhere: the shape may be too large for memory, or none at all.
        let zero = Tensor::zeros([], (Kind::Float, Device::Cpu));
        zero.f_expand(shape, false).unwrap_or(zero)
    }

    /// Drops tensors whose names, after `prefix`, start with one of `ignored`.
    pub fn ignore(&mut self, prefix: &str, ignored: &[impl AsRef<str>]) {
        self.tensors.retain(|name, _| {
            let bare = name.strip_prefix(prefix).unwrap_or(name);
            !ignored.iter().any(|i| bare.starts_with(i.as_ref()))
        });
    }

    /// Refuses the checkpoint if anything was missing, misshaped, of a dtype that is not supported,
    /// or is left over.
    ///
    /// # Errors
    /// Lists every such tensor.
    pub fn finish(mut self) -> Result<()> {
        self.problems.extend(
            self.tensors
                .keys()
                .map(|name| format!("`{name}` is unexpected")),
        );
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(CoreError::model(
            self.path,
            format!(
                "the weights do not fit config.json: {}",
                self.problems.join("; ")
            ),
        ))
    }
}

/// Checkpoints from TensorFlow days call LayerNorm's weight `gamma` and its bias `beta`.
fn modern_name(name: String) -> String {
    if let Some(stem) = name.strip_suffix(".gamma") {
        return format!("{stem}.weight");
    }
    if let Some(stem) = name.strip_suffix(".beta") {
        return format!("{stem}.bias");
    }
    name
}

fn read(path: &Path) -> Result<BTreeMap<String, Stored>> {
    let bytes = std::fs::read(path).map_err(|e| CoreError::io(path, e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| {
        CoreError::model(
            path,
            format!("not a complete safetensors file ({e}); fetch it again"),
        )
    })?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let stored = from_view(&view)
            .map_err(|e| CoreError::model(path, format!("tensor `{name}`: {e}")))?;
        tensors.insert(name, stored);
    }
    Ok(tensors)
}

/// Floating tensors become float32; float64 and int64 stay.
fn from_view(view: &TensorView) -> std::result::Result<Stored, tch::TchError> {
    let kind = match view.dtype() {
        Dtype::F64 => Kind::Double,
        Dtype::F32 => Kind::Float,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        other => return Ok(Stored::Refused(other)),
    };
    let shape: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
    let tensor = Tensor::f_from_data_size(view.data(), &shape, kind)?;
    Ok(Stored::Read(match kind {
        Kind::Half | Kind::BFloat16 => tensor.f_to_kind(Kind::Float)?,
        _ => tensor,
    }))
}

/// Writes tensors atomically, in the order that the safetensors library gives them, with
/// `format: pt` so that transformers loads the file. Each tensor keeps its dtype, and only one at a
/// time is copied.
///
/// # Errors
/// A dtype that has no counterpart, or the file cannot be written.
pub fn write(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
    let mut list: Vec<(&String, Dtype, &Tensor)> = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let dtype = match tensor.kind() {
            Kind::Double => Dtype::F64,
            Kind::Float => Dtype::F32,
            Kind::Half => Dtype::F16,
            Kind::BFloat16 => Dtype::BF16,
            Kind::Int64 => Dtype::I64,
            other => {
                let message = format!("tensor `{name}` of kind {other:?} cannot be written");
                return Err(CoreError::model(path, message));
            }
        };
        list.push((name, dtype, tensor));
    }
    // Widest first, so that each starts at a multiple of its width; then by name.
    list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut end = 0;
    let infos = list.iter().map(|(name, dtype, tensor)| {
        let start = end;
        end += tensor.numel() * tensor.kind().elt_size_in_bytes();
        let info = TensorInfo {
            dtype: *dtype,
            shape: tensor.size().iter().map(|&n| n as usize).collect(),
            data_offsets: (start, end),
        };
        ((*name).clone(), info)
    });
    let fail = |e: String| CoreError::model(path, e);
    let format = [("format".to_string(), "pt".to_string())].into();
    let metadata = Metadata::new(Some(format), infos.collect()).map_err(|e| fail(e.to_string()))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|e| fail(e.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    fill_atomically(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for (_, _, tensor) in &list {
            file.write_all(&bytes(tensor).map_err(std::io::Error::other)?)?;
        }
        Ok(())
    })
}

/// A tensor's values as they stand in memory.
fn bytes(tensor: &Tensor) -> std::result::Result<Vec<u8>, tch::TchError> {
    let flat = tensor
        .f_detach()?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?;
    let count = flat.numel();
    let mut bytes = vec![0u8; count * flat.kind().elt_size_in_bytes()];
    flat.f_copy_data_u8(&mut bytes, count)?;
    Ok(bytes)
}
