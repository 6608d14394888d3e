//! Removing test sentences: what is left holds none of them, and nothing else is lost.
#![no_main]

use dart_data::TestSentences;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let held = TestSentences::from_texts([texts.0]);
    let (kept, removed) = held.remove_from(texts.1);
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    assert!(letters(&kept) <= letters(texts.1));
    assert_eq!(removed == 0, letters(&kept) == letters(texts.1));
});
