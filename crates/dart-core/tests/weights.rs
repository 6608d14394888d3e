//! Strict loading: everything that does not fit is listed at once, nothing is guessed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{goldens, tensors};
use dart_core::CoreError;
use dart_core::lm::LanguageModel;
use dart_core::lm::weights::{Weights, write};
use tch::{Device, Kind, Tensor};

/// A copy of bert-tiny with changed tensors.
fn changed(change: &dyn Fn(&mut BTreeMap<String, Tensor>)) -> tempfile::TempDir {
    let (from, dir) = (goldens().join("bert-tiny"), tempfile::tempdir().unwrap());
    std::fs::copy(from.join("config.json"), dir.path().join("config.json")).unwrap();
    let mut weights = tensors(&from.join("model.safetensors"));
    change(&mut weights);
    write(&dir.path().join("model.safetensors"), &weights).unwrap();
    dir
}

fn zeros(shape: &[i64]) -> Tensor {
    Tensor::zeros(shape, (Kind::Float, Device::Cpu))
}

fn error(dir: &Path) -> String {
    LanguageModel::load(dir).err().unwrap().to_string()
}

const QUERY: &str = "bert.encoder.layer.1.attention.self.query.weight";
const NORM: &str = "bert.embeddings.LayerNorm.bias";

#[test]
fn missing_misshaped_and_unexpected_tensors_are_listed_together() {
    let dir = changed(&|w| {
        w.remove(NORM);
        w.insert(QUERY.into(), zeros(&[48, 47]));
        w.insert(
            "bert.encoder.layer.3.output.dense.bias".into(),
            zeros(&[48]),
        );
        w.insert("adapter.weight".into(), zeros(&[1]));
    });
    let error = error(dir.path());
    for part in [
        "model.safetensors",
        "config.json",
        &format!("`{NORM}` is missing"),
        &format!("`{QUERY}` has shape [48, 47], wanted [48, 48]"),
        "`bert.encoder.layer.3.output.dense.bias` is unexpected",
        "`adapter.weight` is unexpected",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A shape that libtorch would broadcast, or as many values in another shape, is a wrong shape.
#[test]
fn shapes_that_would_fit_in_some_way_are_refused() {
    let dir = changed(&|w| {
        w.insert(NORM.into(), zeros(&[1]));
    });
    assert!(error(dir.path()).contains("has shape [1], wanted [48]"));
    let dir = changed(&|w| {
        w.insert(QUERY.into(), zeros(&[24, 96]));
    });
    assert!(error(dir.path()).contains("has shape [24, 96], wanted [48, 48]"));
}

/// Tied copies and other heads may stand in a checkpoint.
#[test]
fn other_heads_and_tied_copies_are_read_past() {
    let dir = changed(&|w| {
        let words = w["bert.embeddings.word_embeddings.weight"].copy();
        w.insert("cls.predictions.decoder.weight".into(), words);
        w.insert("cls.seq_relationship.bias".into(), zeros(&[2]));
        w.insert("bert.pooler.dense.bias".into(), zeros(&[48]));
        let ids = Tensor::arange(18, (Kind::Int64, Device::Cpu)).unsqueeze(0);
        w.insert("bert.embeddings.position_ids".into(), ids);
    });
    LanguageModel::load(dir.path()).unwrap();
}

/// Of a dtype that no weight can have, a tensor is refused where it is wanted, and only there.
#[test]
fn a_dtype_that_is_not_supported_matters_where_its_tensor_is_wanted() {
    let dir = changed(&|_| ());
    let path = dir.path().join("model.safetensors");
    let with = |changes: &[(&str, Tensor)]| {
        let mut all = tensors(&goldens().join("bert-tiny/model.safetensors"));
        for (name, tensor) in changes {
            all.insert((*name).into(), tensor.shallow_clone());
        }
        let all: Vec<_> = all.into_iter().collect();
        Tensor::write_safetensors(&all, &path).unwrap();
    };
    let ids = Tensor::arange(18, (Kind::Int, Device::Cpu)).unsqueeze(0);
    let position_ids = ("bert.embeddings.position_ids", ids);
    with(std::slice::from_ref(&position_ids));
    LanguageModel::load(dir.path()).unwrap();
    let (quantized, extra) = (
        zeros(&[48, 48]).to_kind(Kind::Int8),
        zeros(&[1]).to_kind(Kind::Uint8),
    );
    with(&[position_ids, (QUERY, quantized), ("extra", extra)]);
    let error = error(dir.path());
    for part in [
        &format!("`{QUERY}` has dtype I8, which is not supported"),
        "save the model in float32",
        "`extra` is unexpected",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("position_ids"), "{error}");
}

/// A decoder of its own would be another model than the one that we compute.
#[test]
fn a_checkpoint_whose_decoder_is_not_tied_is_refused() {
    let dir = changed(&|_| ());
    let path = dir.path().join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let untied = text.replacen('{', "{\"tie_word_embeddings\": false, ", 1);
    std::fs::write(&path, untied).unwrap();
    assert!(error(dir.path()).contains("tie_word_embeddings"));
}

#[test]
fn a_checkpoint_without_a_head_is_named() {
    let dir = changed(&|w| w.retain(|name, _| !name.starts_with("cls.")));
    let error = error(dir.path());
    assert!(error.contains("no masked-LM head"), "{error}");
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    let encoder = LanguageModel::load_encoder(dir.path()).unwrap();
    let states = Tensor::zeros([1, encoder.config.hidden], (Kind::Float, Device::Cpu));
    let error = encoder.transform(&states).unwrap_err();
    assert!(matches!(error, CoreError::Unsupported(_)), "{error:?}");
}

#[test]
fn a_head_is_started_only_where_there_is_a_place_for_all_of_it() {
    for (name, family) in [("gpt2-tiny", "GPT-2"), ("modernbert-tiny", "ModernBERT")] {
        let mut lm = LanguageModel::load_encoder(&goldens().join(name)).unwrap();
        let error = lm.start_head(1.0).unwrap_err();
        assert!(matches!(error, CoreError::Unsupported(_)), "{error:?}");
        assert!(
            error.to_string().ends_with(&format!("not for {family}")),
            "{error}"
        );
    }
}

#[test]
fn truncated_weights_are_refused() {
    let dir = changed(&|_| ());
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 8, 1000, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = error(dir.path());
        assert!(
            error.contains("model.safetensors: not a complete"),
            "{length}: {error}"
        );
    }
    std::fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    assert!(error(dir.path()).contains("not a complete"));
}

#[test]
fn a_pickle_alone_is_refused_with_the_remedy() {
    let dir = changed(&|_| ());
    std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    let plain = error(dir.path());
    assert!(plain.contains("no model.safetensors") && !plain.contains("pytorch_model.bin"));
    std::fs::write(dir.path().join("pytorch_model.bin"), b"PK").unwrap();
    let error = error(dir.path());
    assert!(
        error.contains("pytorch_model.bin") && error.contains("save_pretrained"),
        "{error}"
    );
}

#[test]
fn shards_must_be_there_and_stay_in_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let from = goldens().join("bert-tiny-sharded");
    for file in std::fs::read_dir(&from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    LanguageModel::load(dir.path()).unwrap();
    let shard = "model-00002-of-00002.safetensors";
    std::fs::remove_file(dir.path().join(shard)).unwrap();
    assert!(error(dir.path()).contains(shard));
    let index = dir.path().join("model.safetensors.index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    std::fs::write(&index, text.replace(shard, "../other.safetensors")).unwrap();
    assert!(error(dir.path()).contains("`../other.safetensors` is not a file name"));
    std::fs::write(&index, "{").unwrap();
    assert!(error(dir.path()).contains("not an index"));
}

#[test]
fn configurations_that_cannot_be_used_are_refused() {
    let dir = changed(&|_| ());
    let path = dir.path().join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, why) in [
        ("\"bert\"", "\"t5\"", "model_type `t5` is not supported"),
        (
            "\"hidden_size\": 48",
            "\"hidden_size\": 50",
            "not a multiple of 4 heads",
        ),
        ("\"hidden_size\": 48,", "", "`hidden_size` is missing"),
        (
            "\"vocab_size\": 128",
            "\"vocab_size\": -1",
            "`vocab_size` is -1",
        ),
        ("\"gelu\"", "\"swish\"", "activation `swish`"),
        (
            "\"absolute\"",
            "\"relative_key\"",
            "position_embedding_type",
        ),
        // A size that no memory has is told by the weights.
        (
            "\"vocab_size\": 128",
            "\"vocab_size\": 999999999999",
            "has shape [128, 48], wanted [999999999999, 48]",
        ),
        ("{", "[", "not a model configuration"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        std::fs::write(&path, other).unwrap();
        assert!(
            error(dir.path()).contains(why),
            "{why}: {}",
            error(dir.path())
        );
    }
    std::fs::remove_file(&path).unwrap();
    assert!(error(dir.path()).contains("config.json"));
    for model in ["electra-tiny", "albert-tiny", "deberta-v3-tiny"] {
        let from = goldens().join(model);
        for file in ["config.json", "model.safetensors"] {
            std::fs::copy(from.join(file), dir.path().join(file)).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config["embedding_size"] = (-1).into();
        std::fs::write(&path, config.to_string()).unwrap();
        let error = error(dir.path());
        assert!(error.contains("`embedding_size` is -1"), "{model}: {error}");
    }
}

/// What is written is what is read, in every dtype, and marked for transformers.
#[test]
fn written_weights_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let values = Tensor::from_slice(&[1.5f64, -2.0, 0.25, 4096.0, 0.0, -0.5]).view([2, 3]);
    let kinds = [
        Kind::Double,
        Kind::Float,
        Kind::Half,
        Kind::BFloat16,
        Kind::Int64,
    ];
    let mut all = BTreeMap::new();
    for kind in kinds {
        // A transposed tensor is not contiguous.
        all.insert(format!("{kind:?}"), values.to_kind(kind).tr());
    }
    all.insert("empty".into(), zeros(&[0, 4]));
    write(&path, &all).unwrap();
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no temporary file stays"
    );
    let mut weights = Weights::read_file(&path).unwrap();
    for kind in kinds {
        let got = weights.take(&format!("{kind:?}"), &[3, 2]);
        let wanted = match kind {
            Kind::Half | Kind::BFloat16 => Kind::Float,
            other => other,
        };
        assert_eq!(got, values.tr().to_kind(kind).to_kind(wanted));
    }
    assert_eq!(weights.take("empty", &[0, 4]).numel(), 0);
    weights.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains(r#""format":"pt""#));
    let bad = BTreeMap::from([("b".to_string(), values.ge(0.0))]);
    let error = write(&path, &bad).unwrap_err().to_string();
    assert!(error.contains("tensor `b` of kind Bool"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "the old file stays");
}

/// A checkpoint in float64 is a model in float32 like any other.
#[test]
fn a_double_checkpoint_loads_as_float32() {
    let dir = changed(&|w| {
        let double = |t: &Tensor| t.to_kind(Kind::Double);
        *w = w
            .iter()
            .map(|(name, t)| (name.clone(), double(t)))
            .collect();
    });
    let model = LanguageModel::load(dir.path()).unwrap();
    assert_eq!(model.embeddings.kind(), Kind::Float);
    assert!(
        model
            .parameters()
            .iter()
            .all(|p| p.tensor.kind() == Kind::Float)
    );
}
