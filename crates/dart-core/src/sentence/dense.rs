//! A dense layer behind the pooling.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::lm::weights::Weights;
use crate::lm::{Parameter, Role};

/// What its `config.json` says.
#[derive(Clone, Debug)]
pub(super) struct DenseConfig {
    pub folder: PathBuf,
    input: i64,
    output: i64,
    bias: bool,
    activation: Activation,
}

/// By the class of torch.
#[derive(Clone, Copy, Debug)]
enum Activation {
    Identity,
    Tanh,
    Relu,
    Gelu,
    Sigmoid,
}

const ACTIVATIONS: [(Activation, &str); 5] = [
    (Activation::Identity, "torch.nn.modules.linear.Identity"),
    (Activation::Tanh, "torch.nn.modules.activation.Tanh"),
    (Activation::Relu, "torch.nn.modules.activation.ReLU"),
    (Activation::Gelu, "torch.nn.modules.activation.GELU"),
    (Activation::Sigmoid, "torch.nn.modules.activation.Sigmoid"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    in_features: i64,
    out_features: i64,
    bias: Option<bool>,
    activation_function: Option<String>,
    module_input_name: Option<String>,
    module_output_name: Option<String>,
}

impl DenseConfig {
    /// From the text of the `config.json` in `folder`, for vectors of size `input`.
    pub fn parse(text: &str, folder: &Path, input: i64) -> std::result::Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|e| e.to_string())?;
        for name in [&raw.module_input_name, &raw.module_output_name] {
            if let Some(name) = name.as_deref().filter(|name| *name != "sentence_embedding") {
                return Err(format!(
                    "a dense layer on `{name}` is not supported; only on sentence_embedding"
                ));
            }
        }
        if raw.in_features != input || raw.out_features < 1 {
            return Err(format!(
                "`in_features` is {} and `out_features` {}; what comes in has size {input}",
                raw.in_features, raw.out_features
            ));
        }
        let name = raw
            .activation_function
            .as_deref()
            .unwrap_or(ACTIVATIONS[1].1);
        let found = ACTIVATIONS.iter().find(|(_, known)| *known == name);
        let (activation, _) = found.ok_or_else(|| {
            let known = ACTIVATIONS.map(|(_, name)| name).join(", ");
            format!("activation_function `{name}` is not supported; supported: {known}")
        })?;
        Ok(DenseConfig {
            folder: folder.to_path_buf(),
            input,
            output: raw.out_features,
            bias: raw.bias.unwrap_or(true),
            activation: *activation,
        })
    }

    /// Size of what comes out.
    pub fn output(&self) -> i64 {
        self.output
    }
}

/// The layer.
pub(super) struct Dense {
    /// The name of its folder, which its weights' names begin with.
    name: String,
    /// `[out, in]`
    weight: Tensor,
    /// `[out]`
    bias: Option<Tensor>,
    activation: Activation,
}

impl Dense {
    /// Reads its weights.
    pub fn load(config: &DenseConfig, device: Device, kind: Kind) -> Result<Self> {
        let mut weights = Weights::read_dir(&config.folder)?;
        let weight = weights.take("linear.weight", &[config.output, config.input]);
        let bias = config
            .bias
            .then(|| weights.take("linear.bias", &[config.output]));
        weights.finish()?;
        let place = |t: Tensor| t.f_to_device(device)?.f_to_kind(kind);
        let name = config.folder.file_name().unwrap_or_default();
        Ok(Dense {
            name: name.to_string_lossy().into_owned(),
            weight: place(weight)?,
            bias: bias.map(place).transpose()?,
            activation: config.activation,
        })
    }

    /// `[batch, in] → [batch, out]`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.f_linear(&self.weight, self.bias.as_ref())?;
        Ok(match self.activation {
            Activation::Identity => x,
            Activation::Tanh => x.f_tanh()?,
            Activation::Relu => x.f_relu()?,
            Activation::Gelu => x.f_gelu("none")?,
            Activation::Sigmoid => x.f_sigmoid()?,
        })
    }

    pub fn list(&self, into: &mut Vec<Parameter>) {
        let name = format!("{}.linear.weight", self.name);
        into.push(Parameter::new(
            name,
            self.weight.shallow_clone(),
            Role::Matrix,
        ));
        if let Some(bias) = &self.bias {
            let name = format!("{}.linear.bias", self.name);
            into.push(Parameter::new(name, bias.shallow_clone(), Role::Bias));
        }
    }
}
