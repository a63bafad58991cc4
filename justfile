# Each recipe is one cargo command or one script, for those who have no `just`.

# list the recipes
default:
    @just --list

# all that CI checks
check:
    ci/check.sh

# unit, conformance and end-to-end tests; arguments go to the test runner
test *ARGS:
    ci/test.sh {{ARGS}}

# format the sources
fmt:
    cargo fmt --all

# lints
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# documentation, with private items
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# the examples in the documentation
doctest:
    cargo test --workspace --doc

# loom models of the core: all, or the named ones
loom *NAMES:
    ci/loom.sh {{NAMES}}

# the same with more preemptions explored: takes long
loom-full PREEMPTIONS="5" *NAMES:
    LOOM_MAX_PREEMPTIONS={{PREEMPTIONS}} ci/loom.sh {{NAMES}}

# takes one fence or ordering of core away at a time: a loom model must fail each time
mutate:
    ci/mutate.sh

# the core's unsafe code under miri (a nightly toolchain's), for each SEED
miri *SEED:
    ci/miri.sh {{SEED}}

# licences, duplicates and sources of the dependencies
deny:
    ci/deny.sh

# randomised run over parsers and decoders
fuzz SECONDS="20" *SEED:
    ci/fuzz.sh {{SECONDS}} {{SEED}}

# random engines on random trees of processes, for TIME (60s, 5m, 1h); a printed seed plays its round again
stress TIME="60s" *SEED:
    cargo run --quiet --package utrace-linux-host --example stress -- {{TIME}} {{SEED}}

# benches against strace and a minimal tracer; ratios printed
bench *ARGS:
    cargo bench --package utrace-linux -- {{ARGS}}

# docs/contract.md: which scenario runs where, which test holds which invariant
tables:
    UPDATE_DOCS=1 cargo test --quiet --package utrace-linux-testkit --test contract

# kills the tracer at any moment, many times: what it traced goes on
kills TIMES="3000":
    UTRACE_KILLS={{TIMES}} cargo test --package utrace-linux-host --test killed -- --nocapture

# real servers under load, traced by us and by the rivals: a table of who notices. NAME is redis, postgres, nginx, node,
# go, java or all, or one of the many others (crates/cli/examples/servers/kinds.rs), or more for all of those; VISITS short
# ones of 5 ms and STOPS of a second; with `ours` without the rivals. As root, each server runs as user nobody
servers NAME="all" VISITS="100" STOPS="5" *OURS:
    cargo build --quiet --package utrace-linux
    cargo run --quiet --package utrace-linux --example servers -- {{NAME}} {{VISITS}} {{STOPS}} {{OURS}}

# the man page, to read
man:
    cargo run --quiet -- man | man -l -

# the C library, its header and its pkg-config file, below a prefix
install-lib PREFIX="/usr/local":
    ci/install-lib.sh {{PREFIX}}
