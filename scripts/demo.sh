#!/bin/sh
# The tour that `make demo` gives: lint, compile advisories, scan, SARIF. Expects secpipe and python on the PATH.
# Findings (exit code 1) are what the examples are there for; any other code ends the demo.
set -eu

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

title() {
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

# run CODE COMMAND...: show the command, run it, insist on its exit code.
run() {
    expected=$1
    shift
    printf '$ %s\n' "$*"
    code=0
    "$@" || code=$?
    if [ "$code" -ne "$expected" ]; then
        echo "error: the demo expected exit code $expected here, not $code" >&2
        exit 1
    fi
}

SECPIPE_DB=build/demo/advisories
export SECPIPE_DB
rm -rf build/example-image secpipe.sarif
mkdir -p build/demo

title "1. Lint a Dockerfile"
run 1 secpipe lint examples/Dockerfile

title "2. Compile advisories (plain OSV records) into a database"
echo "$ export SECPIPE_DB=$SECPIPE_DB"
run 0 secpipe db build vulndb-fixtures/osv

title "3. Build the example images from text"
run 0 python -m examples.build build/example-image

title "4. Scan the one on Debian"
run 1 secpipe scan oci:build/example-image:debian \
    --platform linux/amd64 --output sarif=secpipe.sarif

title "5. The same application on Alpine, only SARIF"
run 1 secpipe scan oci:build/example-image:alpine \
    --platform linux/amd64 --fail-on critical --format sarif --output build/demo/alpine.sarif

title "So the gate stays shut: exit code 1. The details are in secpipe.sarif."
cat <<'TEXT'
Now try your own (advisories come from the public OSV feed):

  . .venv/bin/activate
  secpipe lint YOUR/Dockerfile
  secpipe db update Debian Alpine PyPI
  secpipe scan docker.io/library/python:3.12-slim
TEXT
