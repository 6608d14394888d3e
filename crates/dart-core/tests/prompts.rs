//! DART's losses and gradients against transformers with an enlarged vocabulary
//! (tests/goldens/dart), and the rules that no golden can show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{close, dart, example, goldens, gradients, slopes, task, tensors, without_dropout};
use dart_core::adamw::{AdamW, Betas};
use dart_core::classifier::{Classifier, Losses, Place, PromptClassifier};
use dart_core::fill_mask::fill_mask;
use dart_core::lm::{LanguageModel, Mode, Parameter, Shape};
use dart_core::method::{
    Embeddings, FluencyLabels, FluencyMask, LabelKind, LabelPieces, PromptMethod, RowInit,
    TemplateKind, TrainPart,
};
use dart_core::prompt::{Batch, Encoded, Encoder, Template, Verbalizer};
use dart_core::tokenizer::Tokenizer;
use tch::{Device, Kind, Tensor};

/// A classifier in float64 with all that is in it.
struct Prompt {
    classifier: PromptClassifier,
    tokenizer: Tokenizer,
    /// E and the decoder's bias.
    vocabulary: Vec<Parameter>,
}

fn prompt(dir: &Path, method: &PromptMethod, template: &str, words: &[String]) -> Prompt {
    let tokenizer = Tokenizer::load(dir).unwrap();
    let mut lm = LanguageModel::load(dir).unwrap();
    lm.to(Device::Cpu, Kind::Double).unwrap();
    let vocabulary = lm.vocabulary_parameters();
    let from = (method.template == TemplateKind::Pseudo).then_some(lm.config.vocab);
    let template = Template::parse(template).unwrap();
    let longest = lm.config.max_length();
    let encoder = Encoder::prompt(&template, from, &tokenizer, longest).unwrap();
    let verbalizer = Verbalizer::new(words, LabelPieces::Mean, &tokenizer).unwrap();
    let special = tokenizer.special();
    let classifier = PromptClassifier::new(lm, method, encoder, verbalizer, special, 13).unwrap();
    // The sums are small; threads would only wait for each other.
    tch::set_num_threads(1);
    for p in classifier.parameters() {
        let _ = p.tensor.set_requires_grad(true);
    }
    Prompt {
        classifier,
        tokenizer,
        vocabulary,
    }
}

impl Prompt {
    /// On bert-tiny, with the toy task's template and words.
    fn toy(method: &PromptMethod) -> Self {
        let dir = without_dropout("bert-tiny");
        prompt(dir.path(), method, &task().template, &task().words)
    }

    fn encode(&self, texts: &[(&str, usize)]) -> Vec<Encoded> {
        let encoder = self.classifier.encoder();
        texts
            .iter()
            .map(|(text, label)| encoder.encode(&example(0, text, *label), &self.tokenizer))
            .collect::<Result<_, _>>()
            .unwrap()
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.classifier.parameters()
    }

    fn backward(&self, examples: &[Encoded], step: u64, scale: f64) -> Losses {
        let place = Place {
            seed: 13,
            step,
            micro: 0,
        };
        let examples: Vec<&Encoded> = examples.iter().collect();
        self.classifier.backward(&examples, place, scale).unwrap()
    }

    fn logits(&self, examples: &[Encoded]) -> Tensor {
        let examples: Vec<&Encoded> = examples.iter().collect();
        let pad = self.tokenizer.special().pad;
        let batch = Batch::new(&examples, pad, Device::Cpu).unwrap();
        self.classifier.logits(&batch, Mode::Evaluate).unwrap()
    }

    fn fluency(&self, examples: &[Encoded], step: u64) -> f64 {
        self.backward(examples, step, 1.0).fluency.unwrap()
    }
}

fn find<'a>(parameters: &'a [Parameter], name: &str) -> &'a Tensor {
    &parameters.iter().find(|p| p.name == name).unwrap().tensor
}

fn copy_into(to: &Tensor, from: &Tensor) {
    tch::no_grad(|| to.shallow_clone().copy_(from));
}

/// The prompt that a golden was made with.
struct Case {
    name: &'static str,
    template: &'static str,
    words: [&'static str; 3],
    texts: [&'static str; 3],
}

const CASES: [Case; 2] = [
    Case {
        name: "bert-tiny",
        template: "{a} it was [MASK] .",
        words: ["terrible", "okay", "great"],
        texts: ["a fun and bright movie , musics", "", "so dull"],
    },
    Case {
        name: "albert-tiny",
        template: "{a} w50 [MASK] w51 w52",
        words: ["w60", "w61", "w62"],
        texts: ["w30 w31 w32 w33 w34 w35", "", "w36 w37"],
    },
];

impl Case {
    fn golden(&self) -> BTreeMap<String, Tensor> {
        tensors(&goldens().join(format!("dart/{}.safetensors", self.name)))
    }

    fn prompt(&self, method: &PromptMethod) -> Prompt {
        let words = self.words.map(String::from);
        prompt(
            without_dropout(self.name).path(),
            method,
            self.template,
            &words,
        )
    }

    /// The golden's batch: its labels, and its masked words the only ones that can be masked.
    fn encoded(&self, prompt: &Prompt, golden: &BTreeMap<String, Tensor>) -> Vec<Encoded> {
        let labels = Vec::<i64>::try_from(&golden["labels"]).unwrap();
        let masked = Vec::<i64>::try_from(&golden["masked_position"]).unwrap();
        let texts: Vec<(&str, usize)> = self
            .texts
            .iter()
            .zip(&labels)
            .map(|(&text, &label)| (text, label as usize))
            .collect();
        let mut encoded = prompt.encode(&texts);
        for (example, position) in encoded.iter_mut().zip(masked) {
            let wanted: Vec<usize> = usize::try_from(position).into_iter().collect();
            assert!(wanted.iter().all(|p| example.maskable.contains(p)));
            assert_eq!(wanted.is_empty(), example.maskable.is_empty());
            example.maskable = wanted;
        }
        encoded
    }
}

/// With the golden's rows, as in the middle of training.
fn middle(case: &Case, method: &PromptMethod) -> (Prompt, Vec<Encoded>, BTreeMap<String, Tensor>) {
    let golden = case.golden();
    let prompt = case.prompt(method);
    let parameters = prompt.parameters();
    copy_into(find(&parameters, "pseudo.rows"), &golden["pseudo"]);
    copy_into(find(&parameters, "pseudo.bias"), &golden["pseudo_bias"]);
    let encoded = case.encoded(&prompt, &golden);
    (prompt, encoded, golden)
}

#[test]
fn ids_are_those_of_the_golden() {
    for case in &CASES {
        let golden = case.golden();
        let hard = PromptMethod {
            template: TemplateKind::Hard,
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
            (TemplateKind::Pseudo, LabelKind::Pseudo),
            (TemplateKind::Pseudo, LabelKind::Words),
            (TemplateKind::Hard, LabelKind::Pseudo),
            (TemplateKind::Hard, LabelKind::Words),
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
            let slots: Vec<_> = parameters.iter().map(|p| (p.clone(), 0.0, 1.0)).collect();
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

/// The values that the fluency loss takes over many draws, and how often.
fn distribution(prompt: &Prompt, encoded: &[Encoded], draws: u64) -> Vec<(f64, u64)> {
    let mut values: Vec<(f64, u64)> = Vec::new();
    for step in 0..draws {
        let value = prompt.fluency(encoded, step);
        match values.iter_mut().find(|(v, _)| (v - value).abs() < 1e-9) {
            Some((_, count)) => *count += 1,
            None => values.push((value, 1)),
        }
    }
    values
}

/// `k: 1` of two wrong labels: two values, equally frequent, whose mean is the loss over all
/// labels; `sampled`: one value a label, whose sum is.
#[test]
fn drawn_labels_stand_for_all() {
    let with = |labels: FluencyLabels| {
        let mut method = dart();
        method.fluency.as_mut().unwrap().labels = labels;
        Prompt::toy(&method)
    };
    for truth in 0..3 {
        let text = [("dull", truth)];
        let all = with(FluencyLabels::All);
        let encoded = all.encode(&text);
        let whole = all.fluency(&encoded, 0);
        assert!((with(FluencyLabels::K(2)).fluency(&encoded, 0) - whole).abs() < 1e-12);
        assert!((with(FluencyLabels::Auto).fluency(&encoded, 0) - whole).abs() < 1e-12);
        // 300 draws: five standard deviations are 43 of two values, 41 of three.
        let values = distribution(&with(FluencyLabels::K(1)), &encoded, 300);
        assert_eq!(values.len(), 2, "{values:?}");
        let mean = values.iter().map(|v| v.0).sum::<f64>() / 2.0;
        assert!((mean - whole).abs() < 1e-9, "{values:?}, {whole}");
        assert!(values.iter().all(|v| v.1.abs_diff(150) < 43), "{values:?}");
        let values = distribution(&with(FluencyLabels::Sampled), &encoded, 300);
        assert_eq!(values.len(), 3, "{values:?}");
        let sum = values.iter().map(|v| v.0).sum::<f64>();
        assert!((sum - whole).abs() < 1e-9, "{values:?}, {whole}");
        assert!(values.iter().all(|v| v.1.abs_diff(100) < 41), "{values:?}");
    }
}

/// A rate masks each token by itself, `one` each equally often.
#[test]
fn masks_follow_their_rule() {
    let with = |mask: FluencyMask| {
        let mut method = dart();
        method.fluency.as_mut().unwrap().mask = mask;
        Prompt::toy(&method)
    };
    let one = with(FluencyMask::One);
    let encoded = one.encode(&[("so dull", 1)]);
    let alone = |position: usize| {
        let mut only = encoded.clone();
        only[0].maskable = vec![position];
        one.fluency(&only, 0)
    };
    let [first, second] = [alone(1), alone(2)];
    let count = |values: &[(f64, u64)], value: f64| {
        let found = values.iter().find(|v| (v.0 - value).abs() < 1e-9);
        found.map_or(0, |v| v.1)
    };
    let values = distribution(&one, &encoded, 300);
    assert_eq!(count(&values, first) + count(&values, second), 300);
    assert!(count(&values, first).abs_diff(150) < 43, "{values:?}");
    // None: 0.49, the first or the second alone: 0.21 each, both: 0.09.
    let values = distribution(&with(FluencyMask::Rate(0.3)), &encoded, 300);
    assert_eq!(values.len(), 4, "{values:?}");
    assert!(count(&values, 0.0).abs_diff(147) < 43, "{values:?}");
    assert!(count(&values, first).abs_diff(63) < 35, "{values:?}");
    assert!(count(&values, second).abs_diff(63) < 35, "{values:?}");
    // The mean over an example's masks: twice the same mask is once.
    let mut twice = encoded.clone();
    twice[0].maskable = vec![1, 1];
    let values = distribution(&with(FluencyMask::Rate(0.5)), &twice, 50);
    assert_eq!(values.len(), 2, "{values:?}");
    assert_eq!(count(&values, 0.0) + count(&values, first), 50);
}

#[test]
fn a_text_with_nothing_to_mask_contributes_nothing() {
    let prompt = Prompt::toy(&dart());
    let parameters = prompt.parameters();
    let text = prompt.encode(&[("dull", 1)]);
    let both = prompt.encode(&[("dull", 1), ("", 2)]);
    let alone = prompt.fluency(&text, 0);
    assert!((prompt.fluency(&both, 0) - alone / 2.0).abs() < 1e-9);
    for nothing in ["", "[SEP] [MASK]"] {
        let losses = prompt.backward(&prompt.encode(&[(nothing, 0)]), 0, 1.0);
        assert_eq!(losses.fluency, Some(0.0));
        assert!(losses.class.is_finite());
    }
    assert!(
        gradients(&parameters)
            .iter()
            .all(|g| g.isfinite().all().int64_value(&[]) == 1)
    );
}

/// Trains some steps and says which parameters of the whole model moved; what did not move is the
/// same to the bit.
fn moved(method: &PromptMethod) -> Vec<String> {
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let lm = LanguageModel::load(dir.path()).unwrap();
    let mut all = lm.parameters();
    all.extend(lm.vocabulary_parameters());
    let template = Template::parse(&task().template).unwrap();
    let from = (method.template == TemplateKind::Pseudo).then_some(lm.config.vocab);
    let encoder = Encoder::prompt(&template, from, &tokenizer, 18).unwrap();
    let verbalizer = Verbalizer::new(&task().words, LabelPieces::Mean, &tokenizer).unwrap();
    let special = tokenizer.special();
    let classifier = PromptClassifier::new(lm, method, encoder, verbalizer, special, 13).unwrap();
    let trained = classifier.parameters();
    all.extend(
        trained
            .iter()
            .filter(|p| p.name.starts_with("pseudo."))
            .cloned(),
    );
    let before: Vec<Tensor> = all.iter().map(|p| p.tensor.detach().copy()).collect();
    let slots: Vec<_> = trained.iter().map(|p| (p.clone(), 0.01, 1.0)).collect();
    let mut optimizer = AdamW::new(&slots, Betas::default()).unwrap();
    let encode = |text, label| {
        let encoder = classifier.encoder();
        encoder
            .encode(&example(0, text, label), &tokenizer)
            .unwrap()
    };
    let encoded = [encode("so dull", 0), encode("a fun movie", 2)];
    for step in 0..3 {
        optimizer.zero_gradients();
        let place = Place {
            seed: 1,
            step,
            micro: 0,
        };
        if !trained.is_empty() {
            let examples: Vec<&Encoded> = encoded.iter().collect();
            classifier.backward(&examples, place, 1.0).unwrap();
        }
        optimizer.step(0.01, 1.0).unwrap();
    }
    let mut names = Vec::new();
    for (parameter, before) in all.iter().zip(&before) {
        let bits = |t: &Tensor| -> Vec<u32> {
            let values = Vec::<f32>::try_from(&t.detach().reshape([-1])).unwrap();
            values.into_iter().map(f32::to_bits).collect()
        };
        if bits(&parameter.tensor) != bits(before) {
            names.push(parameter.name.clone());
        }
    }
    names
}

#[test]
fn exactly_what_a_method_trains_moves() {
    let words = "bert.embeddings.word_embeddings.weight";
    let decoder = "cls.predictions.bias";
    let pseudo = ["pseudo.rows", "pseudo.bias"];
    let model = LanguageModel::load(&goldens().join("bert-tiny")).unwrap();
    let lm: Vec<String> = model.parameters().into_iter().map(|p| p.name).collect();
    let bias: Vec<String> = lm
        .iter()
        .filter(|n| n.ends_with(".bias"))
        .cloned()
        .collect();
    for (train, embeddings, expected) in [
        (TrainPart::Lm, Embeddings::Frozen, lm.clone()),
        (TrainPart::Bitfit, Embeddings::Frozen, bias),
        (TrainPart::Prompt, Embeddings::Frozen, Vec::new()),
        (
            TrainPart::Prompt,
            Embeddings::Trained,
            vec![words.into(), decoder.into()],
        ),
    ] {
        let method = PromptMethod {
            train,
            embeddings,
            ..dart()
        };
        let mut expected = expected;
        expected.extend(pseudo.map(String::from));
        // Softmax does not see what is added to every score: no gradient but rounding.
        let seen = |names: Vec<String>| -> Vec<String> {
            let kept = |n: &String| !n.ends_with("attention.self.key.bias");
            names.into_iter().filter(kept).collect()
        };
        assert_eq!(
            seen(moved(&method)),
            seen(expected),
            "{train:?} {embeddings:?}"
        );
    }
    let none = PromptMethod {
        train: TrainPart::None,
        ..dart()
    };
    assert_eq!(moved(&none), Vec::<String>::new());
    // LM-BFF: no pseudo rows at all.
    let manual = PromptMethod {
        template: TemplateKind::Hard,
        labels: LabelKind::Words,
        fluency: None,
        ..dart()
    };
    assert!(moved(&manual).iter().all(|n| lm.contains(n)));
}

/// The mean of a label word's pieces, or the first piece, is where its row starts.
#[test]
fn label_words_of_several_pieces_start_from_their_mean_or_the_first() {
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let words = ["likes", "bad", "great"].map(String::from);
    let pieces = tokenizer.encode("likes");
    assert!(pieces.len() > 1);
    let verbalizer = Verbalizer::new(&words, LabelPieces::First, &tokenizer).unwrap();
    assert_eq!(verbalizer.pieces[0], pieces[..1]);
    let prompt = prompt(dir.path(), &dart(), &task().template, &words);
    let row = find(&prompt.classifier.parameters(), "pseudo.rows").get(3);
    let index = Tensor::from_slice(&pieces);
    let rows = prompt.vocabulary[0].tensor.index_select(0, &index);
    let mean = rows.mean_dim(Some([0i64].as_slice()), false, Kind::Double);
    close("mean of pieces", &row, &mean, 1e-12);
}

/// Random rows: another seed, other rows; the spread of the vocabulary's.
#[test]
fn random_rows_follow_the_vocabulary() {
    let method = PromptMethod {
        template_init: RowInit::Random,
        label_init: RowInit::Random,
        ..dart()
    };
    let prompt = Prompt::toy(&method);
    let rows = find(&prompt.classifier.parameters(), "pseudo.rows").copy();
    let words = &prompt.vocabulary[0].tensor;
    let spread = |t: &Tensor| t.std(true).double_value(&[]);
    // 6 rows of 48 values: the spread's own deviation is 4 %.
    assert!((spread(&rows) / spread(words) - 1.0).abs() < 0.2);
    assert!((rows.get(0) - rows.get(3)).abs().max().double_value(&[]) > 0.1);
    let bias = find(&prompt.classifier.parameters(), "pseudo.bias").copy();
    let mean = prompt.vocabulary[1].tensor.mean(Kind::Double);
    close("bias", &bias, &mean.expand([6], false), 1e-12);
}

#[test]
fn methods_that_cannot_work_are_refused() {
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let refused = |change: &dyn Fn(&mut PromptMethod), words: [&str; 3], why: &str| {
        let mut method = dart();
        change(&mut method);
        let lm = LanguageModel::load(dir.path()).unwrap();
        let template = Template::parse("{a} [MASK]").unwrap();
        let encoder = Encoder::prompt(&template, None, &tokenizer, 18).unwrap();
        let words = words.map(String::from);
        let verbalizer = Verbalizer::new(&words, LabelPieces::Mean, &tokenizer).unwrap();
        let special = tokenizer.special();
        let new = PromptClassifier::new(lm, &method, encoder, verbalizer, special, 1);
        let error = new.err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    };
    let plain = ["bad", "okay", "good"];
    let weight = |w: f64| move |m: &mut PromptMethod| m.fluency.as_mut().unwrap().weight = w;
    refused(&weight(0.0), plain, "fluency.weight");
    refused(&weight(f64::NAN), plain, "fluency.weight");
    let rate = |m: &mut PromptMethod| m.fluency.as_mut().unwrap().mask = FluencyMask::Rate(1.0);
    refused(&rate, plain, "fluency.mask");
    let words = |m: &mut PromptMethod| {
        m.labels = LabelKind::Words;
        m.full_vocab = true;
    };
    refused(&words, ["likes", "bad", "okay"], "full_vocab");
    let nothing = |m: &mut PromptMethod| {
        m.labels = LabelKind::Words;
        m.template = TemplateKind::Hard;
        m.train = TrainPart::Prompt;
    };
    refused(&nothing, plain, "train: prompt");
}

/// Candidates of a padded batch are those of each text alone, computed here from the model's parts.
#[test]
fn fill_mask_gives_the_models_own_probabilities() {
    let dir = goldens().join("bert-tiny");
    let (model, tokenizer) = (LanguageModel::load(&dir), Tokenizer::load(&dir));
    let (model, tokenizer) = (model.unwrap(), tokenizer.unwrap());
    let texts = [
        "It was a [MASK] movie .",
        "[MASK]",
        "so [MASK] and not [MASK] !",
    ]
    .map(String::from);
    let filled = fill_mask(&model, &tokenizer, &texts, 1000).unwrap();
    let places = [(0, 4), (1, 1), (2, 2), (2, 5)];
    assert_eq!(filled.len(), places.len());
    for (got, (text, position)) in filled.iter().zip(places) {
        assert_eq!((&got.text, got.position), (&texts[text], position));
        let mut ids = vec![tokenizer.special().cls];
        ids.extend(tokenizer.encode(&texts[text]));
        ids.push(tokenizer.special().sep);
        assert_eq!(got.ids, ids);
        let seq = ids.len() as i64;
        let words = model.embeddings.index_select(0, &Tensor::from_slice(&ids));
        let shape = Shape {
            keep: Tensor::ones([1, seq], (Kind::Float, Device::Cpu)),
            segments: None,
        };
        let words = words.view([1, seq, -1]);
        let hidden = model.encode(&words, &shape, None, Mode::Evaluate).unwrap();
        let head = model.transform(&hidden.get(0)).unwrap();
        let logits = LanguageModel::decode(&head, &model.embeddings, &model.bias).unwrap();
        let wanted = logits.get(position as i64).softmax(-1, Kind::Double);
        assert_eq!(got.top.len(), 128, "no more than the vocabulary");
        assert!(
            got.top
                .windows(2)
                .all(|w| w[0].probability >= w[1].probability)
        );
        for candidate in &got.top {
            let wanted = wanted.double_value(&[candidate.id]);
            assert!(
                (candidate.probability - wanted).abs() < 1e-5,
                "{candidate:?}: {wanted}"
            );
            assert_eq!(candidate.token, tokenizer.token(candidate.id));
        }
    }
    assert_eq!(
        fill_mask(&model, &tokenizer, &texts, 3).unwrap()[2].top,
        filled[2].top[..3]
    );
}

#[test]
fn fill_mask_says_what_it_cannot_fill() {
    let dir = goldens().join("bert-tiny");
    let (model, tokenizer) = (LanguageModel::load(&dir), Tokenizer::load(&dir));
    let (model, tokenizer) = (model.unwrap(), tokenizer.unwrap());
    let error = |text: &str| {
        let filled = fill_mask(&model, &tokenizer, &[text.to_string()], 5);
        filled.unwrap_err().to_string()
    };
    assert!(error("a movie").contains("`a movie`: there is no [MASK]"));
    let long = format!("{}[MASK]", "movie ".repeat(16));
    assert!(
        error(&long).contains("19 tokens, the model takes 18"),
        "{}",
        error(&long)
    );
}
