"""Waiting for a disk that takes its time: what is promised of time-outs, flush and Ctrl-C."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PRELUDE = """
import levada, os, signal, sys, threading, time

def slow(ms):
    with open(os.environ["SLOW_MS"], "w") as file:
        file.write(str(ms))

def timed(call):
    started = time.monotonic()
    try:
        call()
        return "done", time.monotonic() - started
    except BaseException as error:
        return type(error).__name__, time.monotonic() - started

def interrupted(call):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    how, took = timed(call)
    slow(0)
    print(how, "soon" if took < 1.5 else f"after {took:.1f} s")

slow(0)
db = levada.open(sys.argv[1])
topic = db.create_topic("orders", 4)
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler and LD_PRELOAD")
    built = tmp_path_factory.mktemp("slowsync") / "slowsync.so"
    source = Path(__file__).with_name("slowsync.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, source], check=True)
    return built


@pytest.fixture
def run(library: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    def run(code: str) -> str:
        env = {**os.environ, "LD_PRELOAD": str(library), "SLOW_MS": str(tmp_path / "ms")}
        command = [sys.executable, "-c", PRELUDE + code, tmp_path / "data"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_flush_waits_for_what_was_sent_before_it_alone(run) -> None:  # type: ignore[no-untyped-def]
    code = """
p = db.producer(linger_ms=1)
slow(80)
stop = threading.Event()
def trickle():
    while not stop.wait(0.001):
        p.send("orders", b"later", partition=0)
sender = threading.Thread(target=trickle)
sender.start()
time.sleep(0.3)
d = p.send("orders", b"mine", partition=0)
print(timed(lambda: p.flush(timeout=20))[0], d.done())
stop.set()
sender.join()
slow(0)
db.close()
"""
    assert run(code) == "done True\n"


def test_a_delivery_that_is_late_fails_in_time(run) -> None:  # type: ignore[no-untyped-def]
    code = """
p = db.producer(linger_ms=0, delivery_timeout_ms=400)
p.send("orders", b"x").result()
slow(4000)
d = p.send("orders", b"late")
how, took = timed(d.result)
slow(0)
print(how, 0.3 < took < 2, p.buffered_bytes)
db.close()
"""
    assert run(code) == "TimeoutError True 0\n"


@pytest.mark.parametrize(
    "call",
    ["p.close", "p.flush", "c.commit", "c.commit(asynchronous=True).result", "topic.archive"],
)
def test_ctrl_c_ends_a_wait_for_the_disk(run, call: str) -> None:  # type: ignore[no-untyped-def]
    code = f"""
p = db.producer(linger_ms=0)
p.send("orders", b"x").result()
c = db.consumer("orders", group="g", start="earliest", auto_commit=False)
c.poll()
c.commit()
slow(4000)
p.send("orders", b"y")
interrupted({call})
print(timed(db.close)[0])
"""
    assert run(code) == "KeyboardInterrupt soon\ndone\n"
