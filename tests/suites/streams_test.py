"""Kafka Streams' own smoke test, with a processor or the broker killed on the way."""

import contextlib

import jvm
import pytest
from harness.broker import serving
from jvm import Program, until

TOPICS = [
    *["data", "fk", "echo", "max", "min", "min-raw", "min-suppressed", "dif", "sum"],
    *["sws-raw", "sws-suppressed", "cnt", "avg", "tagg"],
]
RUNNING = "REBALANCING -> RUNNING"


class Smoke(contextlib.ExitStack):
    """Two processors and the driver, which writes for a minute and a half and then verifies."""

    def __init__(self, bootstrap, directory, guarantee):
        super().__init__()
        self.libs = jvm.jars("streams")
        self.directory, self.guarantee = directory, guarantee
        jvm.topics(bootstrap, TOPICS, 5)
        self.properties = directory / "streams.properties"
        self.properties.write_text(
            f"bootstrap.servers={bootstrap}\n"
            f"application.id={directory.name}\n"
            f"processing.guarantee={guarantee}\n"
            # So that the dead are missed soon.
            "session.timeout.ms=6000\n"
            "heartbeat.interval.ms=1000\n"
        )

    def run(self):
        self.processors = {}
        for name in ("first", "second"):
            self.process(name)
        self.driver = self.start("driver", "run")

    def process(self, name):
        self.processors[name] = self.start(name, "process")
        self.processors[name].says(RUNNING)

    def start(self, name, command):
        main = "org.apache.kafka.streams.tests.StreamsSmokeTest"
        arguments = [f"{self.libs}/*", main, str(self.properties), command]
        return self.enter_context(Program(name, self.directory, *arguments))

    def kill(self, name):
        self.processors.pop(name).kill()

    def wrote(self, count):
        self.driver.says(f" {count} records produced")

    def assert_verified(self):
        """The driver found all, and the processors that are left end well."""
        # Nothing was verified yet: what was killed was killed in the midst of it.
        assert "Result Verification" not in self.driver.text()
        self.driver.wait(700)
        for processor in self.processors.values():
            processor.stop()
            until(lambda p=processor: "SMOKE-TEST-CLIENT-CLOSED" in p.text(), processor.tail)
            assert "SMOKE-TEST-CLIENT-EXCEPTION" not in processor.text(), processor.tail()
        told = self.driver.text()
        # What Kafka asks of itself: after a crash, at least once may count some twice.
        passed = "SUCCESS" in told
        if self.guarantee == "at_least_once":
            passed = passed or "PROCESSED-MORE-THAN-GENERATED" in told
        assert passed, self.driver.tail()


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once_v2"])
def test_results_survive_a_killed_processor(guarantee, tmp_path):
    with serving(tmp_path) as bootstrap, Smoke(bootstrap, tmp_path, guarantee) as smoke:
        smoke.run()
        smoke.wrote(4000)
        smoke.processors["first"].says("processed")
        smoke.kill("first")
        smoke.wrote(8000)
        smoke.process("third")
        smoke.assert_verified()


def test_results_survive_a_killed_broker(tmp_path):
    with (
        jvm.Broker(tmp_path) as broker,
        Smoke(broker.bootstrap, tmp_path, "exactly_once_v2") as smoke,
    ):
        smoke.run()
        for count in (4000, 10000):
            smoke.wrote(count)
            broker.kill()
            broker.start()
        smoke.assert_verified()
