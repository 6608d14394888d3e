//! Checks against the published files, which the project does not ship:
//! `DART_DATA_DIR=… cargo test -p dart-data --test published -- --ignored`.

#![allow(clippy::unwrap_used)] // in helpers of the tests

use std::path::PathBuf;

use dart_data::{
    Catalog, CorpusFile, Shots, SplitRequest, TestSentences, check_task, corpus_files, load,
    read_corpus, shared_texts, write_kshot,
};

/// Empty, and so without any data, where the variable is not set.
fn data_dir() -> PathBuf {
    PathBuf::from(std::env::var_os("DART_DATA_DIR").unwrap_or_default())
}

/// K of a split.
fn shots(k: usize) -> Shots {
    Shots::new(k).unwrap()
}

/// LM-BFF's folders: task, classes, test rows.
const KSHOT: [(&str, usize, usize); 15] = [
    ("sst-2", 2, 872),
    ("sst-5", 5, 2210),
    ("mr", 2, 2000),
    ("cr", 2, 2000),
    ("mpqa", 2, 2000),
    ("subj", 2, 2000),
    ("trec", 6, 500),
    ("cola", 2, 1043),
    ("mrpc", 2, 408),
    ("qnli", 2, 5463),
    ("rte", 2, 277),
    ("sts-b", 2, 1500),
    ("mnli", 3, 0),
    ("snli", 3, 0),
    ("qqp", 2, 0),
];

#[test]
#[ignore = "needs the published files: just published DIR"]
fn every_kshot_folder_loads_as_it_is() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    for (name, classes, test) in KSHOT {
        for seed in [13, 21, 42, 87, 100] {
            let request = SplitRequest {
                layout: Some("k-shot"),
                ..SplitRequest::new(&dir, shots(16), seed)
            };
            let splits = load(catalog.task(name).unwrap(), &request).unwrap();
            for split in [&splits.train, &splits.dev] {
                for class in 0..classes {
                    let count = split.iter().filter(|e| e.label == class).count();
                    assert_eq!(count, 16, "{name} {seed} class {class}");
                }
            }
            assert_eq!(splits.test.len(), test, "{name}");
            for warning in &splits.warnings {
                println!("{name} {seed}: {warning}");
            }
        }
    }
}

#[test]
#[ignore = "needs the published files: just published DIR"]
fn folders_written_from_the_sentence_files_are_the_published_ones() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    let out = tempfile::tempdir().unwrap();
    let all = ["train.csv", "dev.csv", "test.csv"];
    for (name, seeds, files) in [
        ("trec", &[13, 21, 42, 87, 100][..], &all[..]),
        ("mpqa", &[13, 21, 42, 87, 100], &all[..2]),
        ("sst-5", &[13], &all[..1]),
    ] {
        let task = catalog.task(name).unwrap();
        for seed in seeds {
            let request = SplitRequest::new(&dir, shots(16), *seed).in_layout("sentence");
            write_kshot(task, &request, out.path()).unwrap();
            for file in files {
                let path = PathBuf::from(name).join(format!("16-{seed}")).join(file);
                let published = std::fs::read(dir.join("k-shot").join(&path)).unwrap();
                assert!(
                    std::fs::read(out.path().join(&path)).unwrap() == published,
                    "{path:?}"
                );
            }
        }
    }
}

/// Draws from the sentence files agree with the published folders up to the spelling of accents
/// and brackets, on which the published files themselves do not agree.
#[test]
#[ignore = "needs the published files: just published DIR"]
fn draws_from_the_sentence_files_are_the_published_splits() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    let plain = |text: &str| -> String {
        let text = text.replace("-lrb-", "").replace("-rrb-", "");
        text.chars().filter(char::is_ascii_alphanumeric).collect()
    };
    for name in ["trec", "mr", "cr", "subj", "mpqa", "sst-5", "sst-2"] {
        let task = catalog.task(name).unwrap();
        for seed in [13, 21, 42, 87, 100] {
            let request = SplitRequest::new(&dir, shots(16), seed);
            let given = load(task, &request.in_layout("k-shot")).unwrap();
            let drawn = load(task, &request.in_layout("sentence")).unwrap();
            let splits = [
                (&given.train, &drawn.train),
                (&given.dev, &drawn.dev),
                (&*given.test, &*drawn.test),
            ];
            for (given, drawn) in splits {
                assert_eq!(given.len(), drawn.len());
                let differ = given.iter().zip(drawn).filter(|(given, drawn)| {
                    given.label != drawn.label || plain(&given.text_a) != plain(&drawn.text_a)
                });
                let differ: Vec<_> = differ.collect();
                assert!(
                    differ.len() * 50 <= given.len(),
                    "{name} {seed}: {differ:?}"
                );
            }
        }
    }
}

#[test]
#[ignore = "needs the published files: just published DIR"]
fn default_tasks_have_the_counts_of_the_catalog() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data"); // as set up
    let catalog = Catalog::embedded().unwrap();
    for (name, test, positive) in [
        ("movies", 2991, 1489),
        ("products", 926, 550),
        ("tweets", 1001, 698),
        ("news", 901, 367),
    ] {
        let task = catalog.task(name).unwrap();
        for seed in [13, 21, 42, 87, 100] {
            let splits = load(task, &SplitRequest::new(&dir, shots(16), seed)).unwrap();
            assert_eq!((splits.train.len(), splits.dev.len()), (32, 32));
            assert_eq!(splits.test.len(), test, "{name}");
            let found = splits.test.iter().filter(|e| e.label == 1).count();
            assert_eq!(found, positive, "{name}");
            assert_eq!(splits.warnings, [], "{name}");
        }
    }
}

#[test]
#[ignore = "needs the published files: just published DIR"]
fn relation_files_load_with_their_entities() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    for (name, classes, absent, rows) in [
        ("fewrel-val", 16, 0, 11_200),
        ("fewrel-nyt", 25, 0, 2_500),
        ("fewrel-pubmed", 10, 0, 1_000),
        ("fewrel-semeval", 17, 0, 8_851),
        ("semeval", 19, 1, 6_507 + 2_717),
    ] {
        let task = catalog.task(name).unwrap();
        assert_eq!(task.labels.len(), classes);
        let splits = load(task, &SplitRequest::new(&dir, shots(8), 13)).unwrap();
        assert_eq!(splits.train.len(), (classes - absent) * 8, "{name}");
        assert_eq!(splits.dev.len(), (classes - absent) * 8, "{name}");
        let all = load(task, &SplitRequest::new(&dir, Shots::Full, 13)).unwrap();
        let dev = if name == "semeval" { 0 } else { all.dev.len() };
        assert_eq!(all.train.len() + dev + all.test.len(), rows, "{name}");
        for example in all.train.iter().chain(&all.dev).chain(all.test.iter()) {
            let entities = example.entities.as_ref().unwrap();
            for mention in [&entities.head, &entities.tail] {
                for span in &mention.spans {
                    let text = &example.text_a[span.clone()];
                    assert!(!text.trim().is_empty(), "{example:?}");
                }
            }
        }
    }
}

#[test]
#[ignore = "needs the published files: just published DIR"]
fn check_finds_nothing_wrong_with_the_published_files() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    let (mut files, mut rows) = (0, 0);
    for task in catalog.tasks() {
        for report in check_task(task, &dir, 10) {
            for file in &report.files {
                assert!(file.is_fine(), "{}: {:?}", task.name, file.problems);
                files += 1;
                rows += file.rows;
            }
        }
    }
    println!("{files} files, {rows} rows");
    assert!(files > 200);
    for shared in shared_texts(&catalog, &dir).unwrap() {
        println!("{shared:?}");
    }
}

/// `DART_CORPUS_DIR` is a folder of text files.
#[test]
#[ignore = "needs the published files: just published DIR"]
fn a_corpus_keeps_no_test_sentence() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    let corpus = PathBuf::from(std::env::var_os("DART_CORPUS_DIR").unwrap_or_default());
    let held = TestSentences::from_catalog(&catalog, &[dir]).unwrap();
    println!("{} sentences held", held.len());
    for file in read_corpus(&corpus_files(&corpus).unwrap(), &held).unwrap() {
        let words: usize = file
            .documents
            .iter()
            .map(|d| d.split_whitespace().count())
            .sum();
        let CorpusFile {
            name,
            documents,
            removed,
        } = &file;
        println!(
            "{name}: {} documents, {words} words, {removed} removed",
            documents.len()
        );
        for document in documents {
            assert_eq!(held.remove_from(document).1, 0, "{document}");
        }
    }
}

#[test]
#[ignore = "needs the published files: just published DIR"]
fn relation_names_are_those_of_pid2name() {
    let text = std::fs::read_to_string(data_dir().join("fewrel/pid2name.json")).unwrap();
    let names: std::collections::HashMap<String, (String, String)> =
        serde_json::from_str(&text).unwrap();
    let catalog = Catalog::embedded().unwrap();
    for name in ["fewrel", "fewrel-val", "fewrel-nyt"] {
        let task = catalog.task(name).unwrap();
        for (label, values) in task.labels.iter().zip(&task.values) {
            assert_eq!(names[&values[0]].0, *label);
        }
    }
}
