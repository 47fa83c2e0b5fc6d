# shellcheck shell=bash
# What the scripts share: words to the user, and packages of the system where they can be had.

say() { echo "$*" >&2; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Installs packages of the system; fails where that is not possible without asking somebody.
system_install() {
    command -v apt-get >/dev/null || return 1
    as_root true 2>/dev/null || return 1
    say "installing $*"
    as_root apt-get update -qq || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >&2
}
