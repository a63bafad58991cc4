#!/usr/bin/env bash
# A short randomised run over everything that parses or decodes. A failure prints the input and the seed.
# usage: ci/fuzz.sh [SECONDS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz" \
    cargo run --quiet --release --manifest-path fuzz/Cargo.toml -- --seconds "${1:-20}" ${2:+--seed "$2"}
