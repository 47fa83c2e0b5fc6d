#!/usr/bin/env bash
# `c-install.sh install` builds the C library and copies it where PREFIX, LIBDIR, INCLUDEDIR, DOCDIR and
# DESTDIR say, in the sense of GNU's conventions; `c-install.sh uninstall` removes it from there. PROFILE
# and FEATURES are those of c-library.sh. Nothing that is copied holds a path: the tree may be moved.
set -euo pipefail
start=$PWD
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system.sh
. scripts/system.sh

from() { case $2 in /*) echo "$2" ;; *) echo "$1/$2" ;; esac; }
prefix=$(from "$start" "${PREFIX:-${prefix:-/usr/local}}")
libdir=$(from "$prefix" "${LIBDIR:-${libdir:-lib}}")
includedir=$(from "$prefix" "${INCLUDEDIR:-${includedir:-include}}")
docdir=$(from "$prefix" "${DOCDIR:-${docdir:-share/doc/levada}}")
destdir=${DESTDIR:-}
features=${FEATURES-archive broker}
version=$(cargo pkgid --package levada-c | sed 's/.*[#@]//')
major=${version%%.*}
cmakedir=$libdir/cmake/Levada
pkgconfigdir=$libdir/pkgconfig

# The headers, from `include`.
headers() { (cd include && find . -name '*.h' -o -name '*.hpp') | sed 's|^\./||' | sort; }

# The way from one installed directory to another.
way() { realpath --canonicalize-missing --no-symlinks --relative-to="$1" "$2"; }

# put MODE FILE DIRECTORY [NAME]
put() { "${asked[@]}" install -D -m "$1" "$2" "$destdir$3/${4:-$(basename "$2")}"; }

# Fills a template of packaging/c in, as seen from the directory it goes to.
put_filled() {
    sed -e "s|@VERSION@|$version|g" -e "s|@MAJOR@|$major|g" \
        -e "s|@FEATURES@|$(echo "$features" | tr -s ', ' ' ')|g" \
        -e "s|@PREFIX@|$(way "$2" "$prefix")|g" -e "s|@LIBDIR@|$(way "$2" "$libdir")|g" \
        -e "s|@INCLUDEDIR@|$(way "$2" "$includedir")|g" "packaging/c/$1.in" >"$built/$1"
    put 644 "$built/$1" "$2"
}

install_all() {
    local header
    scripts/c-library.sh "$built"
    put 755 "$built/liblevada.so" "$libdir" "liblevada.so.$version"
    "${asked[@]}" ln -sfn "liblevada.so.$version" "$destdir$libdir/liblevada.so.$major"
    "${asked[@]}" ln -sfn "liblevada.so.$major" "$destdir$libdir/liblevada.so"
    put 644 "$built/liblevada.a" "$libdir"
    for header in $(headers); do put 644 "include/$header" "$includedir" "$header"; done
    put_filled levada.pc "$pkgconfigdir"
    put_filled LevadaConfig.cmake "$cmakedir"
    put_filled LevadaConfigVersion.cmake "$cmakedir"
    put_filled LevadaTargets.cmake "$cmakedir"
    put 644 LICENSE "$docdir"
}

# Directories that others use too stay, as do those that somebody else has put something into.
uninstall_all() {
    local header
    for header in $(headers); do "${asked[@]}" rm -f "$destdir$includedir/$header"; done
    "${asked[@]}" rm -f "$destdir$libdir/liblevada.so"{,".$major",".$version"} "$destdir$libdir/liblevada.a" \
        "$destdir$pkgconfigdir/levada.pc" "$destdir$cmakedir"/Levada{Config,ConfigVersion,Targets}.cmake \
        "$destdir$docdir/LICENSE"
    for directory in "$includedir/levada" "$cmakedir" "$docdir"; do
        if [ -d "$destdir$directory" ]; then
            "${asked[@]}" rmdir --ignore-fail-on-non-empty "$destdir$directory"
        fi
    done
}

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

# Where only root may write, only the copying is done as root, not the build.
asked=()
there=$destdir$prefix
until [ -e "$there" ]; do there=$(dirname "$there"); done
if [ ! -w "$there" ]; then
    say "$there belongs to somebody else: sudo is asked for"
    asked=(sudo)
fi

case ${1:-} in
install) install_all ;;
uninstall) uninstall_all ;;
*)
    say "usage: c-install.sh install|uninstall"
    exit 2
    ;;
esac
