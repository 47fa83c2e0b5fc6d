#!/usr/bin/env bash
# `c-library.sh DIRECTORY` builds the C library and puts liblevada.so and liblevada.a there.
# PROFILE is a profile of Cargo's, FEATURES are those of bindings/c: empty for none, unset for all.
set -euo pipefail
out=$(realpath "$1")
cd "$(dirname "$0")/.."

# shellcheck source=scripts/system.sh
. scripts/system.sh

profile=${PROFILE:-dist}
features=${FEATURES-archive broker}

if [ "$(uname -s)" != Linux ]; then
    say "the C library is laid out for Linux only; elsewhere take what 'cargo build -p levada-c' leaves"
    exit 1
fi
for tool in cargo ld objcopy nm ar; do
    command -v "$tool" >/dev/null || {
        say "$tool is missing: run 'make build' for Rust, 'sudo apt-get install binutils' for the rest, then make again"
        exit 1
    }
done

target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
case $profile in
dev | test) built=$target/debug ;;
*) built=$target/$profile ;;
esac

# What Cargo leaves has the same place for all features: nobody else builds until this is done.
mkdir -p "$target"
exec 9>"$target/levada-c.lock"
flock 9
# With the crate type `rlib`, which Cargo.toml has for tests, Cargo would not optimise across crates.
cargo rustc --package levada-c --lib --crate-type cdylib,staticlib \
    --profile "$profile" --no-default-features --features "$features"
install -m 755 "$built/liblevada_c.so" "$out/liblevada.so"

# The static library is one object with no global symbol but levada_*: Rust's runtime and the bundled zstd
# must not meet another Rust library or another zstd in the same program. What no function of ours reaches
# goes. Groups are dissolved, or a second Rust library's group of the same name would take ours out.
# The bitcode that Rust's own objects carry is of no use, and the tools of an older LLVM stumble over it.
nm --dynamic --defined-only "$out/liblevada.so" |
    awk '$3 ~ /^levada_/ { print "--undefined=" $3 }' >"$out/roots"
"$(command -v ld.bfd || command -v ld)" --relocatable --gc-sections --force-group-allocation \
    --strip-debug -o "$out/whole.o" "@$out/roots" "$built/liblevada_c.a"
objcopy --wildcard --keep-global-symbol='levada_*' --strip-unneeded \
    --remove-section=.llvmbc --remove-section=.llvmcmd "$out/whole.o" "$out/levada.o"
ar rcs "$out/liblevada.a" "$out/levada.o"
rm "$out/roots" "$out/whole.o" "$out/levada.o"
