#!/usr/bin/env bash
# Licences, duplicate versions and sources of the dependencies, by deny.toml. cargo-deny checks it where it is
# installed (without its advisory database, which needs the network); else the part that cargo itself can tell.
# usage: ci/deny.sh
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo deny --version >/dev/null 2>&1; then
    cargo deny --offline check licenses bans sources
    exit
fi
cargo metadata --format-version 1 --locked | python3 ci/deny.py deny.toml
