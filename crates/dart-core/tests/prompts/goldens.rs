//! Losses and gradients against transformers, and against themselves.

use super::*;

#[test]
fn ids_are_those_of_the_golden() {
    for case in &CASES {
        let golden = case.golden();
        let hard = PromptMethod {
            template: TemplateRows::Hard,
            ..dart()
        };
        for (method, key) in [(dart(), "pseudo_ids"), (hard, "hard_ids")] {
            let prompt = case.prompt(&method);
            for (i, example) in case.encoded(&prompt, &golden).iter().enumerate() {
                let row = golden[key].get(i as i64);
                let row = Vec::<i64>::try_from(&row).unwrap();
                assert_eq!(row[..example.ids.len()], example.ids);
                let slot = golden["mask_position"].int64_value(&[i as i64]);
                assert_eq!(slot, example.slot as i64);
            }
        }
    }
}

/// DART before training, started from single-token words, is the zero-shot prompt.
#[test]
fn dart_starts_with_the_logits_of_zero_shot() {
    for case in &CASES {
        let golden = case.golden();
        for (template, labels) in [
            (TemplateRows::PSEUDO, LabelRows::PSEUDO),
            (TemplateRows::PSEUDO, LabelRows::Words),
            (TemplateRows::Hard, LabelRows::PSEUDO),
            (TemplateRows::Hard, LabelRows::Words),
        ] {
            let method = PromptMethod {
                template,
                labels,
                ..dart()
            };
            let prompt = case.prompt(&method);
            let logits = prompt.logits(&case.encoded(&prompt, &golden));
            let size = golden["zero_shot"].abs().max().double_value(&[]);
            close(case.name, &logits, &golden["zero_shot"], 1e-6 * size);
        }
    }
}

#[test]
fn losses_equal_transformers() {
    for case in &CASES {
        let value = |golden: &BTreeMap<String, Tensor>, key: &str| golden[key].double_value(&[]);
        let near = |what: &str, got: f64, wanted: f64| {
            let message = format!("{} {what}: {got} is not {wanted}", case.name);
            assert!((got - wanted).abs() < 1e-6 * wanted.abs(), "{message}");
        };
        for full_vocab in [false, true] {
            let method = PromptMethod {
                full_vocab,
                ..dart()
            };
            let (prompt, encoded, golden) = middle(case, &method);
            let losses = prompt.backward(&encoded, 0, 1.0);
            let class = if full_vocab {
                "loss_full"
            } else {
                "loss_class"
            };
            near(class, losses.class, value(&golden, class));
            let fluency = losses.fluency.unwrap();
            near("fluency", fluency, value(&golden, "loss_fluency"));
            let rows = golden["logits"].size()[1];
            let wanted = golden["logits"].narrow(1, rows - 3, 3);
            let size = wanted.abs().max().double_value(&[]);
            close(case.name, &prompt.logits(&encoded), &wanted, 1e-6 * size);
        }
    }
}

/// One backward pass a label adds up to the gradient of the one loss; the two blocks stored apart
/// have the gradients of the masked dense one, and the same global norm.
#[test]
fn gradients_and_their_norm_equal_the_masked_dense_ones() {
    for case in &CASES {
        for embeddings in [Embeddings::Frozen, Embeddings::Trained] {
            let method = PromptMethod {
                embeddings,
                ..dart()
            };
            let (prompt, encoded, golden) = middle(case, &method);
            let parameters = prompt.parameters();
            let slots: Vec<_> = parameters.iter().map(|p| (p.clone(), 0.0, 0)).collect();
            let optimizer = AdamW::new(&slots, Betas::default()).unwrap();
            prompt.backward(&encoded, 0, 1.0);
            let size = golden["grad_dense"].abs().max().double_value(&[]);
            for (name, key) in [("rows", "grad_pseudo"), ("bias", "grad_pseudo_bias")] {
                let got = find(&parameters, &format!("pseudo.{name}")).grad();
                close(key, &got, &golden[key], 1e-6 * size);
            }
            let text = std::fs::read_to_string(goldens().join(format!("dart/{}.json", case.name)));
            let json: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
            let wanted = match embeddings {
                Embeddings::Frozen => &json["norm_masked"],
                Embeddings::Trained => &json["norm_dense"],
            };
            let (norm, wanted) = (optimizer.gradient_norm().unwrap(), wanted.as_f64().unwrap());
            assert!(
                (norm - wanted).abs() < 1e-9 * wanted,
                "{}: {norm} {wanted}",
                case.name
            );
            if embeddings == Embeddings::Trained {
                let got = prompt.vocabulary[0].tensor.grad();
                let wanted = golden["grad_dense"].narrow(0, 0, got.size()[0]);
                close("E", &got, &wanted, 1e-6 * size);
                continue;
            }
            assert!(prompt.vocabulary.iter().all(|p| !p.tensor.requires_grad()));
            for p in parameters.iter().filter(|p| !p.name.starts_with("pseudo.")) {
                let wanted = json["grad_norms"][&p.name].as_f64().unwrap();
                let norm = p.tensor.grad().norm().double_value(&[]);
                assert!(
                    (norm - wanted).abs() < 1e-9 * wanted.max(1.0),
                    "{}: {norm}",
                    p.name
                );
            }
        }
    }
}

/// Central differences of L_C + λ L_F through the whole model.
#[test]
fn gradients_equal_finite_differences() {
    for full_vocab in [false, true] {
        let method = PromptMethod {
            full_vocab,
            ..dart()
        };
        let prompt = Prompt::toy(&method);
        let encoded = prompt.encode(&[("so dull", 0), ("", 1), ("a fun and bright movie", 2)]);
        let parameters = prompt.parameters();
        let loss = || {
            let losses = prompt.backward(&encoded, 5, 1.0);
            losses.class + 0.7 * losses.fluency.unwrap()
        };
        loss();
        slopes(&parameters, |count| vec![count / 3, count - 1], loss);
    }
}

#[test]
fn micro_batches_add_up_to_the_batch() {
    for labels in [FluencyLabels::All, FluencyLabels::K(2)] {
        let mut method = dart();
        method.fluency.as_mut().unwrap().labels = labels;
        let prompt = Prompt::toy(&method);
        let mut encoded = prompt.encode(&[("so dull", 0), ("", 1), ("fun", 2), ("a bad movie", 1)]);
        for example in &mut encoded {
            example.maskable.truncate(1); // the mask of an example depends on its micro-batch
        }
        let run = |size: usize| {
            let mut parameters = prompt.parameters();
            parameters.iter_mut().for_each(|p| p.tensor.zero_grad());
            for micro in encoded.chunks(size) {
                prompt.backward(micro, 0, size as f64 / 4.0);
            }
            gradients(&parameters)
        };
        for (one, many) in run(4).iter().zip(run(1)) {
            close(
                "accumulated",
                &many,
                one,
                1e-10 * one.abs().max().double_value(&[]).max(1.0),
            );
        }
    }
}
