#!/usr/bin/env bash
# Makes .venv with a Python that is new enough, and the build tool in it.
set -euo pipefail

# shellcheck source=scripts/system.sh
. "$(dirname "$0")/system.sh"

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local python
    for python in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$python"; then
            echo "$python"
            return
        fi
    done
    say "Python 3.11 or newer is missing: run 'sudo apt-get install python3 python3-venv', or name one with 'make PYTHON=...'"
    return 1
}

make_venv() {
    local python
    python=$(find_python)
    # A directory that was left half made, or whose Python is gone.
    rm -rf .venv
    if "$python" -m venv .venv >/dev/null 2>&1; then return; fi
    rm -rf .venv
    # Debian keeps the module `ensurepip` in a package of its own.
    system_install python3-venv || {
        say "the module venv is missing: run 'sudo apt-get install python3-venv', then make again"
        return 1
    }
    "$python" -m venv .venv
}

if ! is_new_enough .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    make_venv
fi
wanted=$(grep '^maturin==' requirements-dev.txt)
if [ "$(.venv/bin/maturin --version 2>/dev/null | tr -s ' ')" != "maturin ${wanted#maturin==}" ]; then
    .venv/bin/python -m pip install --quiet "$wanted"
fi
