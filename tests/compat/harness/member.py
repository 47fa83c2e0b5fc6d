"""One run of a client program, or a member of a group that runs until it is killed."""

import json
import os
import signal
import subprocess
import tempfile
import threading


def call(command, bootstrap, name, request, limit=60):
    """The lines that a program printed; raises when it failed or did not end."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/request.json"
        with open(path, "w") as file:
            json.dump(request, file)
        try:
            done = subprocess.run(
                [*command, bootstrap, name, path], capture_output=True, timeout=limit
            )
        except subprocess.TimeoutExpired as error:
            lines = [json.loads(line) for line in (error.stdout or b"").splitlines()[:-1]]
            return lines, f"no end within {limit} s; {tail(error.stderr)}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines, f"exit code {done.returncode}: {tail(done.stderr)}" if done.returncode else None


def tail(errors):
    return " ".join((errors or b"").decode(errors="replace").split())[-300:]


class Member:
    """Reads in a group. What it says is kept in the order in which it said it."""

    def __init__(self, command, bootstrap, request):
        self.directory = tempfile.TemporaryDirectory()
        path = f"{self.directory.name}/request.json"
        with open(path, "w") as file:
            json.dump(request, file)
        self.errors = open(f"{self.directory.name}/stderr", "w+b")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*command, bootstrap, "group", path],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
        )
        self.assigned = []
        self.read = []
        self.thread = threading.Thread(target=self.follow, name="member")
        self.thread.start()

    def follow(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "assigned" in said:
                self.assigned = said["assigned"]
            elif "read" in said:
                self.read.append(tuple(said["read"]))

    def alive(self):
        if self.process.poll() is not None:
            self.errors.seek(0)
            raise RuntimeError(f"the member ended: {tail(self.errors.read())}")
        return True

    def kill(self):
        """As a crash would: it says goodbye to nobody."""
        # With all that it started.
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.errors.close()
        self.directory.cleanup()
