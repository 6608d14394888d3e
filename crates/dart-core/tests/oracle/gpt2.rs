//! GPT-2. rust-bert has no `n_inner` and no `scale_attn_by_inverse_layer_idx`, which the golden
//! model has: the feed-forward layers of the one here are four times as wide as the others.

use rust_bert::gpt2::{GPT2LMHeadModel, Gpt2Config};
use serde_json::Value;
use tch::{Device, Kind, Tensor, nn};

use super::{Batch, Weights, fill, folder, parsed, settings, weights};

const NAME: &str = "gpt2-tiny";

/// The golden model with wider layers.
fn wide() -> (Weights, Value) {
    tch::manual_seed(1);
    let (mut weights, mut settings) = (weights(NAME), settings(NAME));
    for (name, tensor) in &mut weights {
        let size: &[i64] = match name.rsplit_once("mlp.").map(|(_, part)| part) {
            Some("c_fc.weight") => &[32, 128],
            Some("c_fc.bias") => &[128],
            Some("c_proj.weight") => &[128, 32],
            _ => continue,
        };
        *tensor = Tensor::randn(size, (Kind::Float, Device::Cpu)) * 0.2;
    }
    settings["n_inner"] = Value::Null;
    settings["scale_attn_by_inverse_layer_idx"] = false.into();
    (weights, settings)
}

/// Their logits; each layer counts its causal mask among the variables that are trained.
fn theirs(weights: &Weights, settings: &Value, batch: &Batch) -> Tensor {
    let mut settings = settings.clone();
    settings["n_ctx"] = settings["n_positions"].clone();
    let store = nn::VarStore::new(Device::Cpu);
    let theirs = GPT2LMHeadModel::new(store.root(), &parsed::<Gpt2Config>(&settings));
    let masks = [0, 1, 2].map(|layer| format!("transformer.h.{layer}.attn.bias"));
    fill(
        &store,
        weights,
        ["", ""],
        &masks.each_ref().map(String::as_str),
    );
    let (ids, mask) = (Some(&batch.ids), Some(&batch.mask));
    let output = theirs.forward_t(ids, None, mask, None, None, None, false);
    output.unwrap().lm_logits
}

#[test]
fn gpt_2_equals_rust_bert() {
    let (weights, settings) = wide();
    let batch = Batch::of(NAME);
    let (_, logits) = batch.ours(folder(&weights, &settings).path());
    batch.close(
        "logits",
        &logits,
        &theirs(&weights, &settings, &batch),
        1e-4,
    );
}

/// A setting that they ignore.
#[test]
fn gpt_2s_scores_are_not_scaled_by_layer() {
    let (weights, mut settings) = wide();
    settings["scale_attn_by_inverse_layer_idx"] = true.into();
    let batch = Batch::of(NAME);
    let (_, logits) = batch.ours(folder(&weights, &settings).path());
    batch.apart(
        "logits",
        &logits,
        &theirs(&weights, &settings, &batch),
        1e-2,
    );
}

/// A key that Hugging Face's files have not had since version 4.
#[test]
fn gpt_2s_settings_demand_a_key_that_files_lack() {
    let error = serde_json::from_value::<Gpt2Config>(settings(NAME)).unwrap_err();
    assert!(error.to_string().contains("missing field `n_ctx`"));
}
