//! Encoding within the model's length: property tests over random texts and templates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{example, minilm, without_dropout};
use dart_core::prompt::{Encoded, InputEncoder, Template};
use dart_core::tokenizer::Tokenizer;
use dart_data::{Entities, Example, Mention};
use proptest::prelude::*;

/// Pseudo tokens count from here.
const V: i64 = 128;

const TEMPLATES: [&str; 7] = [
    "{a} it was [MASK] .",
    "[MASK] : {a}",
    "{a:chop} ? [MASK] , {b:lower}",
    "{a} [MASK] , {b}",
    "{a} {head} was [MASK] of {tail} .",
    "{b} [MASK] {a}",
    "{a:marked} {head} was [MASK] of {tail} .",
];

fn tokenizer() -> Tokenizer {
    Tokenizer::load(without_dropout("bert-tiny").path()).unwrap()
}

/// Words of bert-tiny's vocabulary, a word of two pieces, an unknown one, a special token, a dot.
fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "movie", "a", "musics", "\u{4e2d}", "[SEP]", "[MASK]", ".", "good", "Fun",
    ]);
    prop::collection::vec(word, 0..30).prop_map(|words| words.join(" "))
}

fn pair(a: String, b: String) -> Example {
    let head = a.find(' ').unwrap_or(a.len());
    let mention = |span| Mention {
        spans: vec![span],
        ..Mention::default()
    };
    Example {
        text_b: Some(b),
        entities: Some(Box::new(Entities {
            head: mention(0..head),
            tail: mention(a.rfind(' ').map_or(0, |i| i + 1)..a.len()),
        })),
        ..example(3, &a, 1)
    }
}

/// What stands in the input without a limit, and with it.
fn both(
    template: &Template,
    pseudo: Option<i64>,
    tokenizer: &Tokenizer,
    example: &Example,
    limit: usize,
) -> (Encoded, dart_core::Result<Encoded>) {
    let encode = |limit| {
        let encoder = InputEncoder::prompt(template, pseudo, tokenizer, limit)?;
        encoder.encode(example, tokenizer)
    };
    (encode(10_000).unwrap(), encode(limit))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn truncation_drops_only_the_ends_of_texts(
        a in text(),
        b in text(),
        which in 0..TEMPLATES.len(),
        pseudo in prop::option::of(Just(V)),
        limit in 10usize..64,
    ) {
        let tokenizer = tokenizer();
        let special = tokenizer.special();
        let template = Template::parse(TEMPLATES[which]).unwrap();
        let example = pair(a, b);
        let (whole, cut) = both(&template, pseudo, &tokenizer, &example, limit);
        let cut = match cut {
            Ok(cut) => cut,
            // Entities are never cut; they may be too long together.
            Err(e) => {
                prop_assert!(TEMPLATES[which].contains("{head}"), "{e}");
                prop_assert!(e.to_string().contains("row 4: the entities alone"), "{e}");
                return Ok(());
            }
        };
        prop_assert!(cut.ids.len() <= limit);
        prop_assert_eq!(cut.ids.len(), whole.ids.len().min(limit), "cut no more than needed");
        prop_assert_eq!(cut.truncated, whole.ids.len() > limit);
        prop_assert_eq!(cut.segments.len(), cut.ids.len());
        prop_assert_eq!(cut.ids[0], special.cls);
        prop_assert_eq!(cut.ids[cut.ids.len() - 1], special.sep);
        prop_assert_eq!(cut.ids[cut.slot], special.mask);
        prop_assert_eq!(cut.label, 1);
        // The template's own tokens, in order.
        let encoder = InputEncoder::prompt(&template, pseudo, &tokenizer, 64).unwrap();
        let own = encoder.template_ids();
        match pseudo {
            Some(from) => {
                let kept: Vec<i64> = cut.ids.iter().copied().filter(|&id| id >= V).collect();
                prop_assert_eq!(kept, (from..from + own.len() as i64).collect::<Vec<_>>());
            }
            None => prop_assert!(is_subsequence(own, &cut.ids)),
        }
        // What is cut is in order too.
        prop_assert!(is_subsequence(&cut.ids, &whole.ids));
        // Maskable: distinct positions of ordinary tokens, never the template's.
        prop_assert!(cut.maskable.windows(2).all(|w| w[0] < w[1]));
        let ordinary = |&i: &usize| !tokenizer.is_special(cut.ids[i]) && cut.ids[i] < V;
        prop_assert!(cut.maskable.iter().all(ordinary));
        let all = (0..cut.ids.len()).filter(ordinary).count();
        let of_template = if pseudo.is_some() { 0 } else { own.len() };
        prop_assert_eq!(cut.maskable.len(), all - of_template);
    }

    /// The longer text gives way first, so both end equally long or the shorter stays whole.
    #[test]
    fn the_longer_text_is_cut_first(a in 0usize..30, b in 0usize..30, limit in 8usize..40) {
        let tokenizer = tokenizer();
        let [movie, book] = ["movie", "book"].map(|w| tokenizer.encode(w)[0]);
        let example = pair("movie ".repeat(a), "book ".repeat(b));
        let template = Template::parse("{a} [MASK] , {b}").unwrap();
        let encoder = InputEncoder::prompt(&template, None, &tokenizer, limit).unwrap();
        let heads = [encoder, InputEncoder::head(limit)];
        for (encoder, fixed) in heads.iter().zip([4, 3]) {
            let encoded = encoder.encode(&example, &tokenizer).unwrap();
            let count = |id: i64| encoded.ids.iter().filter(|&&i| i == id).count();
            let (kept_a, kept_b) = (count(movie), count(book));
            let room = limit - fixed;
            prop_assert_eq!(kept_a + kept_b, (a + b).min(room));
            let half = room.div_ceil(2);
            prop_assert!(kept_a == a || kept_a >= kept_b);
            prop_assert!(kept_b == b || kept_b + 1 >= kept_a);
            prop_assert!(kept_a >= a.min(room / 2) && kept_a <= a);
            prop_assert!(kept_b >= b.min(room / 2) && kept_b <= b);
            prop_assert!(a + b <= room || kept_a.max(kept_b) >= half);
        }
    }

    /// `[CLS] a [SEP] b [SEP]`: the second text and its [SEP] are segment 1, nothing is maskable.
    #[test]
    fn head_inputs_have_two_segments(a in 1usize..20, b in prop::option::of(1usize..20)) {
        let tokenizer = tokenizer();
        let mut example = pair("movie ".repeat(a), "book ".repeat(b.unwrap_or(0)));
        if b.is_none() {
            example.text_b = None;
        }
        let encoded = InputEncoder::head(64).encode(&example, &tokenizer).unwrap();
        let mut segments = vec![0; a + 2];
        segments.extend(vec![1; b.map_or(0, |b| b + 1)]);
        prop_assert_eq!(encoded.segments, segments);
        prop_assert_eq!(encoded.slot, 0);
        prop_assert!(encoded.maskable.is_empty());
        prop_assert!(!encoded.truncated);
    }
}

fn is_subsequence(part: &[i64], whole: &[i64]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|id| whole.any(|other| other == id))
}

/// Entities stay whole where they are longer than what is left of the text.
#[test]
fn entities_are_never_cut() {
    let tokenizer = tokenizer();
    let mention = |span| Mention {
        spans: vec![span],
        ..Mention::default()
    };
    let text = "so good a movie plot like no book";
    let example = Example {
        entities: Some(Box::new(Entities {
            head: mention(0..20),  // so good a movie plot
            tail: mention(29..33), // book
        })),
        ..example(0, text, 2)
    };
    let template = Template::parse("{a} {head} [MASK] {tail}").unwrap();
    let encoder = InputEncoder::prompt(&template, None, &tokenizer, 12).unwrap();
    let encoded = encoder.encode(&example, &tokenizer).unwrap();
    let mut wanted = tokenizer.encode("so good a so good a movie plot [MASK] book");
    wanted.insert(0, tokenizer.special().cls);
    wanted.push(tokenizer.special().sep);
    assert_eq!(encoded.ids, wanted);
    let encoder = InputEncoder::prompt(&template, None, &tokenizer, 8).unwrap();
    assert!(encoder.encode(&example, &tokenizer).is_err());
}

#[test]
fn chop_drops_the_last_character_and_lower_the_first_capital() {
    let tokenizer = tokenizer();
    let template = Template::parse("{a:chop} ? [MASK] , {b:lower}").unwrap();
    let encoder = InputEncoder::prompt(&template, None, &tokenizer, 32).unwrap();
    let ids = |a: &str, b: &str| {
        let example = Example {
            text_b: Some(b.into()),
            ..example(0, a, 0)
        };
        encoder.encode(&example, &tokenizer).unwrap().ids
    };
    let plain = Template::parse("{a} ? [MASK] , {b}").unwrap();
    let plain = InputEncoder::prompt(&plain, None, &tokenizer, 32).unwrap();
    let wanted = |a: &str, b: &str| {
        let example = Example {
            text_b: Some(b.into()),
            ..example(0, a, 0)
        };
        plain.encode(&example, &tokenizer).unwrap().ids
    };
    assert_eq!(ids("a movie.", "The book"), wanted("a movie", "the book"));
    assert_eq!(ids("movie\u{e9}", "\u{c9}"), wanted("movie", "\u{e9}"));
    assert_eq!(ids("", ""), wanted("", ""));
}

#[test]
fn what_cannot_be_encoded_is_said() {
    let tokenizer = tokenizer();
    let template = |text| Template::parse(text).unwrap();
    let error = |text, limit| {
        let encoder = InputEncoder::prompt(&template(text), None, &tokenizer, limit)?;
        encoder.encode(&example(6, "movie", 0), &tokenizer)
    };
    for (text, limit, why) in [
        ("{a} [MASK] {b}", 32, "{b}, a second text, which row 7"),
        ("{a} [MASK] {head}", 32, "an entity, which row 7"),
        ("{a} it was [MASK] .", 6, "takes 6 of max_length 6 tokens"),
    ] {
        let message = error(text, limit).unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn entities_stand_between_markers_and_are_never_cut() {
    let tokenizer = Tokenizer::load(&minilm()).unwrap();
    let text = "once the old bridge crosses a wide river here";
    let mention = |words: &str| Mention {
        spans: text
            .match_indices(words)
            .map(|(at, w)| at..at + w.len())
            .collect(),
        ..Mention::default()
    };
    let example = Example {
        entities: Some(Box::new(Entities {
            head: mention("old bridge"),
            tail: mention("river"),
        })),
        ..example(0, text, 0)
    };
    let tokens = |ids: &[i64]| {
        let tokens: Vec<String> = ids.iter().map(|&id| tokenizer.token(id)).collect();
        tokens.join(" ")
    };
    let template = Template::parse("{a:marked} {head} [MASK] {tail} .").unwrap();
    let input = |limit| {
        let encoder = InputEncoder::prompt(&template, None, &tokenizer, limit).unwrap();
        encoder.encode(&example, &tokenizer)
    };
    let whole = input(64).unwrap();
    assert_eq!(
        tokens(&whole.ids),
        "[CLS] once the @ old bridge @ crosses a wide # river # here old bridge [MASK] river . [SEP]"
    );
    // Markers are no words of the input.
    let maskable: Vec<i64> = whole.maskable.iter().map(|&i| whole.ids[i]).collect();
    assert_eq!(
        tokens(&maskable),
        "once the old bridge crosses a wide river here old bridge river"
    );
    // What stands before the first entity is cut from its start.
    assert_eq!(
        tokens(&input(17).unwrap().ids),
        "[CLS] the @ old bridge @ crosses # river # here old bridge [MASK] river . [SEP]"
    );
    assert_eq!(
        tokens(&input(14).unwrap().ids),
        "[CLS] @ old bridge @ # river # old bridge [MASK] river . [SEP]"
    );
    let refusal = input(13).unwrap_err().to_string();
    assert!(refusal.contains("row 1: the entities alone"), "{refusal}");

    let head = InputEncoder::head(64)
        .marked(true)
        .encode(&example, &tokenizer);
    assert_eq!(
        tokens(&head.unwrap().ids),
        "[CLS] once the @ old bridge @ crosses a wide # river # here [SEP]"
    );
}
