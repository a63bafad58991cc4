#!/usr/bin/env bash
# Installs the C library: libutrace.so, libutrace.a, utrace.h and utrace.pc below a prefix.
# usage: ci/install-lib.sh [PREFIX] [FOLDER]     PREFIX: /usr/local. FOLDER: where libutrace.so and libutrace.a are already;
#        without it they are built. DESTDIR is put before PREFIX where files go, as packagers expect it.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:-/usr/local}
folder=${2:-}
if [ -z "$folder" ]; then
    cargo build --release --package utrace-linux-capi
    folder=${CARGO_TARGET_DIR:-target}/release
fi
to=${DESTDIR:-}$prefix
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
install -d "$to/lib/pkgconfig" "$to/include"
install -m 755 "$folder/libutrace.so" "$to/lib/libutrace.so.$version"
ln -sf "libutrace.so.$version" "$to/lib/libutrace.so.0"
ln -sf libutrace.so.0 "$to/lib/libutrace.so"
install -m 644 "$folder/libutrace.a" "$to/lib/libutrace.a"
install -m 644 crates/capi/include/utrace.h "$to/include/utrace.h"
sed "s|@prefix@|$prefix|; s|@version@|$version|" crates/capi/utrace.pc.in > "$to/lib/pkgconfig/utrace.pc"
echo "installed libutrace $version below $to"
