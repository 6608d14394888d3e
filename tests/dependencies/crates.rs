//! The crates depend on one another in one direction: dart-exp → dart-core → dart-data, and the
//! data crate builds without torch.

use std::collections::BTreeSet;
use std::process::Command;

/// What `package` is built with (tests' dependencies apart): its own dependencies and all.
struct Dependencies {
    direct: BTreeSet<String>,
    all: BTreeSet<String>,
}

fn dependencies(package: &str) -> Dependencies {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", package])
        .args(["--edges", "normal,build", "--prefix", "depth"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {error}");
    let lines = String::from_utf8(output.stdout).unwrap();
    // A line is the depth and the name without space between, then the version.
    let packages = lines.lines().filter_map(|line| {
        let name = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let depth: u32 = line[..line.len() - name.len()].parse().ok()?;
        Some((depth, name.split(' ').next()?.to_owned()))
    });
    let (mut direct, mut all) = (BTreeSet::new(), BTreeSet::new());
    for (depth, name) in packages.filter(|(depth, _)| *depth > 0) {
        if depth == 1 {
            direct.insert(name.clone());
        }
        all.insert(name);
    }
    Dependencies { direct, all }
}

#[test]
fn crates_depend_in_one_direction() {
    let wanted = [
        ("dart-data", [].as_slice()),
        ("dart-core", &["dart-data"]),
        ("dart-exp", &["dart-core", "dart-data"]),
    ];
    for (package, ours) in wanted {
        let all = dependencies(package).all;
        let found: Vec<&String> = all
            .iter()
            .filter(|name| name.starts_with("dart-"))
            .collect();
        assert_eq!(found, ours, "{package}");
    }
}

#[test]
fn each_crate_keeps_to_its_own_libraries() {
    let [data, core, exp] = ["dart-data", "dart-core", "dart-exp"].map(dependencies);
    assert!(
        core.all.contains("torch-sys"),
        "cargo tree shows what is there"
    );
    for name in ["tch", "torch-sys", "rust-bert"] {
        assert!(!data.all.contains(name), "dart-data is built with {name}");
    }
    for name in ["serde_yaml", "clap", "indicatif", "env_logger"] {
        assert!(!core.direct.contains(name), "dart-core depends on {name}");
    }
    for name in ["tch", "torch-sys", "rust-bert", "safetensors"] {
        assert!(!exp.direct.contains(name), "dart-exp depends on {name}");
    }
}
