//! Checks against the published files, which the project does not ship:
//! `DART_DATA_DIR=… cargo test -p dart-data --test published -- --ignored`.

use std::path::PathBuf;

use dart_data::{Catalog, SplitRequest, load};

fn data_dir() -> PathBuf {
    PathBuf::from(std::env::var_os("DART_DATA_DIR").expect("set DART_DATA_DIR"))
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
#[ignore = "needs the published files"]
fn every_kshot_folder_loads_as_it_is() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    for (name, classes, test) in KSHOT {
        for seed in [13, 21, 42, 87, 100] {
            let request = SplitRequest {
                layout: Some("k-shot"),
                ..SplitRequest::new(&dir, 16, seed)
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
#[ignore = "needs the published files"]
fn draws_from_the_sentence_files_are_the_published_splits() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    for name in ["trec", "mr", "cr", "subj", "mpqa", "sst-5", "sst-2"] {
        let task = catalog.task(name).unwrap();
        for seed in [13, 21, 42, 87, 100] {
            let request = SplitRequest::new(&dir, 16, seed);
            let given = load(
                task,
                &SplitRequest {
                    layout: Some("k-shot"),
                    ..request
                },
            )
            .unwrap();
            let drawn = load(
                task,
                &SplitRequest {
                    layout: Some("sentence"),
                    ..request
                },
            )
            .unwrap();
            for (given, drawn) in [
                (&given.train, &drawn.train),
                (&given.dev, &drawn.dev),
                (&given.test, &drawn.test),
            ] {
                let other = given
                    .iter()
                    .zip(drawn)
                    .filter(|(g, d)| g.text_a.trim() != d.text_a.trim() || g.label != d.label);
                println!(
                    "{name} {seed} {} {}: {} differ",
                    given.len(),
                    drawn.len(),
                    other.clone().count()
                );
                for (g, d) in other.take(2) {
                    println!(
                        "   {} {:?}\n   {} {:?}",
                        g.label, g.text_a, d.label, d.text_a
                    );
                }
            }
        }
    }
}

#[test]
#[ignore = "needs the published files"]
fn default_tasks_have_the_counts_of_the_catalog() {
    let (dir, catalog) = (data_dir(), Catalog::embedded().unwrap());
    for name in ["movies", "products", "tweets", "news"] {
        let task = catalog.task(name).unwrap();
        for seed in [13, 21, 42, 87, 100] {
            let splits = load(task, &SplitRequest::new(&dir, 16, seed)).unwrap();
            println!(
                "{name} {seed} {} {} {} {:?}",
                splits.train.len(),
                splits.dev.len(),
                splits.test.len(),
                splits.fingerprint
            );
            println!("  {:?}", splits.warnings);
            let positive = splits.test.iter().filter(|e| e.label == 1).count();
            println!("  test positive {positive}; {:?}", splits.train[0]);
        }
    }
}
