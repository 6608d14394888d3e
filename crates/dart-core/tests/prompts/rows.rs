//! Which rows there are, where they start and what moves.

use super::*;

/// Trains some steps and says which parameters of the whole model moved; what did not move is the
/// same to the bit.
fn moved(method: &PromptMethod) -> Vec<String> {
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let lm = LanguageModel::load(dir.path()).unwrap();
    let mut all = lm.parameters();
    all.extend(lm.vocabulary_parameters());
    let template = Template::parse(&task().template).unwrap();
    let from = (method.template == TemplateRows::PSEUDO).then_some(lm.config.vocab);
    let encoder = InputEncoder::prompt(&template, from, &tokenizer, 18).unwrap();
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
    let slots: Vec<_> = trained.iter().map(|p| (p.clone(), 0.01, 0)).collect();
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
        let place = MicroStep {
            seed: 1,
            step,
            micro: 0,
        };
        if !trained.is_empty() {
            let examples: Vec<&Encoded> = encoded.iter().collect();
            classifier.backward(&examples, place, 1.0).unwrap();
        }
        optimizer.step(&[0.01], 1.0).unwrap();
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
        template: TemplateRows::Hard,
        labels: LabelRows::Words,
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
        template: TemplateRows::Pseudo {
            init: RowInit::Random,
            tokens: None,
        },
        labels: LabelRows::Pseudo {
            init: RowInit::Random,
        },
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
        let encoder = InputEncoder::prompt(&template, None, &tokenizer, 18).unwrap();
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
        m.labels = LabelRows::Words;
        m.full_vocab = true;
    };
    refused(&words, ["likes", "bad", "okay"], "full_vocab");
    let nothing = |m: &mut PromptMethod| {
        m.labels = LabelRows::Words;
        m.template = TemplateRows::Hard;
        m.train = TrainPart::Prompt;
    };
    refused(&nothing, plain, "train: prompt");
}
