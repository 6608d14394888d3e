//! DeBERTa, the encoder alone: the dense layer of rust-bert's head has no bias.

use rust_bert::deberta::{DebertaConfig, DebertaForMaskedLM, DebertaModel};
use rust_bert::deberta_v2::{DebertaV2Config, DebertaV2Model};
use serde_json::Value;
use tch::{Device, Tensor, nn};

use super::common::goldens;
use super::{Batch, Weights, fill, folder, parsed, settings, weights};

const V1: &str = "deberta-tiny";

fn theirs(batch: &Batch) -> Tensor {
    let store = nn::VarStore::new(Device::Cpu);
    let config = parsed::<DebertaConfig>(&settings(V1));
    let theirs = DebertaModel::new(store.root() / "deberta", &config);
    fill(&store, &weights(V1), ["", ""], &[]);
    let Batch {
        ids,
        mask,
        segments,
    } = batch;
    let output = theirs.forward_t(Some(ids), Some(mask), Some(segments), None, None, false);
    output.unwrap().hidden_state
}

/// They bound distances by the number of heads, in the place of the length.
#[test]
fn deberta_equals_rust_bert_up_to_as_many_tokens_as_heads() {
    let folder = goldens().join(V1);
    let heads = settings(V1)["num_attention_heads"].as_i64().unwrap();
    let whole = Batch::of(V1);
    let short = whole.cut(heads);
    let (hidden, _) = short.ours(&folder);
    short.close("hidden states", &hidden, &theirs(&short), 1e-5);
    let (hidden, _) = whole.ours(&folder);
    whole.apart("hidden states", &hidden, &theirs(&whole), 1e-2);
}

#[test]
fn debertas_head_lacks_a_bias() {
    let store = nn::VarStore::new(Device::Cpu);
    let _theirs = DebertaForMaskedLM::new(store.root(), &parsed::<DebertaConfig>(&settings(V1)));
    let bias = "cls.predictions.transform.dense.bias";
    assert!(weights(V1).contains_key(bias));
    assert!(!store.variables().contains_key(bias));
}

/// Both models of version 2's kind.
const V2: [&str; 2] = ["deberta-v2-tiny", "deberta-v3-tiny"];

fn theirs_v2(weights: &Weights, settings: &Value, batch: &Batch) -> Tensor {
    let store = nn::VarStore::new(Device::Cpu);
    let config = parsed::<DebertaV2Config>(settings);
    let theirs = DebertaV2Model::new(store.root() / "deberta", &config);
    fill(&store, weights, ["", ""], &[]);
    let Batch {
        ids,
        mask,
        segments,
    } = batch;
    let output = theirs.forward_t(Some(ids), Some(mask), Some(segments), None, None, false);
    output.unwrap().hidden_state
}

/// They do not shift the distances that a content looks up, and divide by the square of the scale.
#[test]
fn deberta_v2_equals_rust_bert_but_for_relative_positions() {
    for name in V2 {
        let (mut weights, mut settings) = (weights(name), settings(name));
        let batch = Batch::of(name);
        let (hidden, _) = batch.ours(&goldens().join(name));
        batch.apart(name, &hidden, &theirs_v2(&weights, &settings, &batch), 1e-2);

        settings["relative_attention"] = false.into();
        settings.as_object_mut().unwrap().remove("norm_rel_ebd");
        let relative = ["rel_embeddings", "pos_", "encoder.LayerNorm"];
        weights.retain(|weight, _| !relative.iter().any(|part| weight.contains(part)));
        let (hidden, _) = batch.ours(folder(&weights, &settings).path());
        batch.close(name, &hidden, &theirs_v2(&weights, &settings, &batch), 1e-5);
    }
}
