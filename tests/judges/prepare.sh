#!/bin/sh
# Makes the Python environment of the outside judges beside this file, once for each list of libraries: schemathesis for the
# doors that speak JSON, sslyze for TLS. Of sslyze there is no wheel; it is Python alone.
set -eu
cd "$(dirname "$0")"
if cmp -s requirements.txt venv/.installed; then
    exit 0
fi
rm -rf venv
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-binary sslyze -r requirements.txt
cp requirements.txt venv/.installed
