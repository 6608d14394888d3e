//! Folders that are damaged, of another model, or in the way.

use super::*;

/// Changes a checkpoint's card.
fn edit_card(out: &Path, change: &dyn Fn(&mut serde_json::Value)) {
    let path = out.join(CARD);
    let mut card: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut card);
    fs::write(&path, card.to_string()).unwrap();
}

#[test]
fn a_prompt_alone_is_small_and_belongs_to_its_model() {
    let run = bert(prompt_alone());
    run.save(Contents::Prompt).unwrap();
    let files = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect()
    };
    let bytes: u64 = files(&run.out())
        .iter()
        .map(|f| f.metadata().unwrap().len())
        .sum();
    assert!(bytes < 8192, "{bytes}");

    let moved = tempfile::tempdir().unwrap();
    for file in files(run.model.path()) {
        fs::copy(&file, moved.path().join(file.file_name().unwrap())).unwrap();
    }
    let checkpoint = load(&run.out(), Some(moved.path()), DeviceChoice::Cpu).unwrap();
    assert_eq!(checkpoint.predict(&examples()).unwrap(), run.scored());

    fs::copy(
        goldens().join("bert-tiny-old/model.safetensors"),
        moved.path().join("model.safetensors"),
    )
    .unwrap();
    let refusal = load(&run.out(), Some(moved.path()), DeviceChoice::Cpu)
        .err()
        .unwrap()
        .to_string();
    assert!(refusal.contains("its files differ"), "{refusal}");
    let gone = moved.path().join("gone");
    let error = load(&run.out(), Some(&gone), DeviceChoice::Cpu)
        .err()
        .unwrap();
    assert!(
        matches!(&error, CoreError::MissingBase { folder, .. } if *folder == gone),
        "{error:?}"
    );
    let refusal = error.to_string();
    assert!(
        refusal.contains("gone: is not there, and the prompt needs the language model"),
        "{refusal}"
    );
}

#[test]
fn a_prompt_alone_carries_its_tokenizer() {
    let run = bert(prompt_alone());
    run.save(Contents::Prompt).unwrap();
    let out = run.out();
    for name in ["vocab.txt", "config.json"] {
        let own = fs::read(out.join(name)).unwrap();
        assert_eq!(
            own,
            fs::read(run.model.path().join(name)).unwrap(),
            "{name}"
        );
    }
    let vocabulary = fs::read_to_string(out.join("vocab.txt")).unwrap();
    fs::write(out.join("vocab.txt"), vocabulary.replace("fun", "fin")).unwrap();
    let refusal = load(&out, None, DeviceChoice::Cpu)
        .err()
        .unwrap()
        .to_string();
    assert!(
        refusal.contains("vocab.txt") && refusal.contains("damaged or exchanged"),
        "{refusal}"
    );
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_card() {
    let run = bert(prompt_alone());
    run.save(Contents::Prompt).unwrap();
    for threads in [0u64, 1 << 32] {
        edit_card(&run.out(), &|card| {
            card["settings"]["threads"] = threads.into()
        });
        let refusal = load(&run.out(), None, DeviceChoice::Cpu)
            .err()
            .unwrap()
            .to_string();
        let said = format!("`threads` is {threads}");
        assert!(
            refusal.contains(CARD) && refusal.contains(&said),
            "{refusal}"
        );
    }
}

#[test]
fn damaged_and_foreign_folders_are_refused() {
    let run = bert(Method::Prompt(dart()));
    run.save(Contents::Model).unwrap();
    let out = run.out();
    let refusal = || {
        load(&out, None, DeviceChoice::Cpu)
            .err()
            .unwrap()
            .to_string()
    };
    let with = |name: &str, change: &dyn Fn(&mut Vec<u8>), said: &str| {
        let path = out.join(name);
        let before = fs::read(&path).unwrap();
        let mut bytes = before.clone();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let refusal = refusal();
        assert!(
            refusal.contains(said) && refusal.contains(name),
            "{refusal}"
        );
        fs::write(&path, before).unwrap();
    };
    with(
        "model.safetensors",
        &|b| b.truncate(b.len() / 2),
        "damaged or exchanged",
    );
    with(
        "model.safetensors",
        &|b| *b.last_mut().unwrap() ^= 1,
        "damaged or exchanged",
    );
    with("tokenizer.json", &|b| b.push(b' '), "damaged or exchanged");
    with(CARD, &|b| b.truncate(b.len() / 2), "damaged");
    with(CARD, &|b| b.clear(), "damaged");
    let other = |b: &mut Vec<u8>| {
        *b = String::from_utf8(b.clone())
            .unwrap()
            .replace("checkpoint 1", "checkpoint 9")
            .into();
    };
    with(CARD, &other, "this version reads");
    assert_eq!(run.predicted(), run.scored(), "the folder is whole again");

    fs::remove_file(out.join("config.json")).unwrap();
    assert!(refusal().contains("config.json"));
    fs::remove_file(out.join(CARD)).unwrap();
    assert!(refusal().contains("it has no dart.json"), "{}", refusal());
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written_stays() {
    let run = bert(Method::Prompt(dart()));
    run.save(Contents::Model).unwrap();
    let refusal = run.save(Contents::Model).unwrap_err().to_string();
    assert!(refusal.contains("exists already"), "{refusal}");
    fs::remove_dir_all(run.out()).unwrap();
    // A model that changes between training and saving cannot be what was trained.
    let built = run.built();
    fs::remove_file(run.model.path().join("config.json")).unwrap();
    let origin = Origin {
        spec: &run.spec(),
        outcome: run.outcome.as_ref().unwrap(),
        run: "toy-run",
        base: "bert-tiny",
    };
    assert!(save(&built, &origin, Contents::Model, &run.out()).is_err());
    let left: Vec<_> = fs::read_dir(run.dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["state"]);
}
