#!/bin/sh
# Creates the virtual environment with the first Python that is new enough: scripts/venv.sh FOLDER
# PYTHON=/path/to/python chooses one.
set -eu
folder=$1
. scripts/apt.sh

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

makes_venvs() {
    # Debian ships the standard library's ensurepip in a package of its own.
    new_enough "$1" && "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

first() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if "$1" "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

if [ -x "$folder/bin/python" ] && new_enough "$folder/bin/python" &&
    "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=$(first makes_venvs)
if [ -z "$python" ]; then
    python=$(first new_enough)
    if [ -z "$python" ]; then
        echo "error: no Python 3.11 or newer found${PYTHON:+ at $PYTHON}; install one (Debian 12 or later, Ubuntu 24.04 or later: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python" >&2
        exit 1
    fi
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if ! apt_install "$package" || ! makes_venvs "$python"; then
        echo "error: $python cannot create virtual environments (its ensurepip is missing); install it with: sudo apt-get install $package" >&2
        exit 1
    fi
fi
echo "creating $folder with $("$python" --version)" >&2
"$python" -m venv --clear "$folder"
