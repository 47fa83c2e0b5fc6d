"""Nothing blocks the event loop, however long the disk takes to sync."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: Stands before the system's own calls, by LD_PRELOAD.
SLOW = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void nap(void) {
    int ms = 0;
    FILE *file = fopen(getenv("SLOW_MS_FILE"), "r");
    if (file == NULL) return;
    if (fscanf(file, "%d", &ms) == 1) usleep(ms * 1000);
    fclose(file);
}
int fsync(int fd) { nap(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { nap(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""

HEAD = """
import asyncio, os, sys, time
from pathlib import Path
import levada.aio

def slow(ms):
    Path(os.environ["SLOW_MS_FILE"]).write_text(str(ms))

def threads():
    return len(os.listdir("/proc/self/task"))

async def meter(worst):
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.01)
        now = time.monotonic()
        worst[0] = max(worst[0], now - last - 0.01)
        last = now

async def watched(work):
    worst = [0.0]
    watch = asyncio.ensure_future(meter(worst))
    await asyncio.sleep(0.05)
    slow(1000)
    try:
        await work
    finally:
        slow(0)
        watch.cancel()
    # A loop that waits for one sync alone has stood still for a second.
    assert worst[0] < 0.6, f"the loop stood still for {worst[0]:.2f} s"

"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], None]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs a C compiler, and LD_PRELOAD")
    source, library = tmp_path / "slow.c", tmp_path / "slow.so"
    source.write_text(SLOW)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)

    def run(main: str) -> None:
        code = HEAD + main + f"\nasyncio.run(main({str(tmp_path / 'data')!r}))\n"
        env = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "SLOW_MS_FILE": str(tmp_path / "slow_ms"),
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr

    return run


def test_a_full_buffer_is_waited_for_without_blocking_and_without_threads(
    run: Callable[[str], None],
) -> None:
    run("""
async def main(path):
    async with levada.aio.open(path) as db:
        await db.create_topic("t")
        async with db.producer(buffer_memory=50_000, linger_ms=0) as p:
            await (await p.send("t", b"x"))
            before = threads()
            most = [0]

            async def send(n):
                await p.send("t", b"x" * 20_000, partition=0)
                most[0] = max(most[0], threads())

            await watched(asyncio.gather(*(send(n) for n in range(8))))
            assert most[0] <= before, (before, most)
            await watched(p.send_many("t", [b"x" * 20_000] * 6))
        assert (await db.topic("t")).partitions == 1
        assert (await (await db.topic("t")).offsets())[0] == (0, 15)
""")


def test_flushes_take_no_thread_each(
    run: Callable[[str], None],
) -> None:
    run("""
async def main(path):
    async with levada.aio.open(path) as db:
        await db.create_topic("t")
        async with db.producer(linger_ms=100_000) as p:
            await db.topics()
            before = threads()

            async def flushes():
                d = await p.send("t", b"x")
                waits = [asyncio.ensure_future(p.flush()) for _ in range(50)]
                await asyncio.sleep(0.2)
                assert threads() <= before, (before, threads())
                began = time.monotonic()
                await db.topics()
                assert time.monotonic() - began < 0.5
                assert not d.done()
                await asyncio.gather(*waits)
                assert d.done()

            await watched(flushes())
""")


def test_a_commit_and_a_rebalance_do_not_block(
    run: Callable[[str], None],
) -> None:
    run("""
async def main(path):
    async with levada.aio.open(path) as db:
        await db.create_topic("t", 4)
        async with db.producer() as p:
            for n in range(100):
                await p.send("t", b"%d" % n, partition=n % 4)
        one = db.consumer("t", group="g", start="earliest")
        two = db.consumer("t", group="g", start="earliest")
        # Joining makes the topic of the offsets.
        await watched(one.poll())
        await watched(one.commit())
        await one.poll(timeout=0.1)

        async def share():
            while not two.assignment():
                await two.poll(timeout=0.05)
                await one.poll(timeout=0.05)

        await watched(share())
        assert len(one.assignment()) == len(two.assignment()) == 2
        await watched(asyncio.gather(one.close(), two.close()))
""")
