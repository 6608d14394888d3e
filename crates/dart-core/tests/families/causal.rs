//! The causal model: its slot stands last.

use crate::common::{close, dart, example, goldens, task};
use crate::{FAMILIES, built, logits, plain, settings, spec, texts};
use dart_core::build::{Built, build_as};
use dart_core::fill_mask::fill_mask;
use dart_core::lm::{LanguageModel, Mode, Shape};
use dart_core::method::{Embeddings, HeadMethod, LabelRows, Method, TemplateRows, TrainPart};
use dart_core::tokenizer::Tokenizer;
use dart_data::Example;
use tch::{Device, Kind, Tensor};

/// The ids of words in the tiny vocabulary.
fn ids(built: &Built, words: &str) -> Vec<i64> {
    built.tokenizer.encode(words)
}

#[test]
fn a_causal_model_has_its_slot_behind_the_last_token() {
    let hard = plain(TemplateRows::Hard, LabelRows::Words);
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

    let pseudo = plain(TemplateRows::PSEUDO, LabelRows::PSEUDO);
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
    let hard = plain(TemplateRows::Hard, LabelRows::Words);
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
    let hard = plain(TemplateRows::Hard, LabelRows::Words);
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
            &plain(TemplateRows::PSEUDO, LabelRows::PSEUDO),
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
