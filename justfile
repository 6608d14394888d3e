# `just` lists the recipes; each that needs it runs `setup` first.

[private]
default:
    @just --list --unsorted

# libtorch, default data and models (FLAGS: cpu, cuda, --tests); a LIBTORCH that is set is used
setup *FLAGS:
    @command -v python3 >/dev/null || { echo "setup: there is no python3; remedy: apt-get install python3 python3-pip" >&2; exit 1; }
    @python3 scripts/setup.py {{ FLAGS }}

# Run experiments/NAME.yaml and print its table: just reproduce table1 [PROFILE] [OPTIONS…]
reproduce NAME PROFILE="" *OPTIONS: setup
    cargo run --quiet --package dart-exp -- run experiments/{{ NAME }}.yaml {{ if PROFILE == "" { "" } else { "--profile " + PROFILE } }} {{ OPTIONS }}

# All tests
test *ARGS: (setup "--tests")
    cargo test --workspace {{ ARGS }}

# Formatting and clippy, warnings as errors
lint: setup
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
