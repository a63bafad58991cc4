#!/usr/bin/env bash
# Takes the orderings and fences of the core away, one at a time, as the table in crates/core/src/sync/order.rs lists
# them: the model that the table names must fail each time.
# usage: ci/mutate.sh [NAME…]     (rows of the table; default all)
set -euo pipefail
cd "$(dirname "$0")/.."
# Built often and run for seconds: link-time optimisation would cost more than it gives.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=0
table=crates/core/src/sync/order.rs

rows=$(sed -nE 's/^\/\/! \| `([a-z_]+)` \|[^|]*\| `([a-z_0-9:]+)` \|$/\1 \2/p' $table)
defined=$(sed -nE 's/^    ([a-z_]+)( = [A-Z][a-z]+)?;$/\1/p' $table | sort)
if [ "$(cut -d' ' -f1 <<<"$rows" | sort)" != "$defined" ]; then
    echo "$table: the table and the names defined differ:"
    diff <(cut -d' ' -f1 <<<"$rows" | sort) <(echo "$defined") || exit 1
fi

target="${CARGO_TARGET_DIR:-target}/loom"
mapfile -t binaries < <(RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$target" cargo test --quiet --release \
    --package utrace-linux-core --lib --test models --no-run --message-format=json |
    sed -nE 's/.*"executable":"([^"]+)".*/\1/p')

# The models of one name; one that no binary has is a row that names nothing.
run() {
    local binary found=0
    for binary in "${binaries[@]}"; do
        [[ $("$binary" --list --exact "$1" 2>/dev/null) == *": test"* ]] || continue
        found=1
        timeout 60 "$binary" --exact "$1" || return 1
    done
    [ $found = 1 ] || { echo "no such model"; return 1; }
}

bad=0
while read -r name model; do
    [ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
    if ! run "$model" >"$target/mutate.log" 2>&1; then
        echo "$name: $model fails by itself"; bad=1
    elif WEAKEN=$name run "$model" >"$target/mutate.log" 2>&1; then
        echo "$name: NOT caught by $model"; bad=1
    elif grep -q "panicked at" "$target/mutate.log"; then
        echo "$name: caught by $model"
    else
        echo "$name: $model did not run:"; tail -5 "$target/mutate.log"; bad=1
    fi
done <<<"$rows"
exit $bad
