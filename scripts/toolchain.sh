#!/usr/bin/env bash
# Makes sure that a C compiler and a Rust toolchain are there; brings them in where this machine lets it,
# or names the command that does.
set -euo pipefail
rust_min=1.89 # `rust-version` of Cargo.toml

# shellcheck source=scripts/system.sh
. "$(dirname "$0")/system.sh"

rust_is_new_enough() {
    local have
    have=$(cargo --version 2>/dev/null | awk '{print $2}') || return 1
    [ -n "$have" ] || return 1
    [ "$(printf '%s\n%s\n' "$rust_min" "$have" | sort -V | head -n 1)" = "$rust_min" ]
}

# The system's package of rustup (Debian 13, Ubuntu 24.04 and newer), else rustup's own installer.
bring_rustup() {
    if command -v rustup >/dev/null; then return; fi
    if system_install rustup; then return; fi
    command -v curl >/dev/null || return 1
    say "installing rustup from https://sh.rustup.rs"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y --quiet --no-modify-path --profile minimal
}

bring_rust() {
    bring_rustup || return 1
    rustup toolchain install stable --profile minimal --component clippy --component rustfmt >&2 || return 1
    # A toolchain that was chosen before but is too old stays what it is for other projects.
    if ! rust_is_new_enough; then rustup override set stable >&2; fi
}

command -v cc >/dev/null || system_install build-essential || {
    say "a C compiler is missing: run 'sudo apt-get install build-essential', then make again"
    exit 1
}

rust_is_new_enough || bring_rust || true
rust_is_new_enough || {
    say "Rust $rust_min or newer is missing: run 'curl --proto =https -sSf https://sh.rustup.rs | sh', then make again"
    exit 1
}
