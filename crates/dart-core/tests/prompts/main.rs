//! DART's losses and gradients against transformers with an enlarged vocabulary
//! (tests/goldens/dart), and the rules that no golden can show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod fluency;
mod goldens;
mod rows;

use std::collections::BTreeMap;
use std::path::Path;

use common::{close, dart, example, goldens, gradients, slopes, task, tensors, without_dropout};
use dart_core::adamw::{AdamW, Betas};
use dart_core::classifier::{Classifier, Losses, MicroStep, PromptClassifier};
use dart_core::lm::{LanguageModel, Mode, Parameter};
use dart_core::method::{
    Embeddings, FluencyLabels, FluencyMask, LabelPieces, LabelRows, PromptMethod, RowInit,
    TemplateRows, TrainPart,
};
use dart_core::prompt::{Batch, Encoded, InputEncoder, Template, Verbalizer};
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
    let from = (method.template == TemplateRows::PSEUDO).then_some(lm.config.vocab);
    let template = Template::parse(template).unwrap();
    let longest = lm.config.max_length();
    let encoder = InputEncoder::prompt(&template, from, &tokenizer, longest).unwrap();
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
        let place = MicroStep {
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
