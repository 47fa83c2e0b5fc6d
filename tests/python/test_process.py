"""What the process around may do: fork, signals, exit without close, garbage."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import levada
import pytest


def run(code: str, *args: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "dev", "-c", code, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done


def test_a_handle_is_refused_after_a_fork(data: Path) -> None:
    db = levada.open(data)
    db.create_topic("orders")
    p = db.producer()
    c = db.consumer("orders", start="earliest")
    d = p.send("orders", b"parent")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        refused = 0
        for call in (db.topics, p.flush, c.poll, d.result, lambda: p.send("orders", b"child")):
            try:
                call()
            except levada.ClosedError as error:
                refused += "fork" in str(error)
            except BaseException:
                pass
        del p, c, d, db
        gc.collect()
        os._exit(refused)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 5
    # The parent goes on as if nothing had happened.
    p.send("orders", b"after")
    p.close()
    assert len(c.poll()) == 2
    c.close()
    db.close()


def forked(child: Callable[[], str]) -> Callable[[], str]:
    """Runs ``child`` in a fork; what is given waits for it and says what it said."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            said = child()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)

    def wait() -> str:
        with open(reader) as pipe:
            said = pipe.read()
        os.waitpid(pid, 0)
        return said

    return wait


def test_an_idle_child_does_not_keep_the_directory_locked(data: Path) -> None:
    db = levada.open(data)
    go, stop = os.pipe()

    def idle() -> str:
        os.close(stop)
        return str(os.read(go, 1))

    child = forked(idle)
    db.close()
    try:
        with levada.open(data):
            pass
    finally:
        os.close(stop)
    assert child() == "b''"


def test_a_child_opens_the_directory_once_the_parent_has_closed_it(data: Path) -> None:
    db = levada.open(data)
    go, stop = os.pipe()

    def work() -> str:
        os.close(stop)
        try:
            levada.open(data)
            return "opened while the parent had it open"
        except levada.ConflictError as error:
            named = f"in process {os.getppid()}" in str(error)
        os.read(go, 1)
        with levada.open(data) as own:
            own.create_topic("orders")
        return f"{named}"

    child = forked(work)
    time.sleep(0.2)
    db.close()
    os.close(stop)
    assert child() == "True"
    with levada.open(data) as db:
        assert [t.name for t in db.topics()] == ["orders"]


def test_the_parent_keeps_its_lock_when_a_child_opens_and_ends(data: Path) -> None:
    with levada.open(data):
        assert "ConflictError" in forked(lambda: str(levada.open(data)))()
        code = "import levada, sys; levada.open(sys.argv[1])"
        assert "ConflictError" in run(code, data, check=False).stderr


@pytest.mark.parametrize("wait", ["next(c)", "c.poll(timeout=None)", "c.poll_arrow(timeout=None)"])
def test_ctrl_c_ends_a_wait(wait: str) -> None:
    code = f"""
import levada, os, signal, threading
with levada.open(":memory:") as db:
    db.create_topic("orders")
    with db.consumer("orders") as c:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
"""
    started = time.monotonic()
    assert run(code).stdout == "interrupted\n"
    assert time.monotonic() - started < 30


def test_python_handlers_run_while_a_call_waits(db: levada.Database) -> None:
    db.create_topic("orders")
    seen: list[int] = []

    def handle(number: int, frame: object) -> None:
        seen.append(number)
        c.wakeup()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        with db.consumer("orders") as c:
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            assert len(c.poll(timeout=30)) == 0
            timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]


def test_exit_without_close_loses_nothing_and_warns(data: Path) -> None:
    code = """
import levada, sys
db = levada.open(sys.argv[1])
db.create_topic("orders")
p = db.producer(linger_ms=100000)
for n in range(1000):
    p.send("orders", b"%d" % n)
"""
    done = run(code, data)
    assert "ResourceWarning: unclosed <levada.Database" in done.stderr
    with levada.open(data) as db, db.consumer("orders", start="earliest", idle_timeout=0) as c:
        assert [r.value for r in c] == [b"%d" % n for n in range(1000)]


def test_a_kill_loses_nothing_that_was_acknowledged(data: Path) -> None:
    code = """
import levada, os, signal, sys
db = levada.open(sys.argv[1])
db.create_topic("orders")
p = db.producer()
p.send_many("orders", [b"%d" % n for n in range(1000)]).result()
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, data, check=False).returncode == -signal.SIGKILL
    with levada.open(data) as db, db.consumer("orders", start="earliest", idle_timeout=0) as c:
        assert [r.value for r in c] == [b"%d" % n for n in range(1000)]


def test_garbage_that_was_not_closed_warns_and_is_closed(data: Path) -> None:
    db = levada.open(data)
    db.create_topic("orders")
    p = db.producer(linger_ms=100_000)
    p.send("orders", b"kept")
    with pytest.warns(ResourceWarning, match="unclosed <levada.Producer"):
        del p
        gc.collect()
    with pytest.warns(ResourceWarning, match="unclosed <levada.Database"):
        del db
        gc.collect()
    with levada.open(data) as db, db.consumer("orders", start="earliest", idle_timeout=0) as c:
        assert [r.value for r in c] == [b"kept"]


def test_waiting_gives_other_threads_the_interpreter(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.consumer("orders") as c:
        done = threading.Event()

        def wait() -> None:
            c.poll(timeout=None)
            done.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert sum(range(1000)) == 499_500
        while not done.is_set():
            c.wakeup()
            done.wait(0.01)
        thread.join()


def test_the_command_runs_as_a_module(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "levada", "--dir", str(data), "topic", "create", "orders"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    with levada.open(data) as db:
        assert [t.name for t in db.topics()] == ["orders"]
    done = subprocess.run(
        [sys.executable, "-m", "levada", "--dir", str(data), "topic", "describe", "none"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done
