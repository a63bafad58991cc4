#!/usr/bin/env bash
# The unsafe code of the core (crates/core/src/sync) under miri: the core's own tests, and those of the testkit that drive
# whole lives of bare tasks, in races of several threads and with callbacks that panic. Every access is checked for
# aliasing, lifetime, alignment and data races, and every allocation for its end, in one interleaving a seed; loom
# explores the interleavings (ci/loom.sh), without those checks.
# Not in ci/check.sh: miri comes with nightly toolchains only
# (`rustup toolchain install nightly --component miri,rust-src`).
# Not the scenarios: miri takes minutes for some, and the sim host keeps what it made until its process ends.
# usage: ci/miri.sh [SEED…]          (default 0)
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"
for seed in "${@:-0}"; do
    # Isolation off: tests read the clock.
    export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-seed=$seed"
    cargo +nightly miri test --quiet --package utrace-linux-core --lib
    cargo +nightly miri test --quiet --package utrace-linux-testkit --test lifetime --test reporter --test panic
done
