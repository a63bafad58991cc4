#!/usr/bin/env bash
# All that CI checks, in order; the tests last, so that the run ends with the test runner's own summary.
# usage: ci/check.sh            (`just check` and .ci/run call it; see the scripts it calls for single steps)
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
    echo "== $*"
    local from=$SECONDS
    "$@"
    echo "-- $((SECONDS - from)) s: $*"
}

step cargo fmt --all --check
step cargo fmt --manifest-path fuzz/Cargo.toml --check
step cargo clippy --workspace --all-targets --quiet -- -D warnings
step env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet
step ci/deny.sh
step cargo bench --workspace --no-run --quiet
step ci/fuzz.sh "${FUZZ_SECONDS:-20}"
step ci/loom.sh
step ci/mutate.sh
step cargo test --workspace --doc --quiet
step ci/test.sh
