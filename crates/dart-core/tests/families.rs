//! What the families beside the one encoder do their own way: tensor names, settings, and the
//! causal model's slot (numbers against Hugging Face: encoder.rs).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{close, dart, example, goldens, task, tensors};
use dart_core::build::{Built, build_as};
use dart_core::device::DeviceChoice;
use dart_core::fill_mask::fill_mask;
use dart_core::lm::weights::write;
use dart_core::lm::{LanguageModel, Mode, Shape};
use dart_core::method::{Embeddings, HeadMethod, LabelKind, Method, TemplateKind, TrainPart};
use dart_core::prompt::{Batch, Encoded};
use dart_core::tokenizer::Tokenizer;
use dart_core::train::{Precision, RunSpec, TrainSettings};
use dart_data::{Example, Task};
use tch::{Device, Kind, Tensor};

const FAMILIES: [&str; 7] = [
    "modernbert-tiny",
    "modernbert-biased-tiny",
    "deberta-tiny",
    "deberta-v2-tiny",
    "deberta-v3-tiny",
    "gpt2-tiny",
    "mpnet-tiny",
];

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
    let golden = common::golden(name);
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

fn spec<'a>(
    model: &'a Path,
    method: &'a Method,
    task: &'a Task,
    settings: &'a TrainSettings,
) -> RunSpec<'a> {
    RunSpec {
        model,
        method,
        settings,
        task,
        seed: 13,
        demonstrations: None,
    }
}

fn settings(max_length: usize) -> TrainSettings {
    TrainSettings {
        learning_rate: 1e-3,
        pseudo_learning_rate: None,
        batch: 2,
        accumulation: 1,
        steps: 2,
        warmup: 0.0,
        weight_decay: 0.0,
        clip: 1.0,
        eval_every: 1,
        patience: None,
        max_length,
        threads: 1,
        device: DeviceChoice::Cpu,
        precision: Precision::Float32,
        recompute: false,
        ..TrainSettings::default()
    }
}

/// DART without fluency, with these parts.
fn plain(template: TemplateKind, labels: LabelKind) -> Method {
    let mut method = dart();
    (method.template, method.labels, method.fluency) = (template, labels, None);
    Method::Prompt(method)
}

fn built(name: &str, method: &Method, template: &str) -> Built {
    let task = Task {
        template: template.into(),
        ..task()
    };
    let (model, settings) = (goldens().join(name), settings(18));
    build_as(&spec(&model, method, &task, &settings), Kind::Double).unwrap()
}

fn logits(built: &Built, examples: &[Example]) -> Tensor {
    let encoded = built.encode(examples).unwrap();
    let encoded: Vec<&Encoded> = encoded.iter().collect();
    let batch = Batch::new(&encoded, built.pad, Device::Cpu).unwrap();
    tch::no_grad(|| built.classifier.logits(&batch, Mode::Evaluate)).unwrap()
}

fn texts() -> [Example; 3] {
    [
        example(0, "a fun and bright movie , musics", 2),
        example(1, "", 1),
        example(2, "so dull", 0),
    ]
}

#[test]
fn dart_starts_with_the_logits_of_zero_shot_in_every_family() {
    for name in FAMILIES {
        let method = plain(TemplateKind::Hard, LabelKind::Words);
        let wanted = logits(&built(name, &method, "{a} it was [MASK] ."), &texts());
        for (template, labels) in [
            (TemplateKind::Pseudo, LabelKind::Pseudo),
            (TemplateKind::Pseudo, LabelKind::Words),
            (TemplateKind::Hard, LabelKind::Pseudo),
        ] {
            let method = plain(template, labels);
            let got = logits(&built(name, &method, "{a} it was [MASK] ."), &texts());
            close(name, &got, &wanted, 1e-9);
        }
    }
}

/// The ids of words in the tiny vocabulary.
fn ids(built: &Built, words: &str) -> Vec<i64> {
    built.tokenizer.encode(words)
}

#[test]
fn a_causal_model_has_its_slot_behind_the_last_token() {
    let hard = plain(TemplateKind::Hard, LabelKind::Words);
    let built_pair = built("gpt2-tiny", &hard, "{a:chop} ? [MASK] , {b:lower}");
    let pair = Example {
        text_b: Some("It was fun .".into()),
        ..example(0, "A dull movie .", 0)
    };
    let encoded = &built_pair.encode(&[pair]).unwrap()[0];
    // What stood behind the slot stands before it, and there is no special token.
    assert_eq!(
        encoded.ids,
        ids(&built_pair, "a dull movie ? , it was fun .")
    );
    assert_eq!(encoded.slot, encoded.ids.len() - 1);

    let pseudo = plain(TemplateKind::Pseudo, LabelKind::Pseudo);
    let built = built("gpt2-tiny", &pseudo, "[MASK] : {a}");
    let vocab = LanguageModel::load(&goldens().join("gpt2-tiny"))
        .unwrap()
        .config
        .vocab;
    let encoded = built.encode(&texts()).unwrap();
    let mut wanted = vec![vocab];
    wanted.extend(ids(&built, "a fun and bright movie , musics"));
    assert_eq!(encoded[0].ids, wanted);
    assert_eq!(encoded[1].ids, [vocab], "an empty text leaves the template");
    assert!(encoded[1].maskable.is_empty());
}

/// Texts are cut to the length, all of which is theirs and the template's.
#[test]
fn a_causal_input_is_as_long_as_the_model_allows() {
    let hard = plain(TemplateKind::Hard, LabelKind::Words);
    let built = built("gpt2-tiny", &hard, "{a} it was [MASK] .");
    let encoded = built.encode(&[example(0, &"fun ".repeat(40), 0)]).unwrap();
    assert_eq!(encoded[0].ids.len(), 18);
    assert!(encoded[0].truncated);
    assert_eq!(encoded[0].ids[15..], ids(&built, "it was ."));
    let full = built.encode(&[example(0, &"fun ".repeat(15), 0)]).unwrap();
    assert_eq!((full[0].ids.len(), full[0].truncated), (18, false));
}

/// Class scores are the label words' next-token logits at the last token, pads or none.
#[test]
fn causal_class_scores_are_next_token_logits() {
    let dir = goldens().join("gpt2-tiny");
    let hard = plain(TemplateKind::Hard, LabelKind::Words);
    let built = built("gpt2-tiny", &hard, "{a} it was [MASK]");
    let got = logits(&built, &texts());
    let mut model = LanguageModel::load(&dir).unwrap();
    model.to(Device::Cpu, Kind::Double).unwrap();
    let words: Vec<i64> = task().words.iter().flat_map(|w| ids(&built, w)).collect();
    for (i, encoded) in built.encode(&texts()).unwrap().iter().enumerate() {
        let seq = encoded.ids.len() as i64;
        let inputs = model
            .embeddings
            .index_select(0, &Tensor::from_slice(&encoded.ids));
        let shape = Shape {
            keep: Tensor::ones([1, seq], (Kind::Float, Device::Cpu)),
            segments: None,
        };
        let all = model
            .encode(&inputs.unsqueeze(0), &shape, None, Mode::Evaluate)
            .unwrap();
        let next = all.get(0).get(seq - 1).matmul(&model.embeddings.tr());
        let wanted = next.index_select(0, &Tensor::from_slice(&words));
        close("next token", &got.get(i as i64), &wanted, 1e-9);
    }
}

#[test]
fn a_causal_model_refuses_fluency_and_trains_no_decoder_bias() {
    let (model, settings, task) = (goldens().join("gpt2-tiny"), settings(18), task());
    let method = Method::Prompt(dart());
    let error = build_as(&spec(&model, &method, &task, &settings), Kind::Float);
    let error = error.err().unwrap().to_string();
    assert!(
        error.contains("causal model") && error.contains("fluency: null"),
        "{error}"
    );

    for name in FAMILIES {
        let built = built(
            name,
            &plain(TemplateKind::Pseudo, LabelKind::Pseudo),
            &task.template,
        );
        let trained = built.classifier.parameters();
        let bias = trained.iter().any(|p| p.name == "pseudo.bias");
        let without = ["gpt2-tiny", "modernbert-biased-tiny"];
        assert_eq!(bias, !without.contains(&name), "{name}");
    }
}

#[test]
fn a_head_reads_a_causal_models_last_token() {
    let head = Method::Head(HeadMethod {
        train: TrainPart::Lm,
        embeddings: Embeddings::Frozen,
    });
    let built = built("gpt2-tiny", &head, "{a} [MASK]");
    let pair = Example {
        text_b: Some("so fun".into()),
        ..example(0, "a dull movie", 0)
    };
    let encoded = built
        .encode(&[pair, example(1, "", 0), example(2, "fun", 0)])
        .unwrap();
    let mut wanted = ids(&built, "a dull movie");
    wanted.push(built.tokenizer.special().sep);
    wanted.extend(ids(&built, "so fun"));
    assert_eq!((&encoded[0].ids, encoded[0].slot), (&wanted, 5));
    assert_eq!(encoded[1].ids, [built.tokenizer.special().sep]);
    assert_eq!((encoded[2].ids.len(), encoded[2].slot), (1, 0));
}

#[test]
fn a_causal_model_continues_a_text() {
    let dir = goldens().join("gpt2-tiny");
    let (model, tokenizer) = (LanguageModel::load(&dir), Tokenizer::load(&dir));
    let (model, tokenizer) = (model.unwrap(), tokenizer.unwrap());
    let fill = |text: &str| fill_mask(&model, &tokenizer, &[text.to_string()], 7);
    let filled = fill("it was a").unwrap();
    assert_eq!(filled[0].ids, tokenizer.encode("it was a"));
    assert_eq!(filled[0].position, 3);
    assert_eq!(filled[0].top.len(), 7);
    assert_eq!(filled[0].top, fill("it was a [MASK]").unwrap()[0].top);
    for text in ["[MASK]", "it [MASK] was", "[MASK] it was [MASK]"] {
        let error = fill(text).unwrap_err().to_string();
        assert!(error.contains("at its end only"), "{error}");
    }
}
