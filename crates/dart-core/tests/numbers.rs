//! The optimizer and the losses against PyTorch and mpmath (tests/goldens, made by scripts/goldens).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{close, goldens, tensors};
use dart_core::CoreError;
use dart_core::adamw::{AdamW, Betas, linear_schedule};
use dart_core::lm::{Parameter, Role};
use dart_core::objective::{class_loss, masked_word_loss};
use serde_json::Value;
use tch::{Kind, Tensor};

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(goldens().join(name)).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// All numbers of a nested list in order, and its shape.
fn array(value: &Value) -> (Vec<f64>, Vec<i64>) {
    match value {
        Value::Array(items) => {
            let parts: Vec<_> = items.iter().map(array).collect();
            let mut shape = vec![items.len() as i64];
            shape.extend(parts.first().map_or(&[][..], |p| &p.1));
            (parts.into_iter().flat_map(|p| p.0).collect(), shape)
        }
        other => (vec![number(other)], Vec::new()),
    }
}

fn tensor(value: &Value) -> Tensor {
    let (values, shape) = array(value);
    Tensor::from_slice(&values).view(shape.as_slice())
}

/// The golden's parameters, in the order in which torch was given them, with their weight decay.
const PARAMETERS: [(&str, f64); 3] = [("matrix", 0.01), ("bias", 0.0), ("norm", 0.0)];

/// Runs the golden's twenty steps, checks norms and rates, and gives each parameter after each
/// step, `[20, ..]`.
fn twenty_steps(kind: Kind) -> Vec<Tensor> {
    let golden = tensors(&goldens().join("adamw.safetensors"));
    let parameters: Vec<Parameter> = PARAMETERS
        .iter()
        .map(|(name, _)| {
            let start = golden[&format!("{name}_0")].to_kind(kind).copy();
            Parameter::new(*name, start, Role::Matrix)
        })
        .collect();
    let slots: Vec<_> = parameters
        .iter()
        .zip(PARAMETERS)
        .map(|(p, (_, decay))| (p.clone(), decay, 0))
        .collect();
    let mut optimizer = AdamW::new(&slots, Betas::default()).unwrap();
    let mut after: [Vec<Tensor>; 3] = Default::default();
    for step in 0..20 {
        optimizer.zero_gradients();
        for parameter in &parameters {
            if parameter.name == "bias" && step == 7 {
                continue;
            }
            let gradient = golden[&format!("{}_grad", parameter.name)]
                .get(step)
                .to_kind(kind);
            (&parameter.tensor * gradient).sum(kind).backward();
        }
        let rate = 1e-2 * linear_schedule(step as usize, 20, 0.2);
        let wanted = golden["learning_rate"].double_value(&[step]);
        assert!((rate - wanted).abs() < 1e-15, "rate at step {step}");
        let norm = optimizer.step(&[rate], 1.0).unwrap();
        let wanted = golden["grad_norm"].double_value(&[step]);
        assert!(
            (norm - wanted).abs() < 1e-6 * wanted,
            "norm at step {step}: {norm} is not {wanted}"
        );
        for (list, parameter) in after.iter_mut().zip(&parameters) {
            list.push(parameter.tensor.detach().copy());
        }
    }
    after.iter().map(|list| Tensor::stack(list, 0)).collect()
}

#[test]
fn adamw_equals_torch_over_twenty_steps() {
    let golden = tensors(&goldens().join("adamw.safetensors"));
    for kind in [Kind::Float, Kind::Double] {
        for ((name, _), got) in PARAMETERS.iter().zip(twenty_steps(kind)) {
            // torch skips the bias in step 7, where it has no gradient; we take it as 0.
            let same = if *name == "bias" { 7 } else { 20 };
            let wanted = golden[&format!("{name}_steps")].narrow(0, 0, same);
            let got = got.narrow(0, 0, same);
            close(&format!("{name} as {kind:?}"), &got, &wanted, 2e-6);
        }
    }
}

#[test]
fn adamw_goes_on_from_its_state_to_the_same_bits() {
    let run = |stop: Option<usize>| -> Vec<f32> {
        let mut tensor = Tensor::from_slice(&[0.3f32, -0.7, 1.1]);
        let new = |tensor: &Tensor| {
            let parameter = Parameter::new("w", tensor.shallow_clone(), Role::Matrix);
            AdamW::new(&[(parameter, 0.1, 1)], Betas::default()).unwrap()
        };
        let mut optimizer = new(&tensor);
        for step in 0..9 {
            if stop == Some(step) {
                let state: Vec<Tensor> = optimizer.state().iter().map(Tensor::copy).collect();
                tensor = tensor.detach().copy();
                let steps = optimizer.steps();
                optimizer = new(&tensor);
                optimizer.restore(&state, steps).unwrap();
            }
            optimizer.zero_gradients();
            // The step after the resumption has no gradient: 0, not the moments left alone.
            if step != 4 {
                let loss = tensor.square().sum(Kind::Float) * (step as f64 + 0.5);
                loss.backward();
            }
            optimizer.step(&[0.05, 0.025], 1.0).unwrap();
        }
        Vec::try_from(&tensor.detach()).unwrap()
    };
    assert_eq!(run(None), run(Some(4)));
}

#[test]
fn adamw_refuses_a_state_of_another_shape_and_a_norm_that_is_not_finite() {
    let tensor = Tensor::from_slice(&[1f32, 2.0]);
    let parameter = Parameter::new("w", tensor.shallow_clone(), Role::Matrix);
    let mut optimizer = AdamW::new(&[(parameter, 0.0, 0)], Betas::default()).unwrap();
    let zeros = |n: i64| Tensor::zeros([n], (Kind::Float, tch::Device::Cpu));
    for state in [vec![zeros(2)], vec![zeros(2), zeros(1)]] {
        let error = optimizer.restore(&state, 1).unwrap_err();
        assert!(matches!(error, CoreError::State(_)), "{error:?}");
        assert!(error.to_string().contains("of another model"), "{error}");
    }
    (&tensor * f64::INFINITY).sum(Kind::Float).backward();
    let error = optimizer.step(&[0.1], 1.0).unwrap_err();
    assert!(
        matches!(error, CoreError::Diverged { step: 1, .. }),
        "{error:?}"
    );
    let error = error.to_string();
    assert!(
        error.contains("step 1") && error.contains("learning rate"),
        "{error}"
    );
    assert_eq!(Vec::<f32>::try_from(&tensor).unwrap(), [1.0, 2.0]);
}

/// transformers' `get_linear_schedule_with_warmup(num_warmup_steps=3, num_training_steps=10)`.
#[test]
fn schedule_equals_transformers() {
    let wanted = [
        0.0,
        1.0 / 3.0,
        2.0 / 3.0,
        1.0,
        6.0 / 7.0,
        5.0 / 7.0,
        4.0 / 7.0,
        3.0 / 7.0,
        2.0 / 7.0,
        1.0 / 7.0,
        0.0,
    ];
    for (step, wanted) in wanted.into_iter().enumerate() {
        assert!((linear_schedule(step, 10, 0.3) - wanted).abs() < 1e-15);
    }
    assert_eq!(linear_schedule(0, 10, 0.0), 1.0);
    assert_eq!(linear_schedule(0, 1, 0.0), 1.0);
}

#[test]
fn class_loss_equals_torch() {
    let golden = json("losses.json");
    for (name, targets) in [("class", "labels"), ("full", "label_ids")] {
        let case = &golden[name];
        let logits = tensor(&case["logits"]).set_requires_grad(true);
        let labels = tensor(&case["labels"]).to_kind(Kind::Int64);
        let targets = match targets {
            "labels" => labels,
            ids => tensor(&case[ids])
                .to_kind(Kind::Int64)
                .index_select(0, &labels),
        };
        let loss = class_loss(&logits, &targets).unwrap();
        loss.backward();
        let wanted = number(&case["loss"]);
        assert!(
            (loss.double_value(&[]) - wanted).abs() < 1e-12 * wanted,
            "{name}"
        );
        close(name, &logits.grad(), &tensor(&case["grad"]), 1e-12);
    }
}

/// Sum over labels, mean over an example's masks, mean over the batch, from the parts that
/// [`masked_word_loss`] gives; `weights` `[batch, n]`.
fn fluency(case: &Value, weights: &Tensor) -> (Tensor, Tensor) {
    let logits = tensor(&case["logits"]).set_requires_grad(true); // [B, n, k, V]
    let (batch, n, k, v) = logits.size4().unwrap();
    let long = |key: &str| tensor(&case[key]).to_kind(Kind::Int64);
    let targets = long("masked").unsqueeze(1).expand([batch, n, k], false);
    let truth = long("labels")
        .one_hot(n)
        .unsqueeze(2)
        .expand([batch, n, k], false);
    let losses = masked_word_loss(
        &logits.view([-1, v]),
        &targets.reshape([-1]),
        &truth.reshape([-1]),
    )
    .unwrap()
    .view([batch, n, k]);
    let masks = long("masks").unsqueeze(1);
    let counted = Tensor::arange(k, (Kind::Int64, tch::Device::Cpu)).lt_tensor(&masks);
    let share = counted.to_kind(Kind::Double) / masks.clamp_min(1);
    let scaled = losses * share.unsqueeze(1) * weights.unsqueeze(2);
    let per_example = scaled.sum_dim_intlist([1i64, 2].as_slice(), false, Kind::Double);
    per_example.mean(Kind::Double).backward();
    (per_example.detach(), logits.grad())
}

#[test]
fn fluency_loss_equals_torch() {
    let golden = json("losses.json");
    for name in ["fluency", "fluency_k"] {
        let case = &golden[name];
        let truth = tensor(&case["labels"]).to_kind(Kind::Int64).one_hot(3);
        let weights = match name {
            "fluency" => truth.ones_like(),
            _ => {
                let wrong = tensor(&case["wrong"]).to_kind(Kind::Int64);
                truth.scatter_value(1, &wrong, 2)
            }
        };
        let (per_example, gradient) = fluency(case, &weights.to_kind(Kind::Double));
        close(name, &per_example, &tensor(&case["per_example"]), 1e-12);
        close(name, &gradient, &tensor(&case["grad"]), 1e-12);
    }
}

/// Loss and gradient stay right where p or 1 − p underflows: relative to the value, in units of
/// rounding of the largest logit, down to the smallest normal number of the kind; below, to 0.
#[test]
fn fluency_loss_is_right_at_both_ends() {
    let cases = json("losses_extreme.json");
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let size = array(&case["logits"])
            .0
            .iter()
            .fold(1f64, |a, b| a.max(b.abs()));
        for (kind, epsilon, tiny) in [
            (Kind::Double, f64::EPSILON, 1e-300),
            (Kind::Float, f64::from(f32::EPSILON), 1e-37),
        ] {
            let tolerance = 4.0 * epsilon * size;
            let logits = tensor(&case["logits"])
                .to_kind(kind)
                .set_requires_grad(true);
            let target = tensor(&case["x"]).to_kind(Kind::Int64).view([1]);
            let wanted = tensor(&case["target"]).view([1]);
            let loss = masked_word_loss(&logits.unsqueeze(0), &target, &wanted).unwrap();
            loss.sum(kind).backward();
            let mut pairs = vec![(loss.double_value(&[0]), number(&case["loss"]))];
            let gradient = Vec::<f64>::try_from(&logits.grad().to_kind(Kind::Double)).unwrap();
            pairs.extend(gradient.into_iter().zip(array(&case["grad"]).0));
            for (got, wanted) in pairs {
                assert!(
                    (got - wanted).abs() <= tolerance * wanted.abs() + tiny,
                    "{} target {} as {kind:?}: {got:e} is not {wanted:e}",
                    case["name"],
                    case["target"]
                );
            }
        }
    }
}

/// Half precision is widened first: at p = 1 − 2⁻¹² float16 would give a loss of 0.
#[test]
fn fluency_loss_of_half_logits_is_computed_in_float32() {
    let logits = Tensor::from_slice(&[9f32, 0.0, 0.5])
        .to_kind(Kind::Half)
        .unsqueeze(0);
    let one = |x: i64| Tensor::from_slice(&[x]);
    let loss = masked_word_loss(&logits, &one(0), &one(1)).unwrap();
    assert_eq!(loss.kind(), Kind::Float);
    let wanted = ((1f64 + 0.5f64.exp()) / 9f64.exp()).ln_1p();
    assert!((loss.double_value(&[0]) - wanted).abs() < 1e-5 * wanted);
}

/// Central differences in float64 agree with both losses' gradients.
#[test]
fn losses_have_the_gradients_of_finite_differences() {
    let golden = json("losses.json");
    let logits = tensor(&golden["full"]["logits"]);
    let (batch, width) = logits.size2().unwrap();
    let targets = Tensor::from_slice(&[3i64, 0, 16, 7, 11]);
    let wanted = Tensor::from_slice(&[1.0, 0.0, 1.0, 0.0, 0.0]);
    type Loss<'a> = &'a dyn Fn(&Tensor) -> Tensor;
    let class: Loss = &|z| class_loss(z, &targets).unwrap();
    let fluency: Loss = &|z| {
        masked_word_loss(z, &targets, &wanted)
            .unwrap()
            .mean(Kind::Double)
    };
    for (name, loss) in [("class", class), ("fluency", fluency)] {
        let leaf = logits.copy().set_requires_grad(true);
        loss(&leaf).backward();
        let step = 1e-5;
        for i in 0..batch {
            for j in 0..width {
                let at = |shift: f64| {
                    let moved = logits.copy();
                    let _ = moved.get(i).get(j).g_add_scalar_(shift);
                    loss(&moved).double_value(&[])
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                let gradient = leaf.grad().double_value(&[i, j]);
                assert!(
                    (slope - gradient).abs() < 1e-9,
                    "{name}: {slope} {gradient}"
                );
            }
        }
    }
}
