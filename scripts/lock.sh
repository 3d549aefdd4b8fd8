#!/bin/sh
# Resolves the dependencies for every platform and writes them with their hashes: scripts/lock.sh UV [--upgrade]
# The runtime comes first; the others are held to the versions chosen there.
set -eu
uv=$1
shift

compile() {
    output=$1
    shift
    # The header names the command for a person, and nothing of the machine or the index that it ran on.
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
        --output-file "requirements/$output.txt" "$@"
}

compile runtime pyproject.toml --extra shellcheck --extra template --extra signature "$@"
compile fleet pyproject.toml --extra cluster --extra redis --extra remote --extra postgres --constraint requirements/runtime.txt "$@"
compile build --group build --constraint requirements/runtime.txt "$@"
compile dev --group dev --constraint requirements/runtime.txt --constraint requirements/fleet.txt --constraint requirements/build.txt "$@"
compile lock --group lock "$@"
