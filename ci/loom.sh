#!/usr/bin/env bash
# The loom models of the core: its fence pairs and the races of its contract. In a target folder of their own: --cfg
# loom changes every crate, and would throw the other builds away.
# usage: ci/loom.sh [NAME…]     (parts of the names of models; default all. LOOM_MAX_PREEMPTIONS=4 looks further)
set -euo pipefail
cd "$(dirname "$0")/.."
# Built often and run for seconds: link-time optimisation would cost more than it gives.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=0
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom" \
    cargo test --quiet --package utrace-linux-core --release --lib --test models -- "$@"
