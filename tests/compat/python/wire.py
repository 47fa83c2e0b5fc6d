"""What the Python client programs share: the command protocol described in tests/compat/harness."""

import base64
import json
import sys
import time


def emit(**line):
    print(json.dumps(line), flush=True)


def blob(text):
    return None if text is None else base64.b64decode(text)


def text(data):
    return None if data is None else base64.b64encode(data).decode()


class Record:
    """One record of a request: bytes or None everywhere."""

    def __init__(self, line):
        self.key = blob(line["key"])
        self.value = blob(line["value"])
        self.headers = [(name, blob(value)) for name, value in line["headers"]]
        self.timestamp = line["timestamp"]


def records(request):
    with open(request["records"]) as file:
        return [Record(line) for line in json.load(file)]


def consumed(topic, partition, offset, timestamp, key, value, headers):
    emit(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=timestamp,
        key=text(key),
        value=text(value),
        headers=[[name, text(header)] for name, header in headers or []],
    )


class NotOffered(Exception):
    """The client has no such call."""


def outcome(name, error=None):
    """The line that says how a step ended."""
    if error is None:
        emit(step=name, ok=True)
    elif isinstance(error, NotOffered):
        emit(step=name, offered=False, error=str(error))
    else:
        emit(step=name, ok=False, error=f"{type(error).__name__}: {error}")


def step(name, function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        outcome(name, error)
        return False
    outcome(name)
    return True


def until(condition, what, seconds=10):
    """Asks again until it holds: what a broker acknowledged may take a moment to be seen."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


def main(commands):
    bootstrap, command, request = sys.argv[1:4]
    with open(request) as file:
        commands[command](bootstrap, json.load(file))
