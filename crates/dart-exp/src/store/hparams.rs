//! TensorBoard's HParams tab: each run's settings as the plugin reads them.
//!
//! A session (a run's folder) is told by two summaries whose data stand in their metadata
//! (tensorboard/plugins/hparams/plugin_data.proto). TensorBoard gathers the columns from the runs,
//! so a tree of several experiments works as well as one.

use anyhow::{Context, Result};
use protobuf::Message;
use protobuf::well_known_types::Value;
use tensorboard_proto::api::Status;
use tensorboard_proto::plugin_hparams::{HParamsPluginData, SessionEndInfo, SessionStartInfo};
use tensorboard_proto::summary::{Summary_Value, SummaryMetadata, SummaryMetadata_PluginData};
use tensorboard_proto::tensor::TensorProto;
use tensorboard_proto::tensor_shape::{TensorShapeProto, TensorShapeProto_Dim};
use tensorboard_proto::types::DataType;

use crate::experiment::options::Options;
use crate::store::tensorboard::{EventWriter, now};

const START: &str = "_hparams_/session_start_info";
const END: &str = "_hparams_/session_end_info";

/// Names and values of a run's hyper-parameters.
pub type HParams = Vec<(String, serde_json::Value)>;

/// What tells a run from others, for TensorBoard.
pub fn of_run(
    names: &[(&str, &String)],
    numbers: &[(&str, serde_json::Value)],
    shown: &Options,
) -> Result<HParams> {
    let names = names
        .iter()
        .map(|(key, name)| (*key, (*name).clone().into()));
    let numbers = numbers.iter().map(|(key, number)| (*key, number.clone()));
    let all = names.chain(numbers).chain(shown.given());
    Ok(all
        .filter(|(_, value): &(_, serde_json::Value)| !value.is_null())
        .map(|(key, value)| (key.to_owned(), value))
        .collect())
}

/// Tells the settings of the run, unless the writer's file has them.
pub fn start(events: &mut EventWriter, params: &HParams) -> Result<()> {
    if events.holds(START) {
        return Ok(());
    }
    let mut info = SessionStartInfo::new();
    info.set_start_time_secs(now());
    for (name, value) in params {
        let mut cell = Value::new();
        match value {
            serde_json::Value::Bool(yes) => cell.set_bool_value(*yes),
            serde_json::Value::Number(number) => {
                cell.set_number_value(number.as_f64().unwrap_or(f64::NAN));
            }
            serde_json::Value::String(text) => cell.set_string_value(text.clone()),
            serde_json::Value::Null => continue,
            other => cell.set_string_value(other.to_string()),
        }
        info.mut_hparams().insert(name.clone(), cell);
    }
    let mut data = HParamsPluginData::new();
    data.set_session_start_info(info);
    events.value(0, summary(START, &data)?)
}

/// Tells that the run has ended well, unless the writer's file says so.
pub fn end(events: &mut EventWriter) -> Result<()> {
    if events.holds(END) {
        return Ok(());
    }
    let mut info = SessionEndInfo::new();
    info.set_status(Status::STATUS_SUCCESS);
    info.set_end_time_secs(now());
    let mut data = HParamsPluginData::new();
    data.set_session_end_info(info);
    events.value(0, summary(END, &data)?)
}

/// A summary without a value (an empty tensor) and with the plugin's data.
fn summary(tag: &str, data: &HParamsPluginData) -> Result<Summary_Value> {
    let mut plugin = SummaryMetadata_PluginData::new();
    plugin.set_plugin_name("hparams".to_owned());
    plugin.set_content(data.write_to_bytes().context("encoding hyper-parameters")?);
    let mut metadata = SummaryMetadata::new();
    metadata.set_plugin_data(plugin);
    let mut shape = TensorShapeProto::new();
    shape.mut_dim().push(TensorShapeProto_Dim::new());
    let mut empty = TensorProto::new();
    empty.set_dtype(DataType::DT_FLOAT);
    empty.set_tensor_shape(shape);
    let mut value = Summary_Value::new();
    value.set_tag(tag.to_owned());
    value.set_metadata(metadata);
    value.set_tensor(empty);
    Ok(value)
}
