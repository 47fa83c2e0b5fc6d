#!/usr/bin/env bash
# Brings in what the tests of the C library need, where this machine lets it. What cannot be had is named:
# the tests that need it are then skipped with a reason.
set -euo pipefail

# shellcheck source=scripts/system.sh
. "$(dirname "$0")/system.sh"

# The command that shows that a tool is there, and its package.
tools=(
    "gcc build-essential"
    "g++ build-essential"
    "ld binutils"
    "objcopy binutils"
    "clang clang"
    "valgrind valgrind"
    "cmake cmake"
    "pkg-config pkg-config"
    "doxygen doxygen"
)

missing_packages() {
    local tool
    for tool in "${tools[@]}"; do
        command -v "${tool% *}" >/dev/null || echo "${tool#* }"
    done | sort -u
}

# A C library that bundles zstd must stand beside the system's own.
has_zstd() { echo 'int main(void) { return 0; }' | gcc -x c - -o /dev/null -l:libzstd.a 2>/dev/null; }

# Debian's clang comes without what its sanitizers need at run time.
clang_sanitizes() {
    echo 'int main(void) { return 0; }' | clang -x c -fsanitize=address,undefined - -o /dev/null 2>/dev/null
}

# Where the dynamic linker is stripped, valgrind needs its symbols from another package.
valgrind_runs() { valgrind --quiet true 2>/dev/null; }

# One package at a time: where one cannot be had, the others still come.
bring() {
    local package
    for package in "$@"; do
        system_install "$package" || say "could not install $package"
    done
}

mapfile -t wanted < <(missing_packages)
bring "${wanted[@]}"
has_zstd || bring libzstd-dev
if command -v clang >/dev/null && ! clang_sanitizes; then
    bring "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev"
fi
if command -v valgrind >/dev/null && ! valgrind_runs; then bring libc6-dbg; fi

for package in $(missing_packages); do
    say "WARNING: $package is missing: the tests of the C library that need it will be left out"
done
if command -v clang >/dev/null && ! clang_sanitizes; then
    say "WARNING: clang's sanitizers are missing: tests with them will be left out"
fi
if command -v valgrind >/dev/null && ! valgrind_runs; then
    say "WARNING: valgrind does not run: tests with it will be left out"
fi
has_zstd || say "WARNING: libzstd.a is missing: the test beside it will be left out"
