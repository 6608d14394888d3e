//! Where a run computes: how it is written, and what libtorch has there.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::error::{CoreError, Result};
use crate::settings::limits::{Limits, refuse};

/// Where a run computes, written `cpu`, `auto`, `cuda` or `cuda:N`. That a GPU is there is seen by
/// [`DeviceChoice::resolve`] alone: settings may be written on another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub enum DeviceChoice {
    /// The CPU.
    #[default]
    Cpu,
    /// The first GPU, or the CPU where there is none.
    Auto,
    /// The GPU of this number; `None`: the first, written without one.
    Cuda(Option<u8>),
}

impl DeviceChoice {
    /// libtorch's device.
    ///
    /// # Errors
    /// A GPU that is not there.
    pub fn resolve(self) -> Result<Device> {
        let gpus = gpus();
        let wanted = match self {
            DeviceChoice::Cpu => return Ok(Device::Cpu),
            DeviceChoice::Auto if gpus == 0 => return Ok(Device::Cpu),
            DeviceChoice::Auto => 0,
            DeviceChoice::Cuda(number) => usize::from(number.unwrap_or(0)),
        };
        if wanted >= gpus {
            return Err(CoreError::Setting(format!(
                "device `{self}` is not there: libtorch sees {gpus} GPUs; use device: cpu, or set \
                 up the CUDA variant of libtorch"
            )));
        }
        Ok(Device::Cuda(wanted))
    }
}

/// Lets libtorch compute with so many threads from now on.
///
/// # Errors
/// A number that it cannot compute with, which it would panic at.
pub(crate) fn set_threads(threads: usize) -> Result<()> {
    refuse("threads", &threads, Limits::THREADS)?;
    tch::set_num_threads(threads as i32);
    Ok(())
}

/// GPUs that libtorch sees.
pub fn gpus() -> usize {
    tch::Cuda::device_count().max(0) as usize
}

impl FromStr for DeviceChoice {
    type Err = CoreError;

    fn from_str(text: &str) -> Result<Self> {
        let number = text.strip_prefix("cuda:").and_then(|n| n.parse().ok());
        match (text, number) {
            ("cpu", _) => Ok(DeviceChoice::Cpu),
            ("auto", _) => Ok(DeviceChoice::Auto),
            ("cuda", _) => Ok(DeviceChoice::Cuda(None)),
            (_, Some(number)) => Ok(DeviceChoice::Cuda(Some(number))),
            _ => Err(CoreError::Setting(format!(
                "device `{text}` is unknown; known: auto, cpu, cuda, cuda:N"
            ))),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cuda(None) => f.write_str("cuda"),
            DeviceChoice::Cuda(Some(number)) => write!(f, "cuda:{number}"),
        }
    }
}

impl<'de> Deserialize<'de> for DeviceChoice {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = DeviceChoice;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("auto, cpu, cuda or cuda:N")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<DeviceChoice, E> {
                text.parse().map_err(E::custom)
            }
        }
        // Read where it stands, so that an error keeps its line.
        d.deserialize_str(Text)
    }
}

impl JsonSchema for DeviceChoice {
    fn schema_name() -> Cow<'static, str> {
        "Device".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(cpu|auto|cuda|cuda:[0-9]+)$"})
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_written_as_it_was_read() {
        let known = [
            ("cpu", DeviceChoice::Cpu),
            ("auto", DeviceChoice::Auto),
            ("cuda", DeviceChoice::Cuda(None)),
            ("cuda:0", DeviceChoice::Cuda(Some(0))),
            ("cuda:13", DeviceChoice::Cuda(Some(13))),
        ];
        for (text, choice) in known {
            assert_eq!(text.parse::<DeviceChoice>().unwrap(), choice);
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::to_string(&choice).unwrap(), json);
            let read: DeviceChoice = serde_json::from_str(&json).unwrap();
            assert_eq!(read, choice);
        }
    }

    #[test]
    fn other_words_are_no_device() {
        for text in [
            "", "gpu", "CPU", "cuda:", "cuda:x", "cuda0", "cuda:-1", "cuda:256",
        ] {
            let error = text.parse::<DeviceChoice>().unwrap_err();
            assert!(matches!(error, CoreError::Setting(_)), "{text}");
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
            assert!(serde_json::from_str::<DeviceChoice>(&format!("\"{text}\"")).is_err());
        }
    }

    #[test]
    fn a_gpu_that_is_not_there_is_refused() {
        assert_eq!(DeviceChoice::Cpu.resolve().unwrap(), Device::Cpu);
        assert!(DeviceChoice::Auto.resolve().is_ok());
        let error = DeviceChoice::Cuda(Some(u8::MAX)).resolve().unwrap_err();
        assert!(
            error.to_string().contains("`cuda:255` is not there"),
            "{error}"
        );
    }
}
