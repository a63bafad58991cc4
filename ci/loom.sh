#!/usr/bin/env bash
# The loom models of the core's fence pairs and tear-down races. In a target folder of their own: --cfg loom
# changes every crate, and would throw the other builds away.
# usage: ci/loom.sh [NAME…]     (files crates/core/tests/loom_NAME.rs; default all)
set -euo pipefail
cd "$(dirname "$0")/.."
tests=()
for file in crates/core/tests/loom_*.rs; do
    [ -e "$file" ] || { echo "no loom tests"; exit 0; }
    name=$(basename "$file" .rs)
    if [ $# = 0 ] || [[ " $* " == *" ${name#loom_} "* ]]; then tests+=(--test "$name"); fi
done
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom" \
    cargo test --quiet --package utrace-linux-core --release "${tests[@]}"
