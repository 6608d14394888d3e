//! The sampler against numpy and pandas (goldens/make_kshot.py), and its properties.

#![allow(clippy::unwrap_used)] // in helpers of the tests

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use dart_data::kshot::{Draw, draw};
use dart_data::numpy_rng::NumpyRng;
use dart_data::{
    Catalog, DataError, Example, Shots, SplitRequest, WarningKind, cap_test, load, write_kshot,
};
use proptest::prelude::*;

/// K of a split.
fn shots(k: usize) -> Shots {
    Shots::new(k).unwrap()
}

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

#[test]
fn shuffle_is_numpys() {
    let text = std::fs::read_to_string(goldens().join("shuffle.json")).unwrap();
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
    let list = |value: &serde_json::Value| -> Vec<u64> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .collect()
    };
    for case in cases.as_array().unwrap() {
        let (seed, n) = (case["seed"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        let mut rows: Vec<u64> = (0..n).collect();
        NumpyRng::new(seed as u32).shuffle(&mut rows);
        if case["rows"].is_array() {
            assert_eq!(rows, list(&case["rows"]), "seed {seed}, n {n}");
        } else {
            assert_eq!(rows[..20], list(&case["head"]), "seed {seed}, n {n}");
            assert_eq!(
                rows[rows.len() - 20..],
                list(&case["tail"]),
                "seed {seed}, n {n}"
            );
        }
    }
}

/// Every folder that the script made: task, k, seed, dev factor.
fn folders() -> Vec<(String, usize, u64, usize, PathBuf)> {
    let mut found = Vec::new();
    for (kind, factor) in [("k-shot", 1), ("k-shot-10x", 10)] {
        for task in std::fs::read_dir(goldens().join("kshot").join(kind)).unwrap() {
            let task = task.unwrap().path();
            for split in std::fs::read_dir(&task).unwrap() {
                let split = split.unwrap().path();
                let name = split.file_name().unwrap().to_str().unwrap();
                let (k, seed) = name.split_once('-').unwrap();
                let task = task.file_name().unwrap().to_str().unwrap().to_owned();
                found.push((
                    task,
                    k.parse().unwrap(),
                    seed.parse().unwrap(),
                    factor,
                    split,
                ));
            }
        }
    }
    assert_eq!(found.len(), 37);
    found
}

#[test]
fn written_folders_are_lm_bffs_byte_for_byte() {
    let catalog = Catalog::embedded().unwrap();
    let data = goldens().join("kshot");
    let out = tempfile::tempdir().unwrap();
    for (task, k, seed, dev_factor, golden) in folders() {
        let request = SplitRequest {
            dev_factor,
            ..SplitRequest::new(&data, shots(k), seed)
        };
        let below = out.path().join(dev_factor.to_string());
        let written = write_kshot(catalog.task(&task).unwrap(), &request, &below).unwrap();
        assert_eq!(written.files.len(), 3, "{task}");
        for file in &written.files {
            assert_eq!(
                file.parent().unwrap(),
                below.join(&task).join(format!("{k}-{seed}"))
            );
            let expected = golden.join(file.file_name().unwrap());
            if expected.exists() {
                let (got, expected) = (
                    std::fs::read(file).unwrap(),
                    std::fs::read(expected).unwrap(),
                );
                assert!(got == expected, "{} differs", file.display());
            } else {
                assert_eq!(file.file_name().unwrap(), "test.tsv", "{task}");
            }
        }
    }
}

#[test]
fn drawing_gives_what_the_folder_holds() {
    let catalog = Catalog::embedded().unwrap();
    let data = goldens().join("kshot");
    let mut compared = 0;
    for (task, k, seed, dev_factor, golden) in folders() {
        let task = catalog.task(&task).unwrap();
        let request = SplitRequest {
            dev_factor,
            ..SplitRequest::new(&data, shots(k), seed)
        };
        let given = match load(task, &request.in_layout("k-shot")) {
            Ok(given) => given,
            // The unterminated last line of SST-2's file was glued to another one.
            Err(DataError::Row { message, .. }) if task.name == "sst-2" => {
                assert_eq!(message, "has 3 fields, the header has 2");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        assert!(given.files[0].starts_with(&golden), "{:?}", given.files);
        let full = ["cr", "sst-2"].contains(&task.name.as_str());
        let full = request.in_layout(if full { "original" } else { "glue" });
        let drawn = load(task, &full).unwrap();
        let texts = |split: &[Example]| -> Vec<(String, Option<String>, usize)> {
            let text = |e: &Example| (e.text_a.clone(), e.text_b.clone(), e.label);
            split.iter().map(text).collect()
        };
        let whose = format!("{} {k} {seed}", task.name);
        assert_eq!(texts(&given.train), texts(&drawn.train), "{whose}");
        assert_eq!(texts(&given.dev), texts(&drawn.dev), "{whose}");
        compared += 1;
    }
    assert!(compared >= 30, "{compared}");
}

#[test]
fn a_small_class_gives_what_it_has_with_a_warning_or_an_error() {
    let catalog = Catalog::embedded().unwrap();
    let data = goldens().join("kshot");
    let request = SplitRequest::new(&data, shots(25), 42).in_layout("original");
    let task = catalog.task("cr").unwrap();
    let splits = load(task, &request).unwrap();
    let few: Vec<_> = splits
        .warnings
        .iter()
        .filter(|w| w.kind == WarningKind::FewRows)
        .collect();
    assert!(!few.is_empty());
    assert!(
        few[0].to_string().contains("rows of the 50 asked for"),
        "{}",
        few[0]
    );
    let error = load(
        task,
        &SplitRequest {
            strict: true,
            ..request
        },
    )
    .unwrap_err();
    assert!(
        matches!(error, DataError::FewRows { wanted: 50, .. }),
        "{error}"
    );
    let out = tempfile::tempdir().unwrap();
    let written = write_kshot(task, &request, out.path()).unwrap();
    let counts: Vec<usize> = written.warnings.iter().map(|w| w.count).collect();
    assert_eq!(counts, few.iter().map(|w| w.count).collect::<Vec<_>>());
}

#[test]
fn seeds_beyond_numpys_are_refused() {
    let data = goldens().join("kshot");
    let request = SplitRequest::new(&data, shots(2), 1 << 32).in_layout("original");
    let error = load(Catalog::embedded().unwrap().task("cr").unwrap(), &request).unwrap_err();
    assert!(error.to_string().contains("4294967295"), "{error}");
}

#[test]
fn all_rows_are_parted_in_train_and_dev() {
    let data = goldens().join("kshot");
    let request = SplitRequest::new(&data, Shots::Full, 13).in_layout("original");
    let splits = load(Catalog::embedded().unwrap().task("cr").unwrap(), &request).unwrap();
    assert_eq!(
        (splits.train.len(), splits.dev.len(), splits.test.len()),
        (54, 6, 12)
    );
    let rows: HashSet<usize> = splits
        .train
        .iter()
        .chain(&splits.dev)
        .map(|e| e.row)
        .collect();
    assert_eq!(rows.len(), 60);
}

proptest! {
    #[test]
    fn draws_are_small_disjoint_and_repeatable(
        labels in prop::collection::vec(prop::option::weighted(0.9, 0usize..5), 0..300),
        k in 1usize..20,
        dev_factor in 1usize..11,
        seed: u32,
        chained: bool,
    ) {
        let chain = [3, seed];
        let how = Draw { k: shots(k), dev_factor, seed, chain: if chained { &chain } else { &[] } };
        let drawn = draw(&labels, 5, &how);
        prop_assert_eq!(&drawn, &draw(&labels, 5, &how));
        let all: HashSet<_> = drawn.train.iter().chain(&drawn.dev).collect();
        prop_assert_eq!(all.len(), drawn.train.len() + drawn.dev.len());
        for class in 0..5 {
            let has = labels.iter().filter(|label| **label == Some(class)).count();
            let count = |rows: &[usize]| rows.iter().filter(|r| labels[**r] == Some(class)).count();
            prop_assert_eq!(drawn.available[class], has);
            prop_assert_eq!(count(&drawn.train), k.min(has));
            prop_assert_eq!(count(&drawn.dev), (k * dev_factor).min(has.saturating_sub(k)));
        }
    }

    #[test]
    fn all_rows_are_drawn_once(
        labels in prop::collection::vec(prop::option::weighted(0.9, 0usize..5), 0..300),
        seed: u32,
    ) {
        let how = Draw { k: Shots::Full, dev_factor: 1, seed, chain: &[] };
        let drawn = draw(&labels, 5, &how);
        prop_assert!(drawn.dev.is_empty());
        let mut rows = drawn.train.clone();
        rows.sort_unstable();
        let classed: Vec<usize> = (0..labels.len()).filter(|row| labels[*row].is_some()).collect();
        prop_assert_eq!(rows, classed);
        for class in 0..5 {
            let has = labels.iter().filter(|label| **label == Some(class)).count();
            prop_assert_eq!(drawn.available[class], has);
        }
    }

    #[test]
    fn a_cap_keeps_order_and_grows(n in 0usize..60, more in 0usize..20, seed: u64) {
        let rows: Vec<usize> = (0..50).collect();
        let capped = cap_test(&rows, n, seed);
        prop_assert_eq!(capped.len(), n.min(50));
        prop_assert!(capped.windows(2).all(|pair| pair[0] < pair[1]));
        let larger: HashSet<usize> = cap_test(&rows, n + more, seed).into_iter().collect();
        prop_assert!(capped.iter().all(|row| larger.contains(row)));
        prop_assert_eq!(&capped, &cap_test(&rows, n, seed));
    }
}

#[test]
fn a_cap_is_the_same_everywhere() {
    let rows: Vec<usize> = (0..1000).collect();
    // SplitMix64 of (seed 500, index), smallest eight; computed apart in Python.
    assert_eq!(cap_test(&rows, 8, 500), include!("goldens/cap.txt"));
}

#[test]
fn a_folder_with_too_few_rows_of_a_class_is_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cr/2-13");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("train.csv"), "1,a\n0,b\n1,c\n").unwrap();
    std::fs::write(folder.join("dev.csv"), "1,d\n0,e\n").unwrap();
    let catalog = Catalog::embedded().unwrap();
    let request = SplitRequest::new(dir.path(), shots(2), 13);
    let splits = load(catalog.task("cr").unwrap(), &request).unwrap();
    assert!(splits.given);
    assert_eq!(splits.warnings[0].kind, WarningKind::FewRows);
    assert_eq!(
        splits.warnings[0].message,
        "class \"negative\" has 1 rows of the 2 asked for"
    );
    let strict = SplitRequest {
        strict: true,
        ..request
    };
    assert!(load(catalog.task("cr").unwrap(), &strict).is_err());
}

#[test]
fn what_cannot_be_written_as_lm_bff_does_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("stsa.binary.train"), "1 fine\n0 bad\n").unwrap();
    let catalog = Catalog::embedded().unwrap();
    let request = SplitRequest::new(dir.path(), shots(1), 13);
    let error = write_kshot(catalog.task("sst-2").unwrap(), &request, dir.path()).unwrap_err();
    assert!(error.to_string().contains("sentence"), "{error}");
}

#[test]
fn a_kshot_folder_needs_a_number() {
    let data = goldens().join("kshot");
    let out = tempfile::tempdir().unwrap();
    let request = SplitRequest::new(&data, Shots::Full, 13);
    let catalog = Catalog::embedded().unwrap();
    let error = write_kshot(catalog.task("cr").unwrap(), &request, out.path()).unwrap_err();
    assert!(error.to_string().contains("give a number"), "{error}");
}
