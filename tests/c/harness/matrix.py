"""Which programs there are, and in which ways each is built and run."""

import dataclasses
import pathlib
from collections.abc import Iterator

import pytest

from .installation import Library
from .tools import attempt, links, need, run, silent

HERE = pathlib.Path(__file__).resolve().parents[1]
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wconversion")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
DRIVERS = {("gcc", "c"): "gcc", ("gcc", "cpp"): "g++"}
DRIVERS |= {("clang", "c"): "clang", ("clang", "cpp"): "clang++"}
# What a static library leaves to the linker; docs/c-api.md names them.
STATIC_NEEDS = ("-lpthread", "-ldl", "-lm")
# What is possibly lost is not counted: the handle of a thread that Rust did not start is held by
# the middle of its memory, which valgrind takes for chance.
VALGRIND = (
    "valgrind",
    "--quiet",
    "--error-exitcode=9",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
)


@dataclasses.dataclass(frozen=True)
class Build:
    compiler: str
    standard: str
    mode: str  # plain, sanitized, valgrind
    link: str = "shared"

    @property
    def name(self) -> str:
        return "-".join((self.compiler, self.standard, self.mode, self.link))

    @property
    def language(self) -> str:
        return "cpp" if "++" in self.standard else "c"

    @property
    def driver(self) -> str:
        return DRIVERS[self.compiler, self.language]

    def need(self) -> None:
        """Skips the test where this cannot be had here."""
        need(self.driver)
        if self.mode == "valgrind":
            need("valgrind")
            if attempt("valgrind", "--quiet", "true").returncode:
                pytest.skip("left out: valgrind does not run here")
        # Clang's run-time libraries are a package of their own on some systems.
        if self.mode == "sanitized" and not links(self.driver, *SANITIZERS):
            pytest.skip(f"left out: {self.driver} has no sanitizers here")

    def compile(self, source: pathlib.Path, library: Library, target: pathlib.Path) -> None:
        flags = [f"-std={self.standard}", *WARNINGS, "-O2" if self.mode == "plain" else "-g"]
        if self.mode == "sanitized":
            flags += SANITIZERS
        if source.stem.endswith("_noexcept"):
            flags.append("-fno-exceptions")
        flags += ["-I", str(library.include), str(source), "-o", str(target)]
        if self.link == "static":
            flags += [str(library.static), *STATIC_NEEDS]
        else:
            flags += [f"-L{library.lib}", "-llevada", f"-Wl,-rpath,{library.lib}"]
        run(self.driver, *flags)

    def run(self, program: pathlib.Path, scratch: pathlib.Path) -> None:
        before = VALGRIND if self.mode == "valgrind" else ()
        silent(
            *before,
            program,
            scratch,
            cwd=scratch,
            environment={"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
        )


# Each compiler meets each standard and each kind of linking; what is slow runs in one way.
BUILDS = {
    "c": (
        Build("gcc", "c99", "plain", "shared"),
        Build("gcc", "c11", "plain", "static"),
        Build("clang", "c99", "plain", "static"),
        Build("clang", "c11", "plain", "shared"),
        Build("gcc", "c11", "sanitized"),
        Build("clang", "c99", "sanitized"),
        Build("gcc", "c99", "valgrind"),
    ),
    "cpp": (
        Build("gcc", "c++17", "plain", "shared"),
        Build("gcc", "c++20", "plain", "static"),
        Build("clang", "c++17", "plain", "static"),
        Build("clang", "c++20", "plain", "shared"),
        Build("gcc", "c++20", "sanitized"),
        Build("clang", "c++17", "sanitized"),
        Build("gcc", "c++17", "valgrind"),
    ),
}


def cases() -> Iterator[tuple[pathlib.Path, Build]]:
    for language, builds in BUILDS.items():
        for source in sorted((HERE / language).glob(f"*.{language}")):
            for build in builds:
                yield source, build
