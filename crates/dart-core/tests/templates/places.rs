//! Pseudo tokens in places of the vocabulary, equal ones shared, and a [SEP] behind the text.

use dart_core::build::check_prompt;
use dart_core::lm::LmConfig;
use dart_core::method::{BiasInit, Embeddings, Places, Shown};
use dart_core::prompt::{InputEncoder, PromptLayout, Template};
use dart_core::tokenizer::Tokenizer;
use dart_data::Example;

use super::*;

const V: i64 = 128;

fn in_places(places: Places) -> PromptMethod {
    PromptMethod {
        places,
        bias_init: BiasInit::Place,
        ..dart()
    }
}

fn with_template(template: &str) -> Task {
    Task {
        template: template.into(),
        ..task()
    }
}

/// Each place has a decoder bias of its own, by which it is known.
#[test]
fn biases_start_from_the_places() {
    let model = tensors(&goldens().join("bert-tiny/model.safetensors"));
    let bias = &model["cls.predictions.bias"];
    for (places, ids) in [
        (Places::Tail, [127i64, 126, 125, 124, 123, 122]),
        (Places::Unused, [1, 2, 3, 4, 5, 6]),
    ] {
        let built = built(&in_places(places)).unwrap();
        let wanted = bias.index_select(0, &Tensor::from_slice(&ids));
        close("bias", &parameter(&built, "pseudo.bias"), &wanted, 0.0);
    }
    let sources = ["it", "was", ".", "terrible", "okay", "great"];
    let copied = PromptMethod {
        bias_init: BiasInit::Source,
        ..in_places(Places::Tail)
    };
    let built = built(&copied).unwrap();
    let ids = sources.map(|word| built.tokenizer.encode(word)[0]);
    let wanted = bias.index_select(0, &Tensor::from_slice(&ids));
    close("bias", &parameter(&built, "pseudo.bias"), &wanted, 0.0);
}

/// L_C over the vocabulary less the places: as if their decoder biases were −∞.
#[test]
fn no_softmax_has_the_rows_that_are_stood_in_for() {
    let method = |places| PromptMethod {
        full_vocab: true,
        places,
        ..dart()
    };
    let texts = [("so dull", 0), ("a fun movie", 2)];
    let placed = built(&method(Places::Tail)).unwrap();
    let got = losses(&placed, &encode(&placed, &texts), 2);
    let appended = PromptMethod {
        embeddings: Embeddings::Trained,
        ..method(Places::Appended)
    };
    let appended = built(&appended).unwrap();
    let before = losses(&appended, &encode(&appended, &texts), 2);
    let bias = parameter(&appended, "cls.predictions.bias").detach();
    let _ = bias.narrow(0, V - 6, 6).fill_(-1e9);
    let wanted = losses(&appended, &encode(&appended, &texts), 2);
    assert!((got.0 - wanted.0).abs() < 1e-9 && (got.1 - wanted.1).abs() < 1e-9);
    assert!((got.0 - before.0).abs() > 1e-4);
}

/// "un" stands in the place of a pseudo token, which is all there is to predict there.
#[test]
fn a_word_in_a_place_is_never_masked() {
    let built = built(&in_places(Places::Tail)).unwrap();
    let example = &encode(&built, &[("un dull re", 0)])[0];
    assert_eq!(
        example.ids[1..4].iter().filter(|&&id| id >= V - 6).count(),
        2
    );
    assert_eq!(example.maskable, [2]);
}

#[test]
fn equal_tokens_share_a_row() {
    let task = with_template("{a} . it was [MASK] .");
    let shared = PromptMethod {
        share_equal_tokens: true,
        ..dart()
    };
    for (method, rows, ids) in [
        (shared, 6, [V, V + 1, V + 2, V]),
        (dart(), 7, [V, V + 1, V + 2, V + 3]),
    ] {
        let built = built_with(&method, &task, false).unwrap();
        assert_eq!(parameter(&built, "pseudo.rows").size()[0], rows);
        let example = &encode(&built, &[("fun", 2)])[0];
        let own: Vec<i64> = example.ids.iter().copied().filter(|&id| id >= V).collect();
        assert_eq!(own, ids);
        let tokens = built.classifier.encoder().template_ids();
        assert_eq!(tokens.len(), 4);
        // The labels' rows follow on the template's.
        let label = parameter(&built, "pseudo.rows").get(rows - 1);
        let model = tensors(&goldens().join("bert-tiny/model.safetensors"));
        let words = &model["bert.embeddings.word_embeddings.weight"];
        let great = built.tokenizer.encode("great")[0];
        close("great", &label, &words.get(great), 0.0);
    }
}

/// The golden's inputs have the places where ours have pseudo tokens.
#[test]
fn a_separator_behind_the_text_opens_the_second_segment() {
    let path = goldens().join("programs/reference.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tokenizer = Tokenizer::load(without_dropout("bert-tiny").path()).unwrap();
    for case in golden["encodings"].as_array().unwrap() {
        let template = Template::parse(case["template"].as_str().unwrap()).unwrap();
        let layout = PromptLayout {
            pseudo_from: Some(V),
            sep_after_text: true,
            ..PromptLayout::default()
        };
        let encoder = InputEncoder::prompt_of(&template, &layout, &tokenizer, 18).unwrap();
        let example = Example {
            text_b: case["text_b"].as_str().map(String::from),
            ..example(0, case["text_a"].as_str().unwrap(), 0)
        };
        let encoded = encoder.encode(&example, &tokenizer).unwrap();
        let numbers = |key: &str| -> Vec<i64> {
            let list = case[key].as_array().unwrap();
            list.iter().map(|v| v.as_i64().unwrap()).collect()
        };
        let pseudo = |id: i64| if id > V - 5 { 2 * V - 1 - id } else { id };
        let ids: Vec<i64> = numbers("ids").into_iter().map(pseudo).collect();
        assert_eq!(encoded.ids, ids);
        assert_eq!(encoded.segments, numbers("segments"));
        assert_eq!(encoded.slot as i64, case["slot"].as_i64().unwrap());
        let maskable: Vec<i64> = encoded.maskable.iter().map(|&p| p as i64).collect();
        assert_eq!(maskable, numbers("maskable"));
        // It counts where a text is cut.
        let long = Example {
            text_a: "movie ".repeat(40),
            ..example
        };
        let cut = encoder.encode(&long, &tokenizer).unwrap();
        assert_eq!((cut.ids.len(), cut.segments.len()), (18, 18));
        assert!(cut.truncated);
    }
}

#[test]
fn places_that_cannot_be_taken_are_refused() {
    let nowhere = PromptMethod {
        places: Places::Appended,
        ..in_places(Places::Tail)
    };
    assert!(refusal(&nowhere).contains("bias_init: place needs places"));
    let colon = with_template("{a} un : [MASK]");
    let taken = refusal_on(&in_places(Places::Tail), &colon);
    assert!(taken.contains("in the place of a pseudo token"), "{taken}");
    let many = PromptMethod {
        template: numbered(9),
        ..in_places(Places::Unused)
    };
    assert!(refusal(&many).contains("no place for 12 pseudo tokens"));
    let shown = PromptMethod {
        sep_after_text: true,
        demonstrations: Some(Shown {
            contexts: 1,
            tokens: 4,
            share: 1.0,
            encoder_prompt: None,
        }),
        ..dart()
    };
    let dir = without_dropout("bert-tiny");
    let tokenizer = Tokenizer::load(dir.path()).unwrap();
    let config = LmConfig::read(dir.path()).unwrap();
    let error = check_prompt(&shown, &task(), &config, &tokenizer, 18).unwrap_err();
    assert!(error.to_string().contains("sep_after_text"), "{error}");
}
