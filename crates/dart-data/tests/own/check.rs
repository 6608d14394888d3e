//! What `check` finds and counts.

use super::*;

#[test]
fn check_goes_on_after_a_problem_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "stars,review\n1,a good one\nx,b\n2\n5,A good one!\n3,c\n4,NA\n4,\n1,A GOOD ONE\n";
    let path = write(dir.path(), "my.csv", rows);
    let task = own(STARS, dir.path()).unwrap();
    let report = check_task(&task, dir.path(), 10).remove(0).files.remove(0);
    assert_eq!(report.rows, 8);
    assert_eq!(
        report
            .problems
            .iter()
            .filter_map(DataError::line)
            .collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(report.labels.values().copied().collect::<Vec<_>>(), [2, 3]); // bad, good
    assert_eq!((report.dropped, report.empty), (1, 2));
    assert_eq!((report.duplicates, report.conflicts), (2, 1));
    let report = check_task(&task, dir.path(), 1).remove(0).files.remove(0);
    assert_eq!((report.problems.len(), report.more), (1, 1));

    let name = |name: &str| Column::Name(name.to_owned());
    let columns = |text: &str| Read::by_extension(name(text), None, name("stars"));
    let report = check_file(&path, &columns("review"), 10);
    assert_eq!(report.labels["5"], 1);
    assert_eq!(report.problems.len(), 1);
    let report = check_file(&path, &columns("revew"), 10);
    assert!(report.problems[0].to_string().contains("revew"));
}

#[test]
fn check_counts_texts_shared_by_files_and_tasks() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sst2")).unwrap();
    std::fs::create_dir(dir.path().join("hf")).unwrap();
    std::fs::create_dir_all(dir.path().join("hf/rotten_tomatoes")).unwrap();
    let header = "sentence\tlabel\tidx\n";
    write(
        dir.path(),
        "sst2/train.tsv",
        format!("{header}one film\t1\t0\nbad\t0\t1\n"),
    );
    write(
        dir.path(),
        "sst2/validation.tsv",
        format!("{header}One film.\t1\t0\n"),
    );
    write(
        dir.path(),
        "hf/rotten_tomatoes/train.csv",
        "text,label\none film,1\n",
    );
    let catalog = Catalog::embedded().unwrap();
    let report = check_task(catalog.task("sst-2").unwrap(), dir.path(), 9).remove(0);
    assert_eq!(
        (report.layout.as_str(), report.shared),
        ("hf", vec![(0, 1, 1)])
    );
    let shared = shared_texts(&catalog, dir.path()).unwrap();
    assert_eq!(shared.len(), 1);
    assert_eq!(
        (shared[0].test_of.as_str(), shared[0].other.as_str()),
        ("sst-2", "mr")
    );
    assert_eq!((shared[0].texts, shared[0].known), (1, true));
}

#[test]
fn check_tells_which_k_fits() {
    let dir = tempfile::tempdir().unwrap();
    let columns = || {
        let name = |name: &str| Column::Name(name.to_owned());
        Read::by_extension(name("review"), None, name("stars"))
    };
    let twice = format!("{}{}", two_classes(16), "1,\"Review number 0!\"\n");
    let path = write(dir.path(), "my.csv", &twice);
    let report = check_file(&path, &columns(), 10);
    let [fits, without_test] = report.largest_k();
    assert_eq!(without_test, 8, "a duplicate is no row");
    assert!(split_of(&twice, "", fits).is_ok());
    for (content, says) in [
        ("stars,review\n", "has no row"),
        ("stars,review\n1,a\n1,b\n", "one label only"),
    ] {
        let path = write(dir.path(), "my.csv", content);
        let report = check_file(&path, &columns(), 10);
        assert!(report.problems[0].to_string().contains(says), "{says}");
    }
}

#[test]
fn repeated_texts_are_counted_and_conflicts_apart() {
    let content = two_classes(40) + "5,\"Review number 1!\"\n1,\"review, number 3\"\n";
    let split = split_of(&content, "", 4).unwrap();
    let told: Vec<(WarningKind, usize)> =
        split.warnings.iter().map(|w| (w.kind, w.count)).collect();
    assert_eq!(
        told,
        [(WarningKind::Duplicates, 1), (WarningKind::Conflicts, 1)]
    );
    assert!(
        split.warnings[1].message.contains("in line 83"),
        "{:?}",
        split.warnings
    );
    assert!(
        split_of(&two_classes(40), "", 4)
            .unwrap()
            .warnings
            .is_empty()
    );
}
