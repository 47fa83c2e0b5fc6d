"""A distributed Connect worker with the file connectors, killed twice on the way.

The file sink writes before it commits its offsets, so its file may have lines twice. The source's
topic has each line once where exactly once is on for sources; where it is off, some may be twice.
"""

import contextlib
import json
import urllib.error
import urllib.request

import jvm
import pytest
from harness.broker import serving
from jvm import Program, until

LINES = 1000
CHUNKS = 24
# Before the lines of these have arrived, the worker is killed.
KILLED = (7, 15)
STATES = ("configs", "offsets", "status")


def ask(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def answers(url):
    """What the worker says, or nothing while it starts or balances."""
    try:
        return ask("GET", url)
    except (urllib.error.URLError, OSError):
        return None


class Worker:
    def __init__(self, bootstrap, directory, libs, tag, exactly_once):
        self.directory, self.libs = directory, libs
        self.url = f"http://127.0.0.1:{jvm.free_port()}"
        self.properties = directory / "worker.properties"
        self.started = 0
        converter = "org.apache.kafka.connect.storage.StringConverter"
        settings = {
            "bootstrap.servers": bootstrap,
            "group.id": f"connect{tag}",
            "listeners": self.url,
            "key.converter": converter,
            "value.converter": converter,
            "exactly.once.source.support": "enabled" if exactly_once else "disabled",
            "consumer.isolation.level": "read_committed",
            "offset.flush.interval.ms": 1000,
            # So that the dead are missed soon, and what they did is given out again soon.
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1000,
            "consumer.session.timeout.ms": 6000,
            "consumer.heartbeat.interval.ms": 1000,
            "scheduled.rebalance.max.delay.ms": 1000,
        }
        for name in STATES:
            kind = name.removesuffix("s") if name != "status" else name
            settings[f"{kind}.storage.topic"] = f"connect-{name}{tag}"
            settings[f"{kind}.storage.replication.factor"] = 1
        self.properties.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))

    def start(self):
        self.started += 1
        main = ["org.apache.kafka.connect.cli.ConnectDistributed", str(self.properties)]
        return Program(
            f"worker{self.started}", self.directory, f"{self.libs}/*", *main, heap="384m"
        )

    def create(self, name, **config):
        url = f"{self.url}/connectors/{name}/config"
        config = {"tasks.max": "1", **{k.replace("_", "."): v for k, v in config.items()}}

        def done():
            try:
                return ask("PUT", url, config)
            except urllib.error.HTTPError as error:
                # It asks to try again while it balances; what else it refuses is final.
                if error.code not in (404, 409, 500, 503):
                    raise AssertionError(error.read()) from None
            except (urllib.error.URLError, OSError):
                return None

        until(done, f"{name} was not taken", 120)

    def runs(self, name):
        """Whether the connector and its task run; a task that failed fails the test."""
        status = answers(f"{self.url}/connectors/{name}/status")
        if not status:
            return False
        failed = [task for task in status["tasks"] if task["state"] == "FAILED"]
        assert not failed, failed
        return [task["state"] for task in status["tasks"]] == ["RUNNING"]


def arrived(path):
    return path.read_text().splitlines() if path.exists() else []


def firsts(lines):
    return list(dict.fromkeys(lines))


@pytest.mark.parametrize("exactly_once", [False, True], ids=["at_least_once", "exactly_once"])
def test_all_lines_arrive_in_order_over_killed_workers(exactly_once, tmp_path):
    libs = jvm.jars("connect")
    source, sink = tmp_path / "source.txt", tmp_path / "sink.txt"
    source.touch()
    with serving(tmp_path) as bootstrap, contextlib.ExitStack() as stack:
        tag = f"-{tmp_path.name}"
        topic = f"lines{tag}"
        # The worker makes its own topics.
        jvm.no_topics(bootstrap, [f"connect-{name}{tag}" for name in STATES])
        jvm.topics(bootstrap, [topic], 1)
        worker = Worker(bootstrap, tmp_path, libs, tag, exactly_once)
        program = stack.enter_context(worker.start())
        worker.create(
            "source",
            connector_class="org.apache.kafka.connect.file.FileStreamSourceConnector",
            file=str(source),
            topic=topic,
        )
        worker.create(
            "sink",
            connector_class="org.apache.kafka.connect.file.FileStreamSinkConnector",
            file=str(sink),
            topics=topic,
        )
        sent = []

        def reached(count):
            def enough():
                assert program.process.poll() is None, program.tail()
                return len(set(arrived(sink))) >= count

            def told():
                return f"{len(set(arrived(sink)))} of {count} lines\n{program.tail()}"

            until(enough, told, 180)

        for chunk in range(CHUNKS):
            lines = [f"{chunk * LINES + line:08d}" for line in range(LINES)]
            with open(source, "a") as file:
                file.writelines(line + "\n" for line in lines)
            sent += lines
            if chunk in KILLED:
                # In the midst of it: some of these have arrived, as many as have not.
                reached(len(sent) - LINES + 1)
                program.kill()
                program = stack.enter_context(worker.start())
            else:
                # Never waits for the newest, so that there is always something on the way.
                reached(len(sent) - 2 * LINES)
        reached(len(sent))
        until(lambda: worker.runs("source") and worker.runs("sink"), program.tail, 60)
        program.stop()
        records = jvm.committed(bootstrap, topic)
        values = [record.value().decode() for record in records]
        lines = arrived(sink)
        twice = {"topic": len(values) - len(sent), "file": len(lines) - len(sent)}
        # Shown with pytest's -rP.
        print(f"{len(sent)} lines; twice: {twice}")
        assert firsts(values) == sent
        assert firsts(lines) == sent
        if exactly_once:
            assert values == sent
