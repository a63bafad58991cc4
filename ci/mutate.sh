#!/usr/bin/env bash
# Takes one fence or ordering of core away at a time; a loom test must fail each time.
set -u
cd "$(dirname "$0")/.."
bad=0
for weak in weaken_full weaken_light weaken_unpublish weaken_lock; do
    if RUSTFLAGS="--cfg loom --cfg $weak" CARGO_TARGET_DIR=target/loom-$weak \
        timeout 300 cargo test -q -p utrace-linux-core --release --test models >target/$weak.log 2>&1
    then
        echo "$weak: NOT caught"; bad=1
    else
        grep -qE 'panicked at' target/$weak.log || { echo "$weak: did not even run"; tail -5 target/$weak.log; bad=1; continue; }
        echo "$weak: caught by $(grep -oE '^    [a-z]+::[a-z]+_[a-z0-9_]+' target/$weak.log | sort -u | tr -d ' ' | paste -sd ' ')"
    fi
done
exit $bad
