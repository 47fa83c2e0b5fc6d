"""The clients' own test suites, as their packages ship them, against `levada serve`.

Each suite's tests are held against `clients_known.toml`: a test that fails and is not listed there
fails the suite, and so does one that is listed and passes. A suite whose toolchain is missing is
skipped, and the summary says so. With LEVADA_COMPAT_BOOTSTRAP the broker at that address is asked
instead, and nothing is judged: what fails with Apache Kafka too is no defect of ours.
LEVADA_SUITES names the suites to run, with commas between.
"""

import collections
import contextlib
import os
import pathlib
import sys
import tomllib

import pytest
from clients_suites import FAILED, HERE, PASSED, SUITES, free
from toolchains import Missing

sys.path.insert(0, str(HERE.parent / "compat"))

from harness.broker import serving

KNOWN = tomllib.loads((pathlib.Path(__file__).parent / "clients_known.toml").read_text())
OTHER = "LEVADA_COMPAT_BOOTSTRAP" in os.environ
# The containers with which the clients test have a first broker 0, and tests name it.
IDENTITY = """version=1
cluster.id=wGWXSN1gQOy2XW9f7wk-tw
node.id=0
directory.id=njebSCcNRV-InyPS_8OcZQ
levada.format=1
"""
SETTINGS = {
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "levada.durability": "cache",
}


def chosen():
    parts = [part for part in os.environ.get("LEVADA_SUITES", "").split(",") if part]
    return [suite for suite in SUITES if not parts or suite.name in parts]


@contextlib.contextmanager
def broker(suite, directory):
    port, named = suite.port, SETTINGS | suite.settings
    if port and not OTHER and not free(port):
        pytest.skip(f"{suite.name} was left out: its tests need port {port}, which is taken")
    if suite.advertised:
        port = free()
        named["advertised.listeners"] = f"PLAINTEXT://127.0.0.1:{port}"
    (directory / "data").mkdir()
    (directory / "data" / "meta.properties").write_text(IDENTITY)
    with serving(directory, named, f"127.0.0.1:{port}") as bootstrap:
        yield bootstrap


def judged(name, found):
    """What is not as the list says."""
    known = KNOWN.get(name, {})
    fails, unsteady = known.get("fails", {}), known.get("unsteady", {})
    wrong = [
        f"{test} fails and is not listed"
        for test, outcome in found.items()
        if outcome == FAILED and test not in fails and test not in unsteady
    ]
    wrong += [f"{test} is listed and passes" for test in fails if found.get(test) == PASSED]
    gone = [test for test in [*fails, *unsteady] if test not in found]
    return wrong + [f"{test} is listed and was not run" for test in gone]


@pytest.mark.parametrize("suite", chosen(), ids=lambda suite: suite.name)
def test_a_client_s_own_tests(suite, tmp_path, capsys):
    try:
        version, built = suite.build()
    except Missing as missing:
        pytest.skip(f"{suite.name} was left out: {missing}")
    with broker(suite, tmp_path) as bootstrap:
        found = suite.run(built, bootstrap, tmp_path)
    counts = collections.Counter(found.values())
    figures = ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))
    with capsys.disabled():
        print(f"\n{suite.name} {version}: {figures}")
        for test in sorted(test for test, outcome in found.items() if outcome == FAILED):
            print(f"    {test} failed")
    assert counts[PASSED], f"nothing passed: see {tmp_path}"
    if not OTHER:
        wrong = judged(suite.name, found)
        assert not wrong, "\n".join([*wrong, f"the logs are in {tmp_path}"])
