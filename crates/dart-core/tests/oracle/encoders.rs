//! BERT and its relatives.

use rust_bert::albert::{AlbertConfig, AlbertForMaskedLM};
use rust_bert::bert::{BertConfig, BertEmbeddings, BertForMaskedLM, BertModel};
use rust_bert::distilbert::{DistilBertConfig, DistilBertModelMaskedLM};
use rust_bert::electra::{ElectraConfig, ElectraForMaskedLM, ElectraModel};
use rust_bert::roberta::RobertaForMaskedLM;
use serde_json::Value;
use tch::{Device, Tensor, nn};

use super::common::{goldens, minilm, tensors};
use super::{Batch, LanguageModel, fill, folder, parsed, settings, weights};

#[test]
fn bert_equals_rust_bert() {
    let store = nn::VarStore::new(Device::Cpu);
    let theirs = BertForMaskedLM::new(store.root(), &parsed::<BertConfig>(&settings("bert-tiny")));
    let tied = [
        "cls.predictions.decoder.weight",
        "bert.embeddings.word_embeddings.weight",
    ];
    fill(&store, &weights("bert-tiny"), tied, &[]);
    let batch = Batch::of("bert-tiny");
    let (_, logits) = batch.ours(&goldens().join("bert-tiny"));
    let Batch {
        ids,
        mask,
        segments,
    } = &batch;
    let wanted = theirs.forward_t(
        Some(ids),
        Some(mask),
        Some(segments),
        None,
        None,
        None,
        None,
        false,
    );
    batch.close("logits", &logits, &wanted.prediction_scores, 1e-4);
}

#[test]
fn minilm_equals_rust_bert() {
    let text = std::fs::read_to_string(minilm().join("config.json")).unwrap();
    let config: BertConfig = serde_json::from_str(&text).unwrap();
    let store = nn::VarStore::new(Device::Cpu);
    let theirs =
        BertModel::<BertEmbeddings>::new_with_optional_pooler(store.root(), &config, false);
    let stored = tensors(&minilm().join("model.safetensors"));
    fill(&store, &stored, ["", ""], &[]);
    let ours = LanguageModel::load_encoder(&minilm()).unwrap();
    let batch = Batch::of("minilm");
    let Batch {
        ids,
        mask,
        segments,
    } = &batch;
    let wanted = theirs.forward_t(
        Some(ids),
        Some(mask),
        Some(segments),
        None,
        None,
        None,
        None,
        false,
    );
    let wanted = wanted.unwrap().hidden_state;
    batch.close("hidden states", &batch.hidden(&ours), &wanted, 1e-5);
}

/// Their logits of a RoBERTa or XLM-R.
fn roberta(name: &str, batch: &Batch) -> Tensor {
    let store = nn::VarStore::new(Device::Cpu);
    let theirs = RobertaForMaskedLM::new(store.root(), &parsed::<BertConfig>(&settings(name)));
    let tied = [
        "lm_head.decoder.weight",
        "roberta.embeddings.word_embeddings.weight",
    ];
    fill(&store, &weights(name), tied, &[]);
    let (ids, mask) = (Some(&batch.ids), Some(&batch.mask));
    let output = theirs.forward_t(ids, mask, None, None, None, None, None, false);
    output.prediction_scores
}

/// rust-bert has 1e-12 wherever config.json says 1e-5, as published RoBERTas and XLM-Rs do.
#[test]
fn roberta_equals_rust_bert_but_for_its_hard_coded_eps() {
    for name in ["roberta-tiny", "xlm-roberta-tiny"] {
        let batch = Batch::of(name);
        let theirs = roberta(name, &batch);
        let mut settings = settings(name);
        assert_eq!(settings["layer_norm_eps"], 1e-5);
        let (_, logits) = batch.ours(&goldens().join(name));
        batch.apart(name, &logits, &theirs, 1e-4);
        settings["layer_norm_eps"] = 1e-12.into();
        let (_, logits) = batch.ours(folder(&weights(name), &settings).path());
        batch.close(name, &logits, &theirs, 1e-5);
    }
}

#[test]
fn distilbert_equals_rust_bert() {
    let mut settings = settings("distilbert-tiny");
    settings["tie_weights_"] = true.into();
    let store = nn::VarStore::new(Device::Cpu);
    let config = parsed::<DistilBertConfig>(&settings);
    let theirs = DistilBertModelMaskedLM::new(store.root(), &config);
    let tied = [
        "vocab_projector.weight",
        "distilbert.embeddings.word_embeddings.weight",
    ];
    fill(&store, &weights("distilbert-tiny"), tied, &[]);
    let batch = Batch::of("distilbert-tiny");
    let (_, logits) = batch.ours(&goldens().join("distilbert-tiny"));
    let wanted = theirs.forward_t(Some(&batch.ids), Some(&batch.mask), None, false);
    let wanted = wanted.unwrap().prediction_scores;
    batch.close("logits", &logits, &wanted, 1e-4);
}

/// A key that Hugging Face's files have not had since 2020.
#[test]
fn distilberts_settings_demand_a_key_that_files_lack() {
    let settings = settings("distilbert-tiny");
    let error = serde_json::from_value::<DistilBertConfig>(settings).unwrap_err();
    assert!(error.to_string().contains("missing field `tie_weights_`"));
}

#[test]
fn albert_equals_rust_bert() {
    let name = "albert-tiny";
    let store = nn::VarStore::new(Device::Cpu);
    let theirs = AlbertForMaskedLM::new(store.root(), &parsed::<AlbertConfig>(&settings(name)));
    let tied = [
        "predictions.decoder.weight",
        "albert.embeddings.word_embeddings.weight",
    ];
    let pooler = ["albert.pooler.bias", "albert.pooler.weight"];
    fill(&store, &weights(name), tied, &pooler);
    let batch = Batch::of(name);
    let (_, logits) = batch.ours(&goldens().join(name));
    let Batch {
        ids,
        mask,
        segments,
    } = &batch;
    let wanted = theirs.forward_t(Some(ids), Some(mask), Some(segments), None, None, false);
    batch.close("logits", &logits, &wanted.prediction_scores, 1e-4);
}

const ELECTRA: &str = "electra-tiny";

/// Their hidden states.
fn electra(batch: &Batch) -> Tensor {
    let store = nn::VarStore::new(Device::Cpu);
    let config = parsed::<ElectraConfig>(&settings(ELECTRA));
    let theirs = ElectraModel::new(store.root() / "electra", &config);
    fill(&store, &weights(ELECTRA), ["", ""], &[]);
    let Batch {
        ids,
        mask,
        segments,
    } = batch;
    let output = theirs.forward_t(Some(ids), Some(mask), Some(segments), None, None, false);
    output.unwrap().hidden_state
}

/// They add the mask's 0 and 1 to the scores, so that a pad is attended.
#[test]
fn electra_equals_rust_bert_but_for_pads() {
    let folder = goldens().join(ELECTRA);
    let padded = Batch::of(ELECTRA);
    let (hidden, _) = padded.ours(&folder);
    padded.apart("with pads", &hidden, &electra(&padded), 1e-2);
    let full = padded.without_pads();
    let (hidden, _) = full.ours(&folder);
    full.close("without pads", &hidden, &electra(&full), 1e-5);
}

/// Their generator's head has 1e-5 where config.json says 1e-12, which small values show.
#[test]
fn electras_head_equals_rust_bert_but_for_its_hard_coded_eps() {
    let (mut settings, mut weights) = (settings(ELECTRA), weights(ELECTRA));
    for (name, tensor) in &mut weights {
        if name.starts_with("generator_predictions.dense") {
            *tensor *= 0.01;
        }
    }
    let store = nn::VarStore::new(Device::Cpu);
    let theirs = ElectraForMaskedLM::new(store.root(), &parsed::<ElectraConfig>(&settings));
    let tied = [
        "generator_lm_head.weight",
        "electra.embeddings.word_embeddings.weight",
    ];
    fill(&store, &weights, tied, &[]);
    let batch = Batch::of(ELECTRA).without_pads();
    let Batch {
        ids,
        mask,
        segments,
    } = &batch;
    let wanted = theirs.forward_t(Some(ids), Some(mask), Some(segments), None, None, false);
    let hidden = electra(&batch);
    let mut logits = |eps: f64| {
        settings["layer_norm_eps"] = Value::from(eps);
        let dir = folder(&weights, &settings);
        let ours = LanguageModel::load(dir.path()).unwrap();
        let head = ours.transform(&hidden).unwrap();
        LanguageModel::decode(&head, &ours.embeddings, &ours.bias).unwrap()
    };
    batch.apart("1e-12", &logits(1e-12), &wanted.prediction_scores, 1e-2);
    batch.close("1e-5", &logits(1e-5), &wanted.prediction_scores, 1e-5);
}
