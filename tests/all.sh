#!/bin/sh
# Builds everything and passes all tests. Arguments go to the test runner: `sh tests/all.sh -p keis-ledger`.
set -eu
cd "$(dirname "$0")/.."
. cli/prepare.sh
. tests/prepare.sh
# This builds the binary that the system tests start, too: the command's own tests need it.
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run --release --locked --workspace --no-fail-fast "$@"
fi
exec cargo test --release --locked --workspace --no-fail-fast "$@"
