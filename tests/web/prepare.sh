#!/bin/sh
# Gets the judge of accessibility that the browser tests load into pages. Does nothing when it is there.
set -eu
cd "$(dirname "$0")"
[ -f node_modules/axe-core/axe.min.js ] || npm ci --no-audit --no-fund --ignore-scripts
