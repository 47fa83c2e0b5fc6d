"""Somebody who has nothing but the installed files builds against them, with usual tools."""

import pathlib
import shlex
import shutil

import pytest
from harness.installation import Library, make, once, version
from harness.matrix import HERE, STATIC_NEEDS
from harness.tools import ROOT, attempt, links, need, run, silent

MAIN = HERE / "consumer" / "main.c"
LOADER = """
#include <dlfcn.h>
#include <levada.h>
#include <pthread.h>

/* The thread ends after the library was let go, and the library keeps things for every thread. */
static void *use(void *name) {
    levada_status (*open)(const char *, const char *const *, levada_database **, levada_error **);
    void (*end)(levada_database *);
    levada_database *database = 0;
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == 0) { return name; }
    *(void **)&open = dlsym(library, "levada_database_open");
    *(void **)&end = dlsym(library, "levada_database_free");
    if (open(":memory:", 0, &database, 0) != LEVADA_OK) { return name; }
    end(database);
    return dlclose(library) == 0 ? 0 : name;
}

int main(void) {
    static char name[] = "SONAME";
    int round;
    for (round = 0; round < 3; round++) {
        pthread_t thread;
        void *failed = name;
        if (pthread_create(&thread, 0, use, name) != 0) { return 1; }
        if (pthread_join(thread, &failed) != 0 || failed != 0) { return 2; }
    }
    return 0;
}
"""


def files(directory: pathlib.Path) -> list[str]:
    found = (path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(str(path.relative_to(directory)) for path in found)


@pytest.fixture(scope="session")
def prefix(library: Library, shared_directory: pathlib.Path) -> pathlib.Path:
    """Installed by `make install`, then moved: nothing may remember where it was."""
    need("make")
    moved = shared_directory / "second place"

    def install_and_move() -> None:
        make("install", f"PREFIX={shared_directory / 'first place'}")
        (shared_directory / "first place").rename(moved)

    once(moved, install_and_move)
    return moved


def tried(
    program: pathlib.Path, scratch: pathlib.Path, libraries: pathlib.Path | None = None
) -> None:
    """Runs the program, which finds its shared library in `libraries`."""
    (scratch / "data").mkdir()
    environment = {"LD_LIBRARY_PATH": str(libraries)} if libraries else {}
    silent(program, scratch / "data", environment=environment)
    shutil.rmtree(scratch / "data")


def test_what_is_installed_is_where_it_is_looked_for(prefix: pathlib.Path) -> None:
    major = version().split(".")[0]
    assert {
        "include/levada.h",
        "lib/liblevada.a",
        "lib/liblevada.so",
        f"lib/liblevada.so.{major}",
        f"lib/liblevada.so.{version()}",
        "lib/pkgconfig/levada.pc",
        "lib/cmake/Levada/LevadaConfig.cmake",
        "lib/cmake/Levada/LevadaConfigVersion.cmake",
        "lib/cmake/Levada/LevadaTargets.cmake",
        "share/doc/levada/LICENSE",
    } <= set(files(prefix))
    headers = {str(p.relative_to(ROOT)) for p in (ROOT / "include").rglob("*.h*")}
    assert headers == {name for name in files(prefix) if name.startswith("include/")}
    assert (prefix / "lib" / "liblevada.so").resolve().name == f"liblevada.so.{version()}"


def test_no_installed_text_names_a_place(prefix: pathlib.Path) -> None:
    texts = [path for path in prefix.rglob("*") if path.suffix in (".pc", ".cmake", ".h", ".hpp")]
    assert len(texts) >= 5
    for path in texts:
        assert str(prefix.parent) not in path.read_text(), path
        assert str(ROOT) not in path.read_text(), path


@pytest.mark.parametrize("target", ["levada", "levada_shared", "levada_static"])
def test_cmake_finds_it(target: str, prefix: pathlib.Path, tmp_path: pathlib.Path) -> None:
    need("cmake")
    source, build = tmp_path / "source", tmp_path / "build"
    shutil.copytree(HERE / "consumer", source)
    run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-Werror=dev")
    run("cmake", "--build", build, "--target", f"with_{target}")
    program = build / f"with_{target}"
    tried(program, tmp_path)
    asked = "liblevada.so" in run("readelf", "--dynamic", program)
    assert asked == (target != "levada_static")


@pytest.mark.parametrize(
    ("asked", "works"),
    [("0.1", True), ("0.0.1", True), ("{} EXACT", True), ("99", False), ("0.99", False)],
)
def test_cmake_refuses_a_version_that_it_is_not(
    asked: str, works: bool, prefix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    need("cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(versions LANGUAGES C)\n"
        f"find_package(Levada {asked.format(version())} REQUIRED CONFIG)\n"
    )
    done = attempt("cmake", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
    assert (done.returncode == 0) == works, done.stdout + done.stderr


def test_cmake_refuses_a_feature_that_is_not_there(
    prefix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    need("cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(features LANGUAGES C)\n"
        "find_package(Levada REQUIRED CONFIG COMPONENTS sorcery)\n"
    )
    done = attempt("cmake", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}")
    assert done.returncode != 0
    assert "has no sorcery" in done.stderr


def pkg_config(libraries: pathlib.Path, *arguments: str) -> list[str]:
    environment = {"PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
    return shlex.split(run("pkg-config", *arguments, "levada", environment=environment))


def test_pkg_config_finds_it(prefix: pathlib.Path, tmp_path: pathlib.Path) -> None:
    need("pkg-config", "gcc")
    program = tmp_path / "program"
    run("gcc", MAIN, *pkg_config(prefix / "lib", "--cflags", "--libs"), "-o", program)
    tried(program, tmp_path, prefix / "lib")
    assert pkg_config(prefix / "lib", "--modversion") == [version()]
    assert pkg_config(prefix / "lib", "--variable=features") == ["archive", "broker"]


def test_pkg_config_finds_it_for_a_program_without_shared_libraries(
    prefix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    need("pkg-config", "gcc")
    if not links("gcc", "-static"):
        pytest.skip("left out: the C library of the system is not here as a static one")
    program = tmp_path / "program"
    flags = pkg_config(prefix / "lib", "--static", "--cflags", "--libs")
    # Says that names of hosts and users are looked up by shared libraries all the same.
    run("gcc", "-static", MAIN, *flags, "-o", program)
    tried(program, tmp_path)
    assert "NEEDED" not in run("readelf", "--dynamic", program)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_compiler_alone_is_enough(
    compiler: str, prefix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The line of docs/c-api.md, as somebody would type them beside a copy of the files."""
    need(compiler)
    for name in ("levada.h", "liblevada.a"):
        shutil.copy(next(prefix.rglob(name)), tmp_path)
    shutil.copy(MAIN, tmp_path)
    line = [compiler, "-I.", "main.c", "liblevada.a", *STATIC_NEEDS, "-o", "program"]
    assert " ".join(line[1:-2]) in (ROOT / "docs" / "c-api.md").read_text()
    run(*line, cwd=tmp_path)
    tried(tmp_path / "program", tmp_path)
    needed = run("readelf", "--dynamic", tmp_path / "program")
    assert "libstdc++" not in needed
    assert "liblevada" not in needed


def test_it_may_be_loaded_by_its_name_and_let_go(
    prefix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    need("gcc")
    source, program = tmp_path / "loader.c", tmp_path / "program"
    source.write_text(LOADER.replace("SONAME", f"liblevada.so.{version().split('.')[0]}"))
    run("gcc", source, "-I", prefix / "include", "-ldl", "-lpthread", "-o", program)
    tried(program, tmp_path, prefix / "lib")


def test_directories_are_taken_from_the_usual_variables(
    library: Library, tmp_path: pathlib.Path
) -> None:
    need("make", "pkg-config", "gcc")
    variables = [f"DESTDIR={tmp_path}", "PREFIX=/usr", "LIBDIR=/usr/lib/anywhere/lib64"]
    variables += ["INCLUDEDIR=/opt/headers", "DOCDIR=/usr/share/licenses/levada"]
    make("install", *variables)
    lib = tmp_path / "usr" / "lib" / "anywhere" / "lib64"
    assert (lib / "liblevada.so").exists()
    assert (tmp_path / "opt" / "headers" / "levada.h").exists()
    assert (tmp_path / "usr" / "share" / "licenses" / "levada" / "LICENSE").exists()
    flags = pkg_config(lib, "--cflags", "--libs")
    program = tmp_path / "program"
    run("gcc", MAIN, *flags, "-o", program)
    tried(program, tmp_path, lib)
    make("uninstall", *variables)
    program.unlink()
    assert files(tmp_path) == []


def test_uninstall_takes_away_what_install_brought_and_nothing_else(
    library: Library, tmp_path: pathlib.Path
) -> None:
    need("make")
    others = tmp_path / "lib" / "pkgconfig" / "other.pc"
    others.parent.mkdir(parents=True)
    others.touch()
    make("install", f"PREFIX={tmp_path}")
    assert len(files(tmp_path)) > 5
    make("uninstall", f"PREFIX={tmp_path}")
    assert files(tmp_path) == ["lib/pkgconfig/other.pc"]
    assert not any(path.name.lower() == "levada" for path in tmp_path.rglob("*"))
    make("uninstall", f"PREFIX={tmp_path}")
