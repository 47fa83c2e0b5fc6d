"""The broker for tests, its faults, and the fixtures for pytest."""

from __future__ import annotations

import socket
import subprocess
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

import confluent_kafka as ck
import levada
import levada.testing
import pytest


@pytest.fixture
def broker() -> Iterator[levada.testing.Broker]:
    with levada.testing.Broker() as own:
        yield own


class Client:
    """A librdkafka producer that tells what became of a message."""

    def __init__(self, bootstrap: str, **settings: object) -> None:
        config = {"bootstrap.servers": bootstrap, "message.timeout.ms": 30_000, **settings}
        self.producer = ck.Producer(config)
        self.errors: list[ck.KafkaError | None] = []

    def begin(self, topic: str, value: bytes) -> None:
        def delivered(error: ck.KafkaError | None, _: ck.Message) -> None:
            self.errors.append(error)

        self.producer.produce(topic, value, partition=0, on_delivery=delivered)

    def send(self, topic: str, value: bytes) -> ck.KafkaError | None:
        self.begin(topic, value)
        assert self.producer.flush(30) == 0
        return self.errors[-1]


def values(broker: levada.testing.Broker, topic: str, count: int | None = None) -> list[bytes]:
    return [r.value or b"" for r in broker.messages(topic, count, timeout=30)]


def test_what_arrives_is_read(broker: levada.testing.Broker) -> None:
    topic = broker.topic(partitions=3)
    for number in (2, 0, 1, 0):
        broker.produce(topic, b"%d" % number, partition=number, key=b"k", headers=[("h", b"1")])
    records = broker.messages(topic)
    assert [(r.partition, r.offset, r.value) for r in records] == [
        (0, 0, b"0"),
        (0, 1, b"0"),
        (1, 0, b"1"),
        (2, 0, b"2"),
    ]
    assert Client(broker.bootstrap).send(topic, b"tea") is None
    assert len(broker.messages(topic, count=5)) == 5
    with pytest.raises(levada.TimeoutError, match="5 of 6 records arrived"):
        broker.messages(topic, count=6, timeout=0.01)


def test_topics_have_names_of_their_own(broker: levada.testing.Broker) -> None:
    names = {broker.topic() for _ in range(5)}
    assert len(names) == 5
    assert broker.topic("orders", config={"cleanup.policy": "compact"}) == "orders"
    assert broker.database.topic("orders").config()["cleanup.policy"] == "compact"


def test_a_failure_is_met_once_and_retried(broker: levada.testing.Broker) -> None:
    topic = broker.topic()
    client = Client(broker.bootstrap, **{"retry.backoff.ms": 1})
    broker.fail_next("Produce", "NOT_LEADER_OR_FOLLOWER")
    assert client.send(topic, b"tea") is None
    assert values(broker, topic) == [b"tea"]


def test_a_failure_that_is_none_to_retry_reaches_the_caller(broker: levada.testing.Broker) -> None:
    topic = broker.topic()
    client = Client(broker.bootstrap)
    broker.fail_next(0, 87)
    error = client.send(topic, b"tea")
    assert error is not None and error.code() == ck.KafkaError.INVALID_RECORD
    assert values(broker, topic) == []
    assert client.send(topic, b"milk") is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda b: b.fail_next("Prduce", 3), "no API 'Prduce'|no API \"Prduce\""),
        (lambda b: b.fail_next("Produce", "OOPS"), "no error"),
        (lambda b: b.fail_next("ApiVersions", 3), "there are Produce"),
        (lambda b: b.delay("Produce", -1), "is no time"),
    ],
)
def test_faults_that_cannot_be_are_refused(
    broker: levada.testing.Broker, call: Callable[[levada.testing.Broker], None], says: str
) -> None:
    with pytest.raises(levada.InvalidError, match=says):
        call(broker)


def test_a_paused_broker_holds_what_comes(broker: levada.testing.Broker) -> None:
    topic = broker.topic()
    client = Client(broker.bootstrap)
    assert client.send(topic, b"tea") is None
    broker.pause()
    client.begin(topic, b"milk")
    assert client.producer.flush(0.2) == 1
    assert values(broker, topic) == [b"tea"]
    with socket.create_connection(("127.0.0.1", broker.port)):
        pass
    broker.resume()
    assert client.producer.flush(30) == 0
    assert client.errors == [None, None]
    assert values(broker, topic) == [b"tea", b"milk"]


def test_a_delayed_answer_times_out_and_the_record_is_there(broker: levada.testing.Broker) -> None:
    topic = broker.topic()
    client = Client(broker.bootstrap, **{"retries": 0, "request.timeout.ms": 300, "acks": 1})
    broker.delay("Produce", 3600)
    error = client.send(topic, b"tea")
    assert error is not None and error.code() in (
        ck.KafkaError._TIMED_OUT,
        ck.KafkaError.REQUEST_TIMED_OUT,
        ck.KafkaError._MSG_TIMED_OUT,
    )
    assert values(broker, topic) == [b"tea"]
    broker.delay("Produce", 0)
    assert client.send(topic, b"milk") is None


def test_a_killed_broker_resets_and_comes_back_on_its_port(broker: levada.testing.Broker) -> None:
    topic = broker.topic()
    before = broker.bootstrap
    client = Client(broker.bootstrap, **{"reconnect.backoff.ms": 10, "retry.backoff.ms": 10})
    assert client.send(topic, b"tea") is None
    with socket.create_connection(("127.0.0.1", broker.port)) as raw:
        raw.sendall(b"\0\0\0\x0b\0\x12\0\x63\0\0\0\x07\xff\xff\0")  # ApiVersions 99
        assert raw.recv(64)
        broker.kill()
        with pytest.raises(ConnectionResetError):
            raw.recv(64)
    assert not broker.running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", broker.port))
    client.begin(topic, b"milk")
    broker.restart()
    assert (broker.bootstrap, broker.running) == (before, True)
    assert client.producer.flush(30) == 0
    assert client.errors == [None, None]
    assert values(broker, topic) == [b"tea", b"milk"]


def test_a_restart_keeps_all_listeners() -> None:
    with levada.testing.Broker(listeners=["A://127.0.0.1:0", "B://localhost:0"]) as broker:
        before = broker.server.listeners
        broker.restart()
        assert broker.server.listeners == before


def test_reset_makes_it_as_at_first(broker: levada.testing.Broker) -> None:
    topic = broker.topic()
    broker.produce(topic, b"tea")
    with broker.database.consumer(topic, group="g", start="earliest") as c:
        c.poll(timeout=5)
    broker.pause()
    broker.kill()
    broker.reset()
    assert broker.running
    assert broker.database.topics() == []
    assert broker.database.groups() == []
    assert Client(broker.bootstrap).send(broker.topic(topic), b"milk") is None
    assert values(broker, topic) == [b"milk"]


def test_in_a_directory_what_was_acknowledged_is_kept(tmp_path: Path) -> None:
    with levada.testing.Broker(tmp_path / "data") as broker:
        topic = broker.topic()
        assert Client(broker.bootstrap).send(topic, b"tea") is None
        broker.kill()
    with levada.testing.Broker(tmp_path / "data") as broker:
        assert values(broker, topic) == [b"tea"]


class Unittest(unittest.TestCase):
    broker: levada.testing.Broker

    @classmethod
    def setUpClass(cls) -> None:
        cls.broker = cls.enterClassContext(levada.testing.Broker())

    def test_it_serves_a_class(self) -> None:
        topic = self.broker.topic()
        self.assertIsNone(Client(self.broker.bootstrap).send(topic, b"tea"))
        self.assertEqual(values(self.broker, topic, 1), [b"tea"])


FILE = """
import confluent_kafka

def send(bootstrap, topic):
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, b"tea")
    assert producer.flush(30) == 0

def test_one(levada_broker, levada_topic):
    assert levada_topic.startswith("test_one-")
    send(levada_broker.bootstrap, levada_topic)
    assert [r.value for r in levada_broker.messages(levada_topic, 1)] == [b"tea"]
    levada_broker.topic("left")
    levada_broker.pause()

def test_two(levada_broker):
    assert levada_broker.database.topics() == []
    send(levada_broker.bootstrap, levada_broker.topic())
    levada_broker.kill()

def test_three(levada_broker, levada_broker_session, levada_topic):
    assert levada_broker is levada_broker_session
    send(levada_broker.bootstrap, levada_topic)
"""


def test_the_fixtures_give_each_test_a_clean_broker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FILE)
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_each_worker_has_its_own_broker(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile(
        """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(8))
def test_port(levada_broker, levada_topic, number):
    levada_broker.produce(levada_topic, b"x")
    assert len(levada_broker.messages(levada_topic)) == 1
    assert len(levada_broker.database.topics()) == 1
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{os.getpid()} {levada_broker.port}\\n")
"""
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEN", str(pytester.path / "seen"))
        done = pytester.runpytest_subprocess("-n2", "--dist=each")
    done.assert_outcomes(passed=16)
    seen = {tuple(line.split()) for line in (pytester.path / "seen").read_text().splitlines()}
    assert len(seen) == len({pid for pid, _ in seen}) == len({port for _, port in seen}) == 2


@pytest.mark.parametrize("by", ["option", "ini"])
def test_data_may_lie_in_a_directory(pytester: pytest.Pytester, by: str) -> None:
    pytester.makepyfile(
        """
import os

def test_path(levada_broker):
    assert os.path.isdir(levada_broker.database.path)
    assert len(levada_broker.database.topic(levada_broker.topic("t")).describe().partitions) == 1
"""
    )
    if by == "ini":
        pytester.makeini(
            "[pytest]\nlevada_data = directory\nlevada_settings =\n  num.partitions=3\n"
        )
        done = pytester.runpytest_subprocess()
    else:
        done = pytester.runpytest_subprocess("--levada-data=directory")
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("ini", "says"),
    [
        ("levada_data = disc", "levada_data is 'disc'"),
        ("levada_settings = nonsense", "not of the form name=value"),
    ],
)
def test_wrong_options_are_said(pytester: pytest.Pytester, ini: str, says: str) -> None:
    pytester.makepyfile("def test_it(levada_broker): pass")
    pytester.makeini(f"[pytest]\n{ini}\n")
    done = pytester.runpytest_subprocess()
    done.stdout.fnmatch_lines([f"*{says}*"])


def test_who_does_not_use_the_fixtures_does_not_load_the_engine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_it():
    assert "levada_pytest" in sys.modules
    assert "levada" not in sys.modules
"""
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_script_may_use_it() -> None:
    code = """
from levada.testing import Broker
with Broker() as broker:
    topic = broker.topic()
    broker.produce(topic, b"tea")
    print(broker.messages(topic)[0].value, broker)
print(broker)
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first.startswith("b'tea' <levada.testing.Broker 127.0.0.1:")
    assert first.endswith(" running>") and second.endswith(" not running>")
