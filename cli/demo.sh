#!/bin/sh
# Builds `keis` and runs the main job: a programme year on four validators. Arguments go to `keis demo`.
set -eu
cd "$(dirname "$0")/.."
. cli/prepare.sh
cargo build --release --locked -p keis-cli
exec target/release/keis demo "$@"
