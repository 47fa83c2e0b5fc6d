"""Runs the scenarios of all clients at once, as far as their order allows."""

import concurrent.futures as futures
import contextlib
import os
import threading

from . import scenarios
from .broker import Harness, serving
from .clients import CLIENTS, Missing

# More than the cores: most scenarios wait for a session to time out.
WORKERS = 6


def chosen():
    """The clients that LEVADA_COMPAT_CLIENTS names (parts of names, with commas), or all."""
    parts = [part for part in os.environ.get("LEVADA_COMPAT_CLIENTS", "").split(",") if part]
    return [c for c in CLIENTS if not parts or any(part in c.slug for part in parts)]


class Suite:
    def __init__(self, directory):
        self.directory = directory
        self.stack = contextlib.ExitStack()
        # One build at a time: each uses all cores, and those of one toolchain share a lock anyway.
        self.building = threading.Lock()
        self.built = {}

    def __enter__(self):
        bootstrap = self.stack.enter_context(serving(self.directory))
        self.harness = Harness(bootstrap)
        self.pool = self.stack.enter_context(futures.ThreadPoolExecutor(WORKERS))
        try:
            self.start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.pool.shutdown(cancel_futures=True)
        self.stack.close()

    def start(self):
        self.known = f"known{self.harness.tag}"
        self.harness.create([self.known])
        self.prepared = self.pool.submit(self.harness.commit, self.known, self.known)
        self.built = {client: self.pool.submit(self.build, client) for client in chosen()}
        self.produced = {c: self.pool.submit(self.produce, c) for c in chosen()}
        self.jobs = {client: [] for client in chosen()}
        # The ones that wait come first, and what waits for all producers last.
        for scenario in (self.classic, self.consumer, self.transactions, self.admin, self.consume):
            for client, jobs in self.jobs.items():
                jobs.append(self.pool.submit(scenario, client))

    def build(self, client):
        with self.building:
            return client.build()

    def command(self, client):
        return self.built[client].result()[1]

    def produce(self, client):
        return scenarios.produce(client, self.command(client), self.harness, self.directory)

    def classic(self, client):
        return scenarios.groups(client, self.command(client), self.harness, "classic")

    def consumer(self, client):
        return scenarios.groups(client, self.command(client), self.harness, "consumer")

    def transactions(self, client):
        return scenarios.transactions(client, self.command(client), self.harness)

    def admin(self, client):
        # Whether there is such a group is for the client to say.
        futures.wait([self.prepared])
        command = self.command(client)
        return scenarios.admin(client, command, self.harness, self.known, self.known)

    def consume(self, client):
        produced = {}
        own = self.produced[client].result()
        for sender, future in self.produced.items():
            try:
                cells = future.result()
            except Missing:
                continue
            produced[sender] = [
                # What it cannot compress it cannot read.
                name
                for name, outcome in cells.items()
                if outcome is None
                and own[name] != scenarios.NOT_OFFERED
                and (name not in client.unread or sender is client)
            ]
        return scenarios.consume(client, self.command(client), self.harness, produced)

    def version(self, client):
        """Raises `Missing` where the client's toolchain is not here."""
        return self.built[client].result()[0]

    def cells(self, client):
        found = dict(self.produced[client].result())
        for job in self.jobs[client]:
            found.update(job.result())
        for column in client.limits:
            if found[column] not in (None, scenarios.NOT_OFFERED):
                found[column] = scenarios.LIMIT
        return found
