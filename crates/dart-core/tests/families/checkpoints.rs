//! Tensor names, and settings that are not computed.

use std::collections::BTreeMap;

use crate::FAMILIES;
use crate::common::{close, golden, goldens, tensors};
use dart_core::lm::weights::write;
use dart_core::lm::{LanguageModel, Mode, Shape};
use tch::{Device, Kind, Tensor};

/// A copy of a golden model with other tensors and other settings.
fn changed(
    name: &str,
    tensors_of: &dyn Fn(BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor>,
    settings: &[(&str, serde_json::Value)],
) -> tempfile::TempDir {
    let (from, dir) = (goldens().join(name), tempfile::tempdir().unwrap());
    let text = std::fs::read_to_string(from.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, value) in settings {
        config[key] = value.clone();
    }
    std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    std::fs::copy(
        from.join("tokenizer.json"),
        dir.path().join("tokenizer.json"),
    )
    .unwrap();
    let weights = tensors_of(tensors(&from.join("model.safetensors")));
    write(&dir.path().join("model.safetensors"), &weights).unwrap();
    dir
}

/// All hidden states of the golden's batch.
fn hidden(model: &LanguageModel, name: &str) -> Tensor {
    let golden = golden(name);
    let ids = &golden["input_ids"];
    let keep = golden["attention_mask"].to_kind(Kind::Float);
    let segments = (model.config.token_types > 1).then(|| golden["token_type_ids"].shallow_clone());
    let words = model.embeddings.index_select(0, &ids.reshape([-1]));
    let size = ids.size();
    let words = words.view([size[0], size[1], -1]);
    let shape = Shape { keep, segments };
    model.encode(&words, &shape, None, Mode::Evaluate).unwrap()
}

#[test]
fn weights_are_listed_under_the_names_of_their_checkpoint() {
    for name in FAMILIES.into_iter().chain(["bert-tiny", "albert-tiny"]) {
        let dir = goldens().join(name);
        let model = LanguageModel::load(&dir).unwrap();
        let mut listed = model.parameters();
        listed.extend(model.vocabulary_parameters());
        let mut stored = tensors(&dir.join("model.safetensors"));
        stored.retain(|name, _| !name.ends_with("decoder.bias") || name == "decoder.bias");
        let mut names: Vec<&str> = listed.iter().map(|p| p.name.as_str()).collect();
        names.sort();
        let wanted: Vec<&str> = stored.keys().map(String::as_str).collect();
        assert_eq!(names, wanted, "{name}");
        for p in &listed {
            close(&p.name, &p.tensor, &stored[&p.name], 0.0);
        }
    }
}

/// GPT-2 as OpenAI's conversion has it: no prefix, the causal masks and the decoder as tensors. The
/// masks have been saved as float32, uint8 and bool, by one version of transformers or another.
#[test]
fn older_gpt_2_checkpoints_load() {
    let dir = changed("gpt2-tiny", &|tensors| tensors, &[]);
    let path = dir.path().join("model.safetensors");
    let bare = |name: String| name.trim_start_matches("transformer.").to_string();
    let mut old: BTreeMap<_, _> = tensors(&path)
        .into_iter()
        .map(|(name, tensor)| (bare(name), tensor))
        .collect();
    let square = Tensor::ones([1, 1, 18, 18], (Kind::Float, Device::Cpu)).tril(0);
    for (i, kind) in [Kind::Float, Kind::Uint8, Kind::Bool]
        .into_iter()
        .enumerate()
    {
        old.insert(format!("h.{i}.attn.bias"), square.to_kind(kind));
    }
    old.insert("h.0.attn.masked_bias".into(), Tensor::from(-1e4f32));
    old.insert("lm_head.weight".into(), old["wte.weight"].copy());
    let old: Vec<_> = old.into_iter().collect();
    Tensor::write_safetensors(&old, &path).unwrap();
    let model = LanguageModel::load(dir.path()).unwrap();
    let original = LanguageModel::load(&goldens().join("gpt2-tiny")).unwrap();
    let (got, wanted) = (hidden(&model, "gpt2-tiny"), hidden(&original, "gpt2-tiny"));
    close("without prefix", &got, &wanted, 0.0);
    assert!(
        model
            .parameters()
            .iter()
            .all(|p| !p.name.contains("transformer."))
    );
}

/// Published DeBERTas hold both heads' names, other heads and unused positions.
#[test]
fn a_deberta_of_both_heads_is_read_as_config_json_says() {
    let both = |mut tensors: BTreeMap<String, Tensor>| {
        let newer: Vec<_> = tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let part = name.strip_prefix("cls.predictions.")?;
                let part = part.strip_prefix("transform.").unwrap_or(part);
                Some((
                    format!("lm_predictions.lm_head.{part}"),
                    tensor.zeros_like(),
                ))
            })
            .collect();
        tensors.extend(newer);
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let positions = "deberta.embeddings.position_embeddings.weight";
        tensors.insert(positions.into(), zeros(&[18, 32]));
        tensors.insert("mask_predictions.dense.weight".into(), zeros(&[32, 32]));
        tensors
    };
    for (legacy, name) in [
        (true, "cls.predictions.bias"),
        (false, "lm_predictions.lm_head.bias"),
    ] {
        let dir = changed("deberta-v3-tiny", &both, &[("legacy", legacy.into())]);
        let model = LanguageModel::load(dir.path()).unwrap();
        assert_eq!(model.vocabulary_parameters()[1].name, name);
        assert_eq!(model.bias.abs().max().double_value(&[]) > 0.0, legacy);
    }
}

#[test]
fn settings_that_are_not_computed_are_refused_by_name() {
    let rope = serde_json::json!({"type": "yarn", "factor": 2.0});
    for (name, key, value, why) in [
        (
            "modernbert-tiny",
            "rope_scaling",
            rope,
            "`rope_scaling` is not supported",
        ),
        (
            "modernbert-tiny",
            "hidden_activation",
            "silu".into(),
            "activation `silu`",
        ),
        (
            "modernbert-tiny",
            "global_attn_every_n_layers",
            0.into(),
            "must be positive",
        ),
        (
            "modernbert-tiny",
            "num_attention_heads",
            5.into(),
            "not a multiple of 5 heads",
        ),
        (
            "deberta-tiny",
            "talking_head",
            true.into(),
            "`talking_head`",
        ),
        (
            "deberta-tiny",
            "pos_att_type",
            "c2p|p2p".into(),
            "`pos_att_type` p2p",
        ),
        (
            "deberta-v3-tiny",
            "position_buckets",
            2.into(),
            "`position_buckets`",
        ),
        (
            "deberta-v3-tiny",
            "tie_word_embeddings",
            false.into(),
            "tie_word_embeddings",
        ),
        (
            "deberta-v2-tiny",
            "conv_kernel_size",
            2.into(),
            "`conv_kernel_size` is 2",
        ),
        (
            "mpnet-tiny",
            "relative_attention_num_buckets",
            16.into(),
            "`relative_attention_num_buckets` is 16",
        ),
        (
            "gpt2-tiny",
            "add_cross_attention",
            true.into(),
            "`add_cross_attention`",
        ),
        (
            "gpt2-tiny",
            "model_type",
            "gptj".into(),
            "model_type `gptj` is not supported",
        ),
    ] {
        let dir = changed(name, &|tensors| tensors, &[(key, value)]);
        let error = LanguageModel::load(dir.path()).err().unwrap().to_string();
        assert!(
            error.contains("config.json") && error.contains(why),
            "{error}"
        );
    }
}
