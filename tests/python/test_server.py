"""Serving Kafka's clients from this process."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import confluent_kafka as ck
import levada
import levada.aio
import pytest


def send(bootstrap: str, topic: str, values: list[bytes]) -> list[int]:
    """Sends with librdkafka; gives the offsets."""
    producer = ck.Producer({"bootstrap.servers": bootstrap, "message.timeout.ms": 20_000})
    offsets: list[int] = []

    def delivered(error: ck.KafkaError | None, message: ck.Message) -> None:
        assert error is None, error
        offset = message.offset()
        assert offset is not None
        offsets.append(offset)

    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=delivered)
    assert producer.flush(20) == 0
    return offsets


def receive(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    """Reads with librdkafka from the beginning."""
    config = {"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False}
    consumer = ck.Consumer(config)
    consumer.assign([ck.TopicPartition(topic, 0, 0)])
    found: list[bytes | None] = []
    try:
        while len(found) < count:
            message = consumer.poll(20)
            assert message is not None, f"only {len(found)} of {count} came"
            assert message.error() is None, message.error()
            found.append(message.value())
    finally:
        consumer.close()
    return found


def test_both_sides_see_the_same_topic(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.serve(port=0) as server:
        assert send(server.bootstrap, "orders", [b"tea", b"milk"]) == [0, 1]
        with db.producer() as p:
            assert p.send("orders", b"sugar").result(10).offset == 2
        with db.consumer("orders", start="earliest", idle_timeout=0) as c:
            assert [r.value for r in c] == [b"tea", b"milk", b"sugar"]
        assert receive(server.bootstrap, "orders", 3) == [b"tea", b"milk", b"sugar"]
    assert not db.closed


def test_a_poll_in_process_wakes_when_a_client_sends(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.serve(port=0) as server, db.consumer("orders", start="latest") as c:
        assert len(c.poll(timeout=0)) == 0
        sender = threading.Thread(target=send, args=(server.bootstrap, "orders", [b"tea"]))
        sender.start()
        assert [r.value for r in c.poll(timeout=20)] == [b"tea"]
        sender.join()


@pytest.mark.parametrize("path", [":memory:", "data"])
def test_serve_opens_and_closes_what_it_serves(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with levada.serve(path, port=0, num_partitions=3) as server:
        db = server.database
        server.database.create_topic("orders")
        assert send(server.bootstrap, "orders", [b"tea"]) == [0]
    assert db.closed and server.closed
    if path != ":memory:":
        with levada.open(path) as again, again.consumer("orders", start="earliest") as c:
            assert [r.value for r in c.poll(timeout=5)] == [b"tea"]


def test_what_a_server_says_of_itself(db: levada.Database) -> None:
    server = db.serve(listeners=["ONE://127.0.0.1:0", "TWO://localhost:0"])
    assert server.database is db
    one, two = server.listeners
    assert (one.name, one.host, one.address) == ("ONE", "127.0.0.1", f"127.0.0.1:{one.port}")
    assert (two.name, two.host) == ("TWO", "localhost")
    assert server.bootstrap == f"127.0.0.1:{server.port}"
    assert repr(server) == f"<levada.Server 127.0.0.1:{one.port} open>"
    with socket.create_connection(("127.0.0.1", two.port)):
        pass
    assert not server.closed
    server.close()
    server.close()
    server.stop()
    assert server.closed and server.connections == 0
    assert repr(server) == f"<levada.Server 127.0.0.1:{one.port} closed>"


def test_settings_go_before_those_of_the_database() -> None:
    config = {"listeners": "NEVER://127.0.0.1:1", "max.connections": 7}
    with (
        levada.open(":memory:", config=config) as db,
        db.serve(port=0, config={"max.connections": 1}) as server,
        socket.create_connection(("127.0.0.1", server.port)) as first,
    ):
        first.sendall(b"\0\0\0\x0b\0\x12\0\x63\0\0\0\x07\xff\xff\0")  # ApiVersions 99
        assert first.recv(4)
        with socket.create_connection(("127.0.0.1", server.port)) as second:
            assert second.recv(1) == b""


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"port": 70_000}, "port 70000"),
        ({"port": -1}, "port -1"),
        ({"port": 1, "listeners": "A://127.0.0.1:0"}, "not both"),
        ({"listeners": "nonsense"}, "nonsense"),
        ({"num_portitions": 3, "port": 0}, "num.portitions"),
    ],
)
def test_wrong_settings_are_refused(
    db: levada.Database, settings: dict[str, levada.SettingValue], says: str
) -> None:
    with pytest.raises(levada.InvalidError, match=says):
        db.serve(**settings)  # type: ignore[arg-type]
    with pytest.raises(levada.InvalidError, match=says):
        levada.serve(":memory:", **settings)  # type: ignore[arg-type]


def test_a_wrong_type_is_a_type_error(db: levada.Database) -> None:
    with pytest.raises(TypeError, match="port is str"):
        db.serve(port="9092")  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_said(db: levada.Database) -> None:
    with db.serve(port=0) as server:
        with pytest.raises(levada.Error, match=f"listen on 127.0.0.1:{server.port}") as caught:
            db.serve(port=server.port)
        assert isinstance(caught.value, levada.UnavailableError)


def test_the_database_may_be_closed_first() -> None:
    db = levada.open(":memory:")
    server = db.serve(port=0)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        db.close()
        assert server.closed
        assert client.recv(1) == b""
    server.close()
    with pytest.raises(levada.ClosedError):
        db.serve(port=0)


def test_two_servers_on_one_database(db: levada.Database) -> None:
    db.create_topic("orders")
    with db.serve(port=0) as one, db.serve(port=0) as two:
        assert send(one.bootstrap, "orders", [b"tea"]) == [0]
        assert receive(two.bootstrap, "orders", 1) == [b"tea"]


def test_a_stopped_server_leaves_its_port(db: levada.Database) -> None:
    first = db.serve(port=0)
    first.stop()
    with db.serve(port=first.port) as second:
        assert second.bootstrap == first.bootstrap


def test_an_exception_in_with_closes_too() -> None:
    with pytest.raises(KeyError), levada.serve(":memory:", port=0) as server:
        raise KeyError("mine")
    assert server.closed and server.database.closed


def test_a_server_that_is_let_go_warns_and_stops(db: levada.Database) -> None:
    server = db.serve(port=0)
    port = server.port
    with pytest.warns(ResourceWarning, match="unclosed <levada.Server"):
        del server
        gc.collect()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def in_fork(child: Callable[[], int]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = child()
        finally:
            os._exit(code)
    return pid


def test_a_fork_refuses_the_server_and_does_not_keep_its_port(db: levada.Database) -> None:
    server = db.serve(port=0)
    reader, writer = os.pipe()

    def child() -> int:
        refused = 0
        for call in (server.stop, server.close, lambda: server.closed, lambda: server.connections):
            try:
                call()
            except levada.ClosedError as error:
                refused += "fork" in str(error)
        os.close(writer)
        os.read(reader, 1)  # until the parent has stopped it
        return refused

    pid = in_fork(child)
    os.close(reader)
    server.stop()
    # The child has a copy of the socket; it does not listen any more.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    os.close(writer)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 4


def test_ctrl_c_ends_the_wait_for_a_stop() -> None:
    code = """
import levada, os, signal, socket, struct, threading
with levada.serve(":memory:", port=0) as server:
    server.database.create_topic("t")
    with server.database.producer() as p:
        for _ in range(20):
            p.send("t", bytes(1_000_000))
    client = socket.create_connection(("127.0.0.1", server.port))
    # Fetch 4 of all at once: an answer that fits no buffer, and that nobody reads.
    head = struct.pack(">hhih", 1, 4, 7, -1) + struct.pack(">iiiib", -1, 0, 1, 50 << 20, 0)
    body = struct.pack(">ih1siiqi", 1, 1, b"t", 1, 0, 0, 50 << 20)
    client.sendall(struct.pack(">i", len(head + body)) + head + body)
    assert client.recv(1, socket.MSG_PEEK)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        server.stop(timeout=3600)
    except KeyboardInterrupt:
        print("interrupted", server.closed, flush=True)
    os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("interrupted True\n", "")


def test_a_server_left_open_at_the_end_is_closed() -> None:
    code = "import levada; s = levada.serve(':memory:', port=0); print(s.port)"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "ResourceWarning: unclosed" in done.stderr


async def test_asyncio_serves() -> None:
    async with levada.aio.open(":memory:") as db:
        await db.create_topic("orders")
        async with db.serve(port=0) as server:
            assert server.database is db
            assert await asyncio.to_thread(send, server.bootstrap, "orders", [b"tea"]) == [0]
            async with db.consumer("orders", start="earliest", idle_timeout=0) as c:
                assert [r.value async for r in c] == [b"tea"]
            assert repr(server).startswith("<levada.aio.Server 127.0.0.1:")
        assert server.closed and not db.closed
    async with levada.aio.serve(":memory:", port=0) as own:
        assert [t.name for t in await own.database.topics()] == []
        assert own.sync.port == own.port == own.listeners[0].port
    assert own.database.closed
    started = await levada.aio.serve(":memory:", port=0)
    await started.stop()
    await started.close()
    assert started.closed and started.connections == 0
