//! All families against Hugging Face's on the same weights (tests/goldens, made by
//! scripts/goldens/make_encoders.py and families.py).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::{close, golden, goldens};
use dart_core::lm::{LanguageModel, Mode, Shape};
use tch::{Kind, Tensor};

/// Model folder and the folder of its expected values.
const MODELS: [(&str, &str); 15] = [
    ("bert-tiny", "bert-tiny"),
    ("bert-tiny-old", "bert-tiny"),
    ("bert-tiny-sharded", "bert-tiny"),
    ("roberta-tiny", "roberta-tiny"),
    ("distilbert-tiny", "distilbert-tiny"),
    ("electra-tiny", "electra-tiny"),
    ("albert-tiny", "albert-tiny"),
    ("modernbert-tiny", "modernbert-tiny"),
    ("modernbert-biased-tiny", "modernbert-biased-tiny"),
    ("deberta-tiny", "deberta-tiny"),
    ("deberta-v2-tiny", "deberta-v2-tiny"),
    ("deberta-v3-tiny", "deberta-v3-tiny"),
    ("gpt2-tiny", "gpt2-tiny"),
    ("xlm-roberta-tiny", "xlm-roberta-tiny"),
    ("mpnet-tiny", "mpnet-tiny"),
];

struct Forward {
    inputs: Tensor,
    shape: Shape,
    keep: Tensor,
}

fn forward(model: &LanguageModel, golden: &BTreeMap<String, Tensor>) -> Forward {
    let ids = &golden["input_ids"];
    let inputs = model.embeddings.index_select(0, &ids.reshape([-1]));
    let mut shape = ids.size();
    shape.push(model.config.embedding);
    let keep = golden["attention_mask"].to_kind(Kind::Float);
    let segments = (model.config.token_types > 1).then(|| golden["token_type_ids"].shallow_clone());
    let inputs = inputs
        .view(shape.as_slice())
        .detach()
        .set_requires_grad(true);
    Forward {
        inputs,
        shape: Shape {
            keep: keep.shallow_clone(),
            segments,
        },
        keep,
    }
}

#[test]
fn hidden_states_and_logits_equal_hugging_face() {
    for (name, expected) in MODELS {
        let model = LanguageModel::load(&goldens().join(name)).unwrap();
        let golden = golden(expected);
        let f = forward(&model, &golden);
        let hidden = model
            .encode(&f.inputs, &f.shape, None, Mode::Evaluate)
            .unwrap();
        let tokens = f.keep.unsqueeze(-1);
        let last = format!("hidden_{}", model.config.layers);
        close(
            &format!("{name} hidden"),
            &(&hidden * &tokens),
            &(&golden[&last] * &tokens),
            1e-4,
        );
        let head = model.transform(&hidden).unwrap();
        let logits = LanguageModel::decode(&head, &model.embeddings, &model.bias).unwrap();
        close(
            &format!("{name} logits"),
            &(logits * &tokens),
            &(&golden["logits"] * &tokens),
            1e-4,
        );
    }
}

#[test]
fn positions_read_alone_equal_all_positions() {
    for (name, expected) in MODELS {
        let model = LanguageModel::load(&goldens().join(name)).unwrap();
        let f = forward(&model, &golden(expected));
        // The first and the last token of each example.
        let last = f
            .keep
            .sum_dim_intlist([1i64].as_slice(), false, Kind::Int64)
            - 1;
        let read = Tensor::stack(&[last.zeros_like(), last], 1);
        let some = model
            .encode(&f.inputs, &f.shape, Some(&read), Mode::Evaluate)
            .unwrap();
        let all = model
            .encode(&f.inputs, &f.shape, None, Mode::Evaluate)
            .unwrap();
        let index = read
            .unsqueeze(-1)
            .expand([-1, -1, model.config.hidden], false);
        close(name, &some, &all.gather(1, &index, false), 2e-5);
    }
}

/// The golden's loss.
fn loss(model: &LanguageModel, f: &Forward, golden: &BTreeMap<String, Tensor>) -> Tensor {
    let hidden = model.encode(&f.inputs, &f.shape, None, Mode::Evaluate);
    let head = model.transform(&hidden.unwrap()).unwrap();
    let logits = LanguageModel::decode(&head, &model.embeddings, &model.bias).unwrap();
    let rows = &golden["loss_rows"]; // [n, 2]: batch, position
    let seq = golden["input_ids"].size()[1];
    let at = rows.select(1, 0) * seq + rows.select(1, 1);
    let chosen = logits.view([-1, model.config.vocab]).index_select(0, &at);
    (chosen * &golden["loss_weights"]).sum(Kind::Float)
}

#[test]
fn gradients_of_the_inputs_equal_hugging_face() {
    for (name, expected) in MODELS {
        let model = LanguageModel::load(&goldens().join(name)).unwrap();
        let golden = golden(expected);
        let f = forward(&model, &golden);
        loss(&model, &f, &golden).backward();
        let got = f.inputs.grad();
        // Float32 rounds in proportion to the values, which these random weights make large.
        let scale = golden["grad_inputs"].abs().max().double_value(&[]).max(1.0);
        close(
            &format!("{name} gradient"),
            &got,
            &golden["grad_inputs"],
            1e-4 * scale,
        );
    }
}

/// All of its layers and both directions of distance, the farthest bucket included, lead there.
#[test]
fn the_gradient_of_mpnets_relative_bias_equals_hugging_face() {
    let model = LanguageModel::load(&goldens().join("mpnet-tiny")).unwrap();
    let golden = golden("mpnet-tiny");
    let parameters = model.encoder_parameters();
    let bias = parameters.iter().find(|p| p.name.contains("relative"));
    let bias = bias.unwrap().tensor.set_requires_grad(true);
    loss(&model, &forward(&model, &golden), &golden).backward();
    let wanted = &golden["grad_bias"];
    let scale = wanted.abs().max().double_value(&[]).max(1.0);
    close("relative bias", &bias.grad(), wanted, 1e-4 * scale);
}

#[test]
fn pads_do_not_change_logits() {
    for (name, expected) in MODELS {
        let model = LanguageModel::load(&goldens().join(name)).unwrap();
        let golden = golden(expected);
        let f = forward(&model, &golden);
        let all = model
            .encode(&f.inputs, &f.shape, None, Mode::Evaluate)
            .unwrap();
        for row in 0..f.keep.size()[0] {
            let length = f.keep.get(row).sum(Kind::Float).double_value(&[]) as i64;
            let cut = |t: &Tensor| t.narrow(0, row, 1).narrow(1, 0, length);
            let shape = Shape {
                keep: cut(&f.keep),
                segments: f.shape.segments.as_ref().map(cut),
            };
            let alone = model
                .encode(&cut(&f.inputs), &shape, None, Mode::Evaluate)
                .unwrap();
            close(&format!("{name} padded"), &cut(&all), &alone, 2e-5);
        }
    }
}
