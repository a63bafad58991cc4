#!/usr/bin/env bash
# Every test but the documentation's examples and the loom models: unit, conformance and end-to-end.
# usage: ci/test.sh [ARGS for the test runner]
# Some tests also run as an ordinary user, and some only as root; those say so when they skip.
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --no-fail-fast "$@"
else
    cargo test --workspace --lib --bins --tests --no-fail-fast "$@"
fi
